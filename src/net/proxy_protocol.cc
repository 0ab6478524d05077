#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

namespace oncemq::net {
namespace {

using State = ProxyHeader::State;

constexpr std::string_view kStart1 = "PROXY ";
constexpr std::string_view kStart2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kLongest1 = 107;
constexpr std::size_t kFixed2 = 16;
constexpr std::size_t kLongestRest2 = 4096;

// Of the same length as far as both go.
bool same_start(std::string_view text, std::string_view start) {
  const std::size_t size = std::min(text.size(), start.size());
  return text.substr(0, size) == start.substr(0, size);
}

std::string_view next_word(std::string_view& text) {
  const auto space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  return word;
}

ProxyHeader parse_text(std::string_view text) {
  const auto end = text.substr(0, kLongest1).find("\r\n");
  if (end == std::string_view::npos)
    return {.state = text.size() < kLongest1 ? State::kIncomplete : State::kBad};
  std::string_view line = text.substr(kStart1.size(), end - kStart1.size());
  ProxyHeader header{.state = State::kPresent, .size = end + 2};
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return header;
  const std::string_view client = next_word(line);
  const std::string_view proxy = next_word(line);
  const std::string_view client_port = next_word(line);
  const bool v6 = family == "TCP6";
  if ((!v6 && family != "TCP4") || proxy.empty() || line.empty()) return {.state = State::kBad};
  auto address = Address::parse(std::string(v6 ? "[" : "") + std::string(client) +
                                (v6 ? "]:" : ":") + std::string(client_port));
  if (!address || address->is_v6 != v6) return {.state = State::kBad};
  header.client = *address;
  return header;
}

ProxyHeader parse_binary(Bytes stream) {
  if (stream.size() < kFixed2) return {.state = State::kIncomplete};
  ByteReader reader(stream.subspan(kStart2.size()));
  const auto version_command = reader.read<std::uint8_t>();
  const auto family = reader.read<std::uint8_t>();
  const std::size_t rest = reader.read<std::uint16_t>();
  const unsigned command = version_command & 0x0fU;
  if ((version_command >> 4) != 2 || command > 1 || rest > kLongestRest2)
    return {.state = State::kBad};
  if (reader.remaining() < rest) return {.state = State::kIncomplete};

  ProxyHeader header{.state = State::kPresent, .size = kFixed2 + rest};
  const bool local = command == 0;  // the proxy speaks for itself, for example a health check
  const std::size_t ip_size = family == 0x11 ? 4 : family == 0x21 ? 16 : 0;
  if (local || ip_size == 0) return header;
  if (rest < 2 * ip_size + 4) return {.state = State::kBad};
  Address client{.is_v6 = ip_size == 16};
  std::memcpy(client.ip.data(), reader.read_bytes(ip_size).data(), ip_size);
  reader.skip(ip_size);
  client.port = reader.read<std::uint16_t>();
  header.client = client;
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(Bytes stream) {
  const std::string_view text = as_text(stream);
  if (text.empty()) return {.state = State::kIncomplete};
  if (same_start(text, kStart1))
    return text.size() < kStart1.size() ? ProxyHeader{.state = State::kIncomplete}
                                        : parse_text(text);
  if (same_start(text, kStart2))
    return text.size() < kStart2.size() ? ProxyHeader{.state = State::kIncomplete}
                                        : parse_binary(stream);
  return {.state = State::kAbsent};
}

}  // namespace oncemq::net
