#include "model/record_codec.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/crc.h"
#include "base/hex.h"
#include "model/properties.h"

namespace oncemq::model {
namespace {

constexpr RecordOptions kPlain{.append_property_crc = false};
constexpr RecordOptions kWithCrc{.append_property_crc = true};
constexpr RecordPosition kPosition{
    .queue_offset = {7}, .log_offset = {0x1122334455}, .store_timestamp = 1'700'000'000'123};

Message sample() {
  Message message;
  message.topic = "T";
  message.queue_id = 3;
  message.flag = 9;
  message.sys_flag = 1;
  message.born_timestamp = 1'700'000'000'000;
  message.born_host = *Address::parse("10.1.2.3:4567");
  message.store_host = *Address::parse("127.0.0.1:10911");
  message.reconsume_times = 2;
  message.body = as_bytes("hello");
  message.properties = "TAGS\1x\2";
  return message;
}

std::vector<std::byte> encode(const Message& message, const RecordOptions& options) {
  std::vector<std::byte> bytes(encoded_size(message, options) + 16, std::byte{0xEE});
  const std::size_t size = encode_record(message, kPosition, options, bytes);
  EXPECT_EQ(size, bytes.size() - 16);
  for (std::size_t at = size; at < bytes.size(); ++at)
    EXPECT_EQ(bytes[at], std::byte{0xEE}) << "written behind the record";
  bytes.resize(size);
  return bytes;
}

std::string properties_of(const Message& message, const RecordOptions& options) {
  const auto bytes = encode(message, options);
  const auto decoded = decode_record(bytes, Verify::kFull);
  EXPECT_TRUE(decoded.has_value());
  return decoded ? std::string(decoded->record.properties) : "";
}

TEST(RecordCodec, WritesEveryFieldAtItsPlace) {
  EXPECT_EQ(to_hex(encode(sample(), kPlain)),
            "00000068DAA320A73610A686000000030000000900000000000000070000001122334455"
            "000000010000018BCFE568000A010203000011D7"
            "0000018BCFE5687B7F00000100002A9F000000020000000000000000"
            "0000000568656C6C6F"
            "0154"
            "0007544147530178"
            "02");
}

TEST(RecordCodec, DecodesWhatItEncoded) {
  for (const RecordOptions& options : {kPlain, kWithCrc}) {
    Message message = sample();
    message.prepared_transaction_offset = {99};
    auto bytes = encode(message, options);
    const std::size_t size = bytes.size();
    bytes.resize(size + 100);  // the rest of the file
    const auto decoded = decode_record(bytes, Verify::kFull);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(decoded->kind, RecordKind::kMessage);
    EXPECT_EQ(decoded->size, static_cast<std::int32_t>(size));
    const RecordView& record = decoded->record;
    EXPECT_EQ(record.total_size, static_cast<std::int32_t>(size));
    EXPECT_FALSE(record.is_v2);
    EXPECT_EQ(record.body_crc, crc32_rocketmq(as_bytes("hello")));
    EXPECT_EQ(record.queue_id, 3);
    EXPECT_EQ(record.flag, 9);
    EXPECT_EQ(record.queue_offset, kPosition.queue_offset);
    EXPECT_EQ(record.log_offset, kPosition.log_offset);
    EXPECT_EQ(record.sys_flag, 1);
    EXPECT_EQ(record.born_timestamp, message.born_timestamp);
    EXPECT_EQ(record.born_host, message.born_host);
    EXPECT_EQ(record.store_timestamp, kPosition.store_timestamp);
    EXPECT_EQ(record.store_host, message.store_host);
    EXPECT_EQ(record.reconsume_times, 2);
    EXPECT_EQ(record.prepared_transaction_offset, LogOffset{99});
    EXPECT_EQ(as_text(record.body), "hello");
    EXPECT_EQ(record.topic, "T");
    EXPECT_EQ(find_property(record.properties, "TAGS"), "x");
  }
}

TEST(RecordCodec, Ipv6HostsSetTheirFlagsAndClearStrayOnes) {
  Message message = sample();
  message.sys_flag = sysflag::kCompressed | sysflag::kStoreHostV6;
  message.born_host = *Address::parse("[2001:db8::1]:80");
  const auto bytes = encode(message, kWithCrc);
  const auto decoded = decode_record(bytes, Verify::kFull);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->record.sys_flag, sysflag::kCompressed | sysflag::kBornHostV6);
  EXPECT_EQ(decoded->record.born_host.to_string(), "[2001:db8::1]:80");
  EXPECT_EQ(decoded->record.store_host.to_string(), "127.0.0.1:10911");

