#include "once/connection.h"

#include <charconv>
#include <exception>

#include "client/sdk/failure.h"

namespace oncemq::once {
namespace {

using sdk::Errc;
using sdk::failure;

std::string text_of(const soci::row& row, std::size_t at) {
  if (row.get_indicator(at) == soci::i_null) return {};
  switch (row.get_properties(at).get_data_type()) {
    case soci::dt_string:
    case soci::dt_xml:
    case soci::dt_blob:
      return row.get<std::string>(at);
    case soci::dt_integer:
      return std::to_string(row.get<int>(at));
    case soci::dt_long_long:
      return std::to_string(row.get<long long>(at));
    case soci::dt_unsigned_long_long:
      return std::to_string(row.get<unsigned long long>(at));
    case soci::dt_double:
      return std::to_string(row.get<double>(at));
    case soci::dt_date:
      break;  // none of our statements asks for one
  }
  return {};
}

}  // namespace

sdk::Status guarded(const std::function<sdk::Status()>& run) {
  try {
    return run();
  } catch (const soci::soci_error& error) {
    const bool lost = error.get_error_category() == soci::soci_error::connection_error;
    return failure(lost ? Errc::kUnreachable : Errc::kRefused, error.get_error_message());
  } catch (const std::exception& error) {
    return failure(Errc::kInternal, error.what());
  } catch (...) {
    return failure(Errc::kInternal, "an exception that is no std::exception");
  }
}

sdk::Result<std::unique_ptr<Connection>> Connection::open(const Target& target) {
  std::unique_ptr<Connection> connection(new Connection());
  const bool is_sqlite = target.engine == Engine::kSqlite;
  const auto opened = guarded([&]() -> sdk::Status {
    connection->session_.open(is_sqlite ? "sqlite3" : "postgresql", target.connect);
    return {};
  });
  if (opened) return connection;
  const std::string package = is_sqlite ? "libsoci-sqlite3-4.0" : "libsoci-postgresql4.0";
  std::string message = opened.error().message;
  if (message.find("shared library") != std::string::npos)
    message += " (Debian's package " + package + " has it)";
  return failure(Errc::kUnreachable, std::move(message));
}

sdk::Status Connection::run(const std::string& statement) {
  return guarded([&]() -> sdk::Status {
    session_ << statement;
    return {};
  });
}

sdk::Result<Connection::Rows> Connection::rows(const std::string& statement) {
  Rows rows;
  auto done = guarded([&]() -> sdk::Status {
    const soci::rowset<soci::row> found = session_.prepare << statement;
    for (const soci::row& row : found) {
      std::vector<std::string>& values = rows.emplace_back();
      for (std::size_t at = 0; at < row.size(); ++at) values.push_back(text_of(row, at));
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return rows;
}

sdk::Result<std::string> Connection::value(const std::string& statement) {
  auto found = rows(statement);
  if (!found) return tl::unexpected(std::move(found.error()));
  if (found->empty() || found->front().empty())
    return failure(Errc::kRefused, "no answer to: " + statement);
  return std::move(found->front().front());
}

sdk::Result<std::int64_t> Connection::number(const std::string& statement) {
  const auto text = value(statement);
  if (!text) return tl::unexpected(text.error());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size())
    return failure(Errc::kRefused, "no number in answer to: " + statement);
  return number;
}

}  // namespace oncemq::once
