#include "oncemq/once/schema.h"

#include "client/sdk/failure.h"
#include "once/database.h"
#include "os/real_disk.h"

namespace oncemq::once {
namespace {

enum class Use : std::uint8_t { kMake, kChange, kLook };

sdk::Result<std::unique_ptr<Database>> connect(const std::string& url, const std::string& table,
                                               Use use) {
  const auto target = parse_url(url);
  if (!target) return tl::unexpected(target.error());
  // SQLite would make an empty file of a name that was mistyped.
  if (use != Use::kMake && target->engine == Engine::kSqlite &&
      !os::RealDisk().stat(target->connect))
    return sdk::failure(sdk::Errc::kUnreachable,
                        "there is no file " + target->connect +
                            ", once::init() or the command 'oncemq once init' makes it");
  return Database::open(*target, {.table = table, .only_look = use == Use::kLook});
}

}  // namespace

sdk::Status init(const std::string& url, const SchemaOptions& options) {
  if (const auto good = complete(options); !good) return tl::unexpected(good.error());
  const auto database = connect(url, options.table, Use::kMake);
  if (!database) return tl::unexpected(database.error());
  return (*database)->create(options);
}

sdk::Result<SchemaStatus> status(const std::string& url, const std::string& table) {
  const auto database = connect(url, table, Use::kLook);
  if (!database) return tl::unexpected(database.error());
  return (*database)->status();
}

sdk::Result<Cleaned> clean(const std::string& url, const std::string& table) {
  const auto database = connect(url, table, Use::kChange);
  if (!database) return tl::unexpected(database.error());
  if (auto known = (*database)->check_schema(); !known) return tl::unexpected(known.error());
  return (*database)->clean();
}

}  // namespace oncemq::once