  message.store_host = *Address::parse("[::1]:10911");
  const auto both = encode(message, kWithCrc);
  EXPECT_EQ(both.size(), bytes.size() + 12);
  EXPECT_EQ(decode_record(both, Verify::kFull)->record.store_host.to_string(), "[::1]:10911");
}

TEST(RecordCodec, LongTopicsTakeVersionTwo) {
  const std::string longest_v1(127, 'a');
  const std::string shortest_v2(128, 'b');
  Message message = sample();
  message.topic = longest_v1;
  const auto v1 = encode(message, kWithCrc);
  EXPECT_FALSE(decode_record(v1, Verify::kFull)->record.is_v2);
  message.topic = shortest_v2;
  const auto v2 = encode(message, kWithCrc);
  EXPECT_EQ(v2.size(), v1.size() + 2);
  const auto decoded = decode_record(v2, Verify::kFull);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_TRUE(decoded->record.is_v2);
  EXPECT_EQ(decoded->record.topic, shortest_v2);
}

TEST(RecordCodec, PropertyCrcStandsInTheLastTwentyBytesLeastDigitFirst) {
  const auto bytes = encode(sample(), kWithCrc);
  const std::string_view last = as_text(Bytes(bytes).last(kCrcPropertySize));
  std::int32_t crc = crc32_rocketmq(Bytes(bytes).first(bytes.size() - kCrcPropertySize));
  std::string expected = "__CRC32#\1";
  for (int digit = 0; digit < 10; ++digit, crc /= 10) expected += static_cast<char>('0' + crc % 10);
  expected += '\2';
  EXPECT_EQ(last, expected);
}

TEST(RecordCodec, PairsAreClosedOnlyWhereSomethingFollows) {
  Message message = sample();
  message.properties = "A\1b";
  EXPECT_EQ(properties_of(message, kPlain), "A\1b");
  EXPECT_TRUE(properties_of(message, kWithCrc).starts_with("A\1b\2__CRC32#\1"));
  message.extra_properties = "C\1d\2";
  EXPECT_EQ(properties_of(message, kPlain), "A\1b\2C\1d\2");
  EXPECT_TRUE(properties_of(message, kWithCrc).starts_with("A\1b\2C\1d\2__CRC32#\1"));
  message.properties = "";
  EXPECT_EQ(properties_of(message, kPlain), "C\1d\2");
  EXPECT_TRUE(properties_of(message, kWithCrc).starts_with("C\1d\2__CRC32#\1"));
  message.extra_properties = "";
  EXPECT_EQ(properties_of(message, kPlain), "");
  EXPECT_TRUE(properties_of(message, kWithCrc).starts_with("__CRC32#\1"));
}

TEST(RecordCodec, ForeignPropertyCrcIsNotStored) {
  Message message = sample();
  message.properties = "A\1b\2__CRC32#\0011234567890\2C\1d";
  EXPECT_EQ(properties_of(message, kPlain), "A\1b\2C\1d");
  EXPECT_EQ(properties_of(message, kWithCrc).size(), 8 + kCrcPropertySize);
}

TEST(RecordCodec, EmptyBodyHasCrcZero) {
  Message message = sample();
  message.body = {};
  const auto bytes = encode(message, kWithCrc);
  const auto decoded = decode_record(bytes, Verify::kFull);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->record.body_crc, 0);
  EXPECT_TRUE(decoded->record.body.empty());
}

