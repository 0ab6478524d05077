#include "net/address.h"

#include <charconv>
#include <memory>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

namespace oncemq::net {
namespace {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

Result<HostPort> split(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return fail(Errc::kInvalidArgument, "\"" + std::string(text) + "\" is not HOST:PORT");
  const std::string_view digits = text.substr(colon + 1);
  HostPort result;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  if (error != std::errc() || end != digits.data() + digits.size())
    return fail(Errc::kInvalidArgument, "\"" + std::string(text) + "\" has no port below 65536");
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  result.host = host;
  return result;
}

}  // namespace

Result<std::vector<Address>> resolve(std::string_view host_and_port) {
  auto parts = split(host_and_port);
  if (!parts) return fail(std::move(parts.error()));
  if (auto number = Address::parse(host_and_port)) return std::vector<Address>{*number};

  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(parts->host.c_str(), nullptr, &hints, &found);
  if (code != 0)
    return fail(Errc::kNotFound, "cannot resolve \"" + parts->host + "\": " + gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<Address> result;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    char text[INET6_ADDRSTRLEN] = {};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) != 0)
      continue;
    const std::string host = entry->ai_family == AF_INET6 ? "[" + std::string(text) + "]" : text;
    auto address = Address::parse(host + ":" + std::to_string(parts->port));
    if (address) result.push_back(*address);
  }
  if (result.empty()) return fail(Errc::kNotFound, "\"" + parts->host + "\" has no usable address");
  return result;
}

}  // namespace oncemq::net
