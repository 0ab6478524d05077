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

bool is_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Each "%XX" is one, and none of them is a zero byte.
bool is_escaped(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string_view::npos; ++at)
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2]) ||
        text.substr(at, 3) == "%00")
      return false;
  return true;
}

// Calls `judge` with each piece between separators; whether all are good.
template <class Judge>
bool all_pieces(std::string_view text, char separator, const Judge& judge) {
  for (;;) {
    const std::size_t end = text.find(separator);
    if (!judge(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) host.remove_prefix(std::min(host.find(']'), host.size()));
  const std::size_t colon = host.find(':');
  return host.find('@') == std::string_view::npos &&
         (colon == std::string_view::npos || is_digits(host.substr(colon + 1)));
}

// libpq repeats what it cannot read, for example as a port that is no number, and that may be a
// part of a password: it does not get to see such a URL. `rest`: behind "postgresql://".
bool is_readable(std::string_view rest) {
  if (!is_escaped(rest)) return false;
  const std::size_t user_end = rest.find_first_of("@/");
  const bool has_user = user_end != std::string_view::npos && rest[user_end] == '@';
  if (has_user) rest.remove_prefix(user_end + 1);
  const std::string_view hosts = rest.substr(0, rest.find_first_of("/?"));
  if (!all_pieces(hosts, ',', is_host)) return false;
  rest.remove_prefix(hosts.size());
  const std::string_view path = rest.substr(0, rest.find('?'));
  // The user's end was meant, but an earlier '/' ended the host.
  if (!has_user && path.find('@') != std::string_view::npos) return false;
  if (path.size() + 1 >= rest.size()) return true;
  return all_pieces(rest.substr(path.size() + 1), '&',
                    [](std::string_view one) { return std::ranges::count(one, '=') == 1; });
}

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

}  // namespace

sdk::Result<Target> parse_url(std::string_view url) {
  if (url.find('\0') != std::string_view::npos)
    return failure(Errc::kInvalidArgument, "a URL with a zero byte");
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    if (!is_readable(url.substr(url.find("://") + 3)))
      return failure(Errc::kInvalidArgument,
                     "the URL cannot be read: it is postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
                     "and within a part '%', '/', '@', ':', '?' and '&' are written as %25, %2F, "
                     "%40, %3A, %3F and %26");
    return Target{.engine = Engine::kPostgresql, .connect = with_limits(std::string(url))};
  }
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