TEST(RecordCodec, PreparedAndRollbackRecordsHaveNoQueueOffset) {
  for (const auto& [type, offset] :
       {std::pair{sysflag::kTransactionPrepared, 0}, std::pair{sysflag::kTransactionRollback, 0},
        std::pair{sysflag::kTransactionCommit, 7}, std::pair{sysflag::kTransactionNone, 7}}) {
    Message message = sample();
    message.sys_flag = type;
    const auto bytes = encode(message, kWithCrc);
    EXPECT_EQ(decode_record(bytes, Verify::kFull)->record.queue_offset, QueueOffset{offset});
  }
}

TEST(RecordCodec, EveryFlippedBitIsFound) {
  const auto good = encode(sample(), kWithCrc);  // the bit in front of the CRC property included
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bytes = good;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto decoded = decode_record(bytes, Verify::kFull);
    // A flip in the marker of the CRC property itself makes it an ordinary property; position and
    // body are then still checked by the reader.
    const bool in_marker = bit / 8 >= good.size() - kCrcPropertySize;
    EXPECT_TRUE(!decoded.has_value() || in_marker) << "bit " << bit << " passed";
  }
}

TEST(RecordCodec, ARecordWhoseEndWasNeverWrittenIsNotSealed) {
  const auto good = encode(sample(), kWithCrc);
  EXPECT_TRUE(is_sealed(decode_record(good, Verify::kFull)->record));
  // Zeros from any place inside the CRC property on, or in front of its last bytes.
  for (std::size_t from = 1; from <= kCrcPropertySize; ++from) {
    auto bytes = good;
    std::fill(bytes.end() - static_cast<long>(from), bytes.end(), std::byte{0});
    const auto decoded = decode_record(bytes, Verify::kFull);
    ASSERT_TRUE(decoded.has_value()) << "this is why the question is asked";
    EXPECT_FALSE(is_sealed(decoded->record)) << from;
    bytes = good;
    std::fill(bytes.end() - static_cast<long>(kCrcPropertySize) - 2,
              bytes.end() - static_cast<long>(kCrcPropertySize - from), std::byte{0});
    const auto headless = decode_record(bytes, Verify::kFull);
    ASSERT_TRUE(headless.has_value());
    EXPECT_FALSE(is_sealed(headless->record)) << from;
  }
  // Zeros up to the CRC property: what is left of the text is no pair in front of it.
  auto bytes = good;
  std::fill(bytes.end() - static_cast<long>(kCrcPropertySize) - 7,
            bytes.end() - static_cast<long>(kCrcPropertySize), std::byte{0});
  const auto beheaded = decode_record(bytes, Verify::kFull);
  EXPECT_TRUE(!beheaded.has_value() || !is_sealed(beheaded->record));
  const auto plain = encode(sample(), kPlain);
  EXPECT_FALSE(is_sealed(decode_record(plain, Verify::kFull)->record));
}

// Texts that end in the bytes of a CRC property which is none.
constexpr std::string_view kLookAlikes[] = {
    "x__CRC32#\0010123456789\2", "A\1b\2x__CRC32#\0019999999999\2", "A\1b__CRC32#\0011234567890\2",
    "__CRC32#__CRC32#\0010000000000\2"};

TEST(RecordCodec, AUserPropertyThatEndsLikeTheCrcIsStoredAndReadBack) {
  for (const std::string_view text : kLookAlikes) {
    for (const RecordOptions& options : {kPlain, kWithCrc}) {
      Message message = sample();
      message.properties = text;
      const auto bytes = encode(message, options);
      const auto decoded = decode_record(bytes, Verify::kFull);
      ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
      EXPECT_TRUE(decoded->record.properties.starts_with(text));
      EXPECT_TRUE(is_sealed(decoded->record)) << "nobody can take the text for a CRC";
    }
    Message message = sample();
    message.extra_properties = text;
    EXPECT_TRUE(is_sealed(decode_record(encode(message, kPlain), Verify::kFull)->record));
  }
}

// As Apache's broker writes it with enabledAppendPropCRC=false.
std::vector<std::byte> foreign(std::string_view properties) {
  Message message = sample();
  const std::string same_size(properties.size(), 'p');
  message.properties = same_size;
  auto bytes = encode(message, kPlain);
  std::copy_n(as_bytes(properties).begin(), properties.size(),
              bytes.end() - static_cast<long>(properties.size()));
  return bytes;
}

