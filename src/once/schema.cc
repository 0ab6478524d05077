#include "oncemq/once/schema.h"

#include "once/database.h"

namespace oncemq::once {
namespace {

sdk::Result<std::unique_ptr<Database>> connect(const std::string& url, const std::string& table) {
  const auto target = parse_url(url);
  if (!target) return tl::unexpected(target.error());
  return Database::open(*target, {.table = table});
}

}  // namespace

sdk::Status init(const std::string& url, const SchemaOptions& options) {
  if (const auto good = complete(options); !good) return tl::unexpected(good.error());
  const auto database = connect(url, options.table);
  if (!database) return tl::unexpected(database.error());
  return (*database)->create(options);
}

sdk::Result<SchemaStatus> status(const std::string& url, const std::string& table) {
  const auto database = connect(url, table);
  if (!database) return tl::unexpected(database.error());
  return (*database)->status();
}

sdk::Result<Cleaned> clean(const std::string& url, const std::string& table) {
  const auto database = connect(url, table);
  if (!database) return tl::unexpected(database.error());
  if (auto known = (*database)->check_schema(); !known) return tl::unexpected(known.error());
  return (*database)->clean();
}

}  // namespace oncemq::once
