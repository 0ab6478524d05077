#include "model/record_codec.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/crc.h"
#include "model/properties.h"

namespace oncemq::model {
namespace {

// Everything but hosts, body, topic and properties; with the one-byte topic length of V1.
constexpr std::size_t kFixedSizeV1 = 4 + 4 + 4 + 4 + 4 + 8 + 8 + 4 + 8 + 8 + 4 + 8 + 4 + 1 + 2;
constexpr std::size_t kBodyCrcPosition = 8;
constexpr std::int32_t kHostFlags = sysflag::kBornHostV6 | sysflag::kStoreHostV6;

// Writes forward into a buffer that is known to be large enough.
class Writer {
 public:
  explicit Writer(std::byte* to) : start_(to), at_(to) {}

  template <class T>
  void put(T number) {
    store_be<T>(at_, number);
    at_ += sizeof(T);
  }
  void put(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void put(std::string_view text) { put(as_bytes(text)); }
  void put(const Address& host) {
    put(host.ip_bytes());
    put(std::int32_t{host.port});
  }
  std::size_t position() const { return static_cast<std::size_t>(at_ - start_); }

 private:
  std::byte* const start_;
  std::byte* at_;
};

// What the last kCrcPropertySize bytes of the properties are.
enum class Tail : std::uint8_t {
  kText,  // no CRC property
  kPair,  // a CRC property
  kGlued  // its bytes, but without a pair's begin in front: the end of another name or value
};

Tail tail_of(std::string_view properties) {
  if (properties.size() < kCrcPropertySize) return Tail::kText;
  const std::size_t begin = properties.size() - kCrcPropertySize;
  const std::string_view last = properties.substr(begin);
  const std::size_t name_size = property::kCrc32.size();
  if (!last.starts_with(property::kCrc32) || last[name_size] != kNameEnd || last.back() != kPairEnd)
    return Tail::kText;
  const std::string_view digits = last.substr(name_size + 1, 10);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return Tail::kText;
  return begin == 0 || properties[begin - 1] == kPairEnd ? Tail::kPair : Tail::kGlued;
}

// What the sender's pairs become in the record. `stripped` holds the copy in the rare case that a
// pair had to go; the CRC of somebody else's record must not pass for ours.
struct StoredProperties {
  std::string stripped;
  std::string_view pairs;
  bool close_pairs = false;  // kPairEnd between the sender's pairs and what follows
  std::string_view extra;
  bool close_extra = false;
  bool crc = false;
  std::size_t size = 0;