TEST(RecordCodec, ForeignRecordsThatEndLikeACrcAreWhole) {
  for (const std::string_view text : kLookAlikes) {
    const auto bytes = foreign(text);
    const auto decoded = decode_record(bytes, Verify::kFull);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(decoded->record.properties, text);
    EXPECT_FALSE(is_sealed(decoded->record));
  }
  EXPECT_EQ(decode_record(foreign("A\1b\2__CRC32#\0010123456789\2"), Verify::kFull).error().code,
            Errc::kCorrupt)
      << "a pair of that name is the CRC";
}

TEST(RecordCodec, VerifyDepthDecidesWhatIsLookedAt) {
  const auto good = encode(sample(), kWithCrc);
  auto body = good;
  body[88] ^= std::byte{1};
  EXPECT_TRUE(decode_record(body, Verify::kNone).has_value());
  EXPECT_EQ(decode_record(body, Verify::kBody).error().code, Errc::kCorrupt);
  auto queue_id = good;
  queue_id[15] ^= std::byte{1};
  EXPECT_TRUE(decode_record(queue_id, Verify::kBody).has_value());
  EXPECT_EQ(decode_record(queue_id, Verify::kFull).error().code, Errc::kCorrupt);
}

TEST(RecordCodec, EveryTruncationIsRefused) {
  const auto good = encode(sample(), kWithCrc);
  for (std::size_t size = 0; size < good.size(); ++size) {
    const std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<long>(size));
    const auto decoded = decode_record(cut, Verify::kNone);
    ASSERT_FALSE(decoded.has_value()) << size;
    EXPECT_EQ(decoded.error().code, Errc::kBadBytes);
  }
}

TEST(RecordCodec, LengthsThatDisagreeAreRefused) {
  const auto refused = [](std::size_t at, std::uint8_t value) {
    auto bytes = encode(sample(), kPlain);
    bytes.resize(bytes.size() + 300);
    bytes[at] = std::byte{value};
    const auto decoded = decode_record(bytes, Verify::kNone);
    return !decoded.has_value() && decoded.error().code == Errc::kBadBytes;
  };
  EXPECT_TRUE(refused(3, 0x69));   // total size one too many
  EXPECT_TRUE(refused(3, 0x67));   // one too few
  EXPECT_TRUE(refused(0, 0x80));   // negative
  EXPECT_TRUE(refused(7, 0xA6));   // magic
  EXPECT_TRUE(refused(84, 0xFF));  // body length negative
  EXPECT_TRUE(refused(87, 0xFF));  // body length behind the end
  EXPECT_TRUE(refused(93, 0xFF));  // topic over V1's limit
  EXPECT_TRUE(refused(93, 2));     // topic one too long
  EXPECT_TRUE(refused(95, 0xFF));  // properties length negative
  EXPECT_TRUE(refused(96, 6));     // properties one too short
}

TEST(RecordCodec, BlankAndEmpty) {
  std::vector<std::byte> bytes(16);
  auto decoded = decode_record(bytes, Verify::kFull);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->kind, RecordKind::kEmpty);
  EXPECT_EQ(decoded->size, 0);

  store_be<std::int32_t>(bytes.data(), 1000);  // what follows need not be in the buffer
  store_be<std::uint32_t>(bytes.data() + 4, kMagicBlank);
  decoded = decode_record(Bytes(bytes).first(8), Verify::kFull);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->kind, RecordKind::kBlank);
  EXPECT_EQ(decoded->size, 1000);

  store_be<std::int32_t>(bytes.data(), 7);
  EXPECT_EQ(decode_record(bytes, Verify::kFull).error().code, Errc::kBadBytes);
  store_be<std::int32_t>(bytes.data(), 0);
  store_be<std::uint32_t>(bytes.data() + 4, kMagicV1);
  EXPECT_EQ(decode_record(bytes, Verify::kFull).error().code, Errc::kBadBytes);
  store_be<std::int32_t>(bytes.data(), 5);
  store_be<std::uint32_t>(bytes.data() + 4, 0);
  EXPECT_EQ(decode_record(bytes, Verify::kFull).error().code, Errc::kBadBytes);
}

}  // namespace
}  // namespace oncemq::model
