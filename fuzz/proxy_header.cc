// What may stand in front of a stream: a PROXY header, version 1 or 2.
#include <string>

#include "base/check.h"
#include "net/proxy_protocol.h"

using namespace oncemq;
using State = net::ProxyHeader::State;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes stream(reinterpret_cast<const std::byte*>(data), size);
  const net::ProxyHeader whole = net::parse_proxy_header(stream);
  ONCE_CHECK(whole.client.has_value() <= (whole.state == State::kPresent));
  if (whole.client) {
    const std::string text = whole.client->to_string();
    ONCE_CHECK(*Address::parse(text) == *whole.client, "an address that cannot be told");
  }
  if (whole.state != State::kPresent) return 0;
  // It ends where it says, and nobody can know earlier.
  ONCE_CHECK(whole.size <= size);
  ONCE_CHECK(net::parse_proxy_header(stream.first(whole.size)).size == whole.size);
  for (std::size_t less = 0; less < whole.size; ++less)
    ONCE_CHECK(net::parse_proxy_header(stream.first(less)).state == State::kIncomplete);
  return 0;
}
