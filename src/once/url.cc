#include "once/url.h"

#include <algorithm>

#include "client/sdk/failure.h"

namespace oncemq::once {
namespace {

using sdk::Errc;
using sdk::failure;

constexpr std::size_t kTableMax = 40;  // PostgreSQL's names have 63 bytes; ours get endings

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// A dead peer is noticed: libpq alone would wait for the kernel, a quarter of an hour.
std::string with_limits(std::string connect) {
  for (const auto& [name, value] :
       {std::pair{"connect_timeout", "10"}, std::pair{"tcp_user_timeout", "30000"}}) {
    if (connect.find(std::string(name) + "=") != std::string::npos) continue;
    connect += connect.find('?') == std::string::npos ? '?' : '&';
    connect += std::string(name) + "=" + value;
  }
  return connect;
}

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

}  // namespace

sdk::Result<Target> parse_url(std::string_view url) {
  if (url.find('\0') != std::string_view::npos)
    return failure(Errc::kInvalidArgument, "a URL with a zero byte");
  if (url.starts_with("postgresql://") || url.starts_with("postgres://"))
    return Target{.engine = Engine::kPostgresql, .connect = with_limits(std::string(url))};
  if (take(url, "sqlite:")) {
    if (take(url, "//") && !url.starts_with('/'))
      return failure(Errc::kInvalidArgument, "sqlite://HOST: a database file has no host");
    // SOCI reads "name=value" pairs where it sees '='; without one all of it is the path.
    if (url.empty() || url.find('=') != std::string_view::npos)
      return failure(Errc::kInvalidArgument, "sqlite: needs a path, without '='");
    return Target{.engine = Engine::kSqlite, .connect = std::string(url)};
  }
  return failure(Errc::kInvalidArgument,
                 "a database is named by postgresql://USER@HOST/DATABASE or sqlite:PATH");
}

sdk::Status check_table(std::string_view table) {
  const bool good = !table.empty() && table.size() <= kTableMax && is_lower(table.front()) &&
                    std::ranges::all_of(table, [](char c) {
                      return is_lower(c) || (c >= '0' && c <= '9') || c == '_';
                    });
  if (good) return {};
  return failure(Errc::kInvalidArgument, "a table's name is made of a-z, 0-9 and _, at most 40");
}

}  // namespace oncemq::once