  StoredProperties(const Message& message, const RecordOptions& options)
      : pairs(message.properties), extra(message.extra_properties) {
    if (pairs.find(property::kCrc32) != std::string_view::npos) [[unlikely]] {
      stripped = without_property(pairs, property::kCrc32);
      pairs = stripped;
    }
    // A text that ends like a CRC gets one in any case, so that no reader can take it for one. The
    // bytes of a CRC hold a pair's end at their end only: they lie in one of the two.
    crc = options.append_property_crc || tail_of(extra.empty() ? pairs : extra) == Tail::kGlued;
    close_pairs = !pairs.empty() && pairs.back() != kPairEnd && (crc || !extra.empty());
    close_extra = crc && !extra.empty() && extra.back() != kPairEnd;
    size = pairs.size() + (close_pairs ? 1U : 0U) + extra.size() + (close_extra ? 1U : 0U) +
           (crc ? kCrcPropertySize : 0U);
  }
  StoredProperties(const StoredProperties&) = delete;
  StoredProperties& operator=(const StoredProperties&) = delete;
};

bool needs_v2(const Message& message) {
  return message.topic.size() > kMaxTopicSizeV1;
}

std::size_t size_of(const Address& host) {
  return host.is_v6 ? 20U : 8U;
}  // ip + int32 port

std::size_t size_with(const Message& message, std::size_t properties_size) {
  return kFixedSizeV1 + (needs_v2(message) ? 1U : 0U) + size_of(message.born_host) +
         size_of(message.store_host) + message.body.size() + message.topic.size() + properties_size;
}

// Prepared and rollback records stand in no queue; their queue offset is written as 0.
std::int64_t stored_queue_offset(const Message& message, const RecordPosition& position) {
  const std::int32_t type = message.sys_flag & sysflag::kTransactionMask;
  const bool queued =
      type != sysflag::kTransactionPrepared && type != sysflag::kTransactionRollback;
  return queued ? position.queue_offset.value : 0;
}

void put_crc_property(Writer& to, std::int32_t crc) {
  to.put(property::kCrc32);
  to.put(static_cast<std::uint8_t>(kNameEnd));
  for (int digit = 0; digit < 10; ++digit) {
    to.put(static_cast<std::uint8_t>('0' + crc % 10));
    crc /= 10;
  }
  to.put(static_cast<std::uint8_t>(kPairEnd));
}

// The value of a tail that is not kText.
std::int64_t crc_in(std::string_view properties) {
  std::int64_t crc = 0;
  for (std::size_t back = 2; back < 12; ++back)  // least digit first
    crc = crc * 10 + (properties[properties.size() - back] - '0');
  return crc;
}

Address read_host(ByteReader& from, bool is_v6) {
  Address host;
  host.is_v6 = is_v6;
  const Bytes ip = from.read_bytes(is_v6 ? 16 : 4);
  std::copy(ip.begin(), ip.end(), host.ip.begin());
  // Four bytes for a port that has two: nothing that wrote a record has used the others.
  host.port = static_cast<std::uint16_t>(from.read<std::int32_t>());
  return host;
}

Status verify(const RecordView& record, Bytes bytes, Verify depth) {
  if (depth == Verify::kNone) return {};
  if (crc32_rocketmq(record.body) != record.body_crc)
    return fail(Errc::kCorrupt, "body does not match its CRC");
  if (depth == Verify::kBody) return {};
  const Tail tail = tail_of(record.properties);
  if (tail == Tail::kText) return {};
  const Bytes covered = bytes.first(bytes.size() - kCrcPropertySize);
  const std::int64_t expected = crc_in(record.properties);
  if (crc32_rocketmq(covered) == expected) return {};
  // Without a pair's begin it is a name or value of a record without CRC (Apache's, as we write no
  // such end) – or the end of the pair in front was hit: then the CRC fits once it is put back.
  if (tail == Tail::kGlued) {
    std::vector<std::byte> mended(covered.begin(), covered.end());
    mended.back() = static_cast<std::byte>(kPairEnd);
    if (crc32_rocketmq(mended) != expected) return {};
  }
  return fail(Errc::kCorrupt, "record does not match its CRC");
}

}  // namespace

std::size_t encoded_size(const Message& message, const RecordOptions& options) {
  return size_with(message, StoredProperties(message, options).size);
}

std::size_t encode_record(const Message& message, const RecordPosition& position,
                          const RecordOptions& options, MutableBytes into) {
  const StoredProperties properties(message, options);
  const std::size_t size = size_with(message, properties.size);
  ONCE_CHECK(size <= into.size(), "record does not fit its buffer");
  ONCE_CHECK(properties.size <= kMaxPropertiesSize, "properties over the limit");
  const bool v2 = needs_v2(message);

  Writer to(into.data());
  to.put(static_cast<std::int32_t>(size));
  to.put(v2 ? kMagicV2 : kMagicV1);
  to.put(std::int32_t{0});  // body CRC, below
  to.put(message.queue_id);
  to.put(message.flag);
  to.put(stored_queue_offset(message, position));
  to.put(position.log_offset.value);
  to.put((message.sys_flag & ~kHostFlags) | (message.born_host.is_v6 ? sysflag::kBornHostV6 : 0) |
         (message.store_host.is_v6 ? sysflag::kStoreHostV6 : 0));
  to.put(message.born_timestamp);
  to.put(message.born_host);
  to.put(position.store_timestamp);
  to.put(message.store_host);
  to.put(message.reconsume_times);
  to.put(message.prepared_transaction_offset.value);
  to.put(static_cast<std::int32_t>(message.body.size()));
  const std::size_t body_position = to.position();
  to.put(message.body);
  // Taken from the copy, which the cache still holds, and so of the bytes that will be on disk.
  store_be(into.data() + kBodyCrcPosition,
           crc32_rocketmq(Bytes(into).subspan(body_position, message.body.size())));
  if (v2)
    to.put(static_cast<std::uint16_t>(message.topic.size()));
  else
    to.put(static_cast<std::uint8_t>(message.topic.size()));
  to.put(message.topic);
  to.put(static_cast<std::uint16_t>(properties.size));
  to.put(properties.pairs);
  if (properties.close_pairs) to.put(static_cast<std::uint8_t>(kPairEnd));
  to.put(properties.extra);
  if (properties.close_extra) to.put(static_cast<std::uint8_t>(kPairEnd));
  if (properties.crc) put_crc_property(to, crc32_rocketmq(Bytes(into).first(to.position())));
  ONCE_CHECK(to.position() == size, "record size computed wrongly");
  return size;
}

bool is_sealed(const RecordView& record) {
  return tail_of(record.properties) == Tail::kPair;
}

Result<DecodedRecord> decode_record(Bytes bytes, Verify depth) {
  ByteReader head(bytes);
  const auto size = head.read<std::int32_t>();
  const auto magic = head.read<std::uint32_t>();
  if (!head.ok()) return fail(Errc::kBadBytes, "cut in front of the magic number");
  if (size == 0 && magic == 0) return DecodedRecord{};
  if (magic == kMagicBlank) {
    if (size < static_cast<std::int32_t>(kBlankSize))
      return fail(Errc::kBadBytes, "blank record of " + std::to_string(size) + " bytes");
    return DecodedRecord{.kind = RecordKind::kBlank, .size = size, .record = {}};
  }
  if (magic != kMagicV1 && magic != kMagicV2)
    return fail(Errc::kBadBytes, "unknown magic number " + std::to_string(magic));
  if (size < 0 || static_cast<std::size_t>(size) > bytes.size())
    return fail(Errc::kBadBytes, "record of " + std::to_string(size) + " bytes where " +
                                     std::to_string(bytes.size()) + " are left");

  bytes = bytes.first(static_cast<std::size_t>(size));
  ByteReader from(bytes);
  from.skip(8);
  DecodedRecord result{.kind = RecordKind::kMessage, .size = size, .record = {}};
  RecordView& record = result.record;
  record.total_size = size;
  record.is_v2 = magic == kMagicV2;
  record.body_crc = from.read<std::int32_t>();
  record.queue_id = from.read<std::int32_t>();
  record.flag = from.read<std::int32_t>();
  record.queue_offset.value = from.read<std::int64_t>();
  record.log_offset.value = from.read<std::int64_t>();
  record.sys_flag = from.read<std::int32_t>();
  record.born_timestamp = from.read<std::int64_t>();
  record.born_host = read_host(from, (record.sys_flag & sysflag::kBornHostV6) != 0);
  record.store_timestamp = from.read<std::int64_t>();
  record.store_host = read_host(from, (record.sys_flag & sysflag::kStoreHostV6) != 0);
  record.reconsume_times = from.read<std::int32_t>();
  record.prepared_transaction_offset.value = from.read<std::int64_t>();
  // A negative length becomes a huge one and fails in the reader.
  record.body = from.read_bytes(from.read<std::uint32_t>());
  const std::size_t topic_size =
      record.is_v2 ? from.read<std::uint16_t>() : from.read<std::uint8_t>();
  if (!record.is_v2 && topic_size > kMaxTopicSizeV1)
    return fail(Errc::kBadBytes, "topic of " + std::to_string(topic_size) + " bytes in V1");
  record.topic = from.read_text(topic_size);
  const std::size_t properties_size = from.read<std::uint16_t>();
  if (properties_size > kMaxPropertiesSize)
    return fail(Errc::kBadBytes, "properties of " + std::to_string(properties_size) + " bytes");
  record.properties = from.read_text(properties_size);
  if (!from.ok()) return fail(Errc::kBadBytes, "a length inside the record leads behind its end");
  if (from.remaining() != 0)
    return fail(Errc::kBadBytes,
                std::to_string(from.remaining()) + " bytes behind the last field of the record");
  ONCE_TRY(verify(record, bytes, depth));
  return result;
}

}  // namespace oncemq::model
