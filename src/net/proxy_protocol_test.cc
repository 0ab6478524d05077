#include "net/proxy_protocol.h"

#include <string>

#include <gtest/gtest.h>

namespace oncemq::net {
namespace {

using State = ProxyHeader::State;

ProxyHeader parse(const std::string& text) {
  return parse_proxy_header(as_bytes(text));
}

std::string binary(unsigned command, unsigned family, const std::string& rest) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += static_cast<char>(0x20 | command);
  text += static_cast<char>(family);
  text += static_cast<char>(rest.size() >> 8);
  text += static_cast<char>(rest.size() & 0xff);
  return text + rest;
}

TEST(ProxyProtocol, TextNamesTheClient) {
  const std::string line = "PROXY TCP4 192.0.2.7 10.0.0.1 4711 10911\r\n";
  const ProxyHeader header = parse(line + "rest");
  ASSERT_EQ(header.state, State::kPresent);
  EXPECT_EQ(header.size, line.size());
  EXPECT_EQ(header.client->to_string(), "192.0.2.7:4711");
  EXPECT_EQ(parse("PROXY TCP6 2001:db8::1 ::1 99 10911\r\n").client->to_string(),
            "[2001:db8::1]:99");
}

TEST(ProxyProtocol, UnknownAndLocalKeepTheSocketsAddress) {
  const ProxyHeader text = parse("PROXY UNKNOWN ffff::1 whatever\r\n");
  EXPECT_EQ(text.state, State::kPresent);
  EXPECT_FALSE(text.client);
  const ProxyHeader local = parse(binary(0, 0x11, std::string(12, '\1')));
  EXPECT_EQ(local.state, State::kPresent);
  EXPECT_FALSE(local.client);
  EXPECT_EQ(parse(binary(1, 0, "")).state, State::kPresent);
}

TEST(ProxyProtocol, BinaryNamesTheClient) {
  const std::string v4("\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x2a\x9f", 12);
  const ProxyHeader header = parse(binary(1, 0x11, v4 + "tlv"));
  ASSERT_EQ(header.state, State::kPresent);
  EXPECT_EQ(header.size, 16U + 15U);
  EXPECT_EQ(header.client->to_string(), "192.0.2.7:4711");

  std::string v6(36, '\0');
  v6[0] = '\x20';
  v6[15] = '\x01';
  v6[33] = '\x63';
  EXPECT_EQ(parse(binary(1, 0x21, v6)).client->to_string(), "[2000::1]:99");
}

TEST(ProxyProtocol, EveryPrefixIsIncomplete) {
  const std::string v4("\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x67\x2a\x9f", 12);
  for (const std::string& whole :
       {std::string("PROXY TCP4 192.0.2.7 10.0.0.1 4711 10911\r\n"), binary(1, 0x11, v4)})
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(parse(whole.substr(0, size)).state, State::kIncomplete) << size;
}

TEST(ProxyProtocol, OtherStreamsAreNotTouched) {
  EXPECT_EQ(parse(std::string("\0\0\1\0", 4)).state, State::kAbsent);
  EXPECT_EQ(parse("PRI * HTTP/2.0\r\n\r\n").state, State::kAbsent);
  EXPECT_EQ(parse("\r\nGET").state, State::kAbsent);
}

TEST(ProxyProtocol, WrongOnesAreBad) {
  EXPECT_EQ(parse("PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n").state, State::kBad);
  EXPECT_EQ(parse("PROXY TCP4 2001:db8::1 10.0.0.1 1 2\r\n").state, State::kBad);
  EXPECT_EQ(parse("PROXY TCP9 192.0.2.7 10.0.0.1 4711 10911\r\n").state, State::kBad);
  EXPECT_EQ(parse("PROXY TCP4 192.0.2.7 10.0.0.1 70000 10911\r\n").state, State::kBad);
  EXPECT_EQ(parse("PROXY " + std::string(120, 'x')).state, State::kBad);
  EXPECT_EQ(parse(binary(2, 0x11, std::string(12, 'x'))).state, State::kBad);
  EXPECT_EQ(parse(binary(1, 0x11, "short")).state, State::kBad);
  EXPECT_EQ(parse(binary(1, 0x11, std::string(5000, 'x'))).state, State::kBad);
  std::string version = binary(1, 0x11, std::string(12, 'x'));
  version[12] = '\x11';
  EXPECT_EQ(parse(version).state, State::kBad);
}

}  // namespace
}  // namespace oncemq::net
