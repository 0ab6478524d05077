#include "base/address.h"

#include <charconv>

#include <arpa/inet.h>

namespace oncemq {

bool Address::is_loopback() const {
  if (!is_v6) return ip[0] == std::byte{127};
  Address one{.is_v6 = true, .port = port};
  one.ip.back() = std::byte{1};
  return *this == one;
}

std::string Address::ip_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v6 ? AF_INET6 : AF_INET, ip.data(), text, sizeof text);
  return text;
}

std::string Address::to_string() const {
  const std::string host = ip_string();
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Address Address::loopback(std::uint16_t port) {
  return {.ip = {{std::byte{127}, std::byte{0}, std::byte{0}, std::byte{1}}}, .port = port};
}

Result<Address> Address::parse(std::string_view text) {
  const auto refuse = [&] {
    return fail(Errc::kInvalidArgument, "'" + std::string(text) + "' is not IP:PORT");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);

  Address result;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    result.is_v6 = true;
    host = host.substr(1, host.size() - 2);
  }
  if (inet_pton(result.is_v6 ? AF_INET6 : AF_INET, std::string(host).c_str(), result.ip.data()) !=
      1)
    return refuse();
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
  if (error != std::errc() || end != port.data() + port.size()) return refuse();
  return result;
}

}  // namespace oncemq
