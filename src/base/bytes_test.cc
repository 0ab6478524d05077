#include "base/bytes.h"

#include <array>

#include <gtest/gtest.h>

namespace oncemq {
namespace {

TEST(Bytes, BigEndian) {
  std::array<std::byte, 8> bytes{};
  store_be<std::int32_t>(bytes.data(), -2);
  EXPECT_EQ(as_text(bytes), std::string_view("\xff\xff\xff\xfe\0\0\0\0", 8));
  EXPECT_EQ(load_be<std::int32_t>(bytes.data()), -2);
  store_be<std::uint64_t>(bytes.data(), 0x0102030405060708ULL);
  EXPECT_EQ(bytes[0], std::byte{1});
  EXPECT_EQ(load_be<std::uint16_t>(bytes.data()), 0x0102);
  EXPECT_EQ(load_be<std::uint8_t>(bytes.data() + 7), 8);
}

TEST(ByteReader, ReadsToTheEnd) {
  ByteReader reader(as_bytes(std::string_view("\0\0\0\7abc", 7)));
  EXPECT_EQ(reader.read<std::int32_t>(), 7);
  EXPECT_EQ(reader.remaining(), 3U);
  EXPECT_EQ(reader.read_text(3), "abc");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteReader, StaysBrokenAfterAReadPastTheEnd) {
  ByteReader reader(as_bytes("abc"));
  EXPECT_EQ(reader.read<std::int32_t>(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.read<std::uint8_t>(), 0);
  EXPECT_TRUE(reader.read_bytes(1).empty());
  EXPECT_EQ(reader.position(), 0U);
}

}  // namespace
}  // namespace oncemq
