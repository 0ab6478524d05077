#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "model/message.h"

// Byte form of a message in the commit log and in pull replies (store.md §2; upstream
// MessageExtEncoder, MessageDecoder).
namespace oncemq::model {

inline constexpr std::uint32_t kMagicV1 = 0xDAA320A7;
inline constexpr std::uint32_t kMagicV2 = 0xDAA320AB;
inline constexpr std::uint32_t kMagicBlank = 0xCBD43194;
inline constexpr std::size_t kBlankSize =
    8;  // a file always keeps room for a blank record at its end
inline constexpr std::size_t kCrcPropertySize = 20;  // "__CRC32#" 0x01 ten digits 0x02
inline constexpr std::size_t kMaxPropertiesSize = 32767;
inline constexpr std::size_t kMaxTopicSizeV1 = 127;

struct RecordOptions {
  // enabledAppendPropCRC: protects header, topic and properties as well. A record whose properties
  // end in what looks like that CRC gets one also without it.
  bool append_property_crc = true;
};

// What encode needs beyond the message; known only under the append lock.
struct RecordPosition {
  QueueOffset queue_offset;
  LogOffset log_offset;
  std::int64_t store_timestamp = 0;  // ms since epoch
};

// Exact bytes that encode_record will write.
std::size_t encoded_size(const Message& message, const RecordOptions& options);

// Writes the record to the start of `into` (at least encoded_size bytes) and returns its size. The
// only copy of the body on the send path happens here. The caller has checked the limits.
std::size_t encode_record(const Message& message, const RecordPosition& position,
                          const RecordOptions& options, MutableBytes into);

enum class Verify : std::uint8_t {
  kNone,  // structure only
  kBody,  // body CRC
  // Body CRC, and the property CRC when the record carries one. A last property of somebody else's
  // record that merely ends like one (name `x__CRC32#`, ten digits) is no CRC.
  kFull,
};

enum class RecordKind : std::uint8_t { kMessage, kBlank, kEmpty };

struct DecodedRecord {
  RecordKind kind = RecordKind::kEmpty;
  std::int32_t size = 0;  // record size; for kBlank the bytes to the end of the file; 0 for kEmpty
  RecordView record;      // kMessage only
};

// Whether the record ends in a property CRC. Where all records were written with it, one that lost
// it in a torn write would otherwise pass for a record that never had one.
bool is_sealed(const RecordView& record);

// Decodes what starts at bytes[0]. Errors: kBadBytes (structure), kCorrupt (CRC). `bytes` may be
// longer than the record.
Result<DecodedRecord> decode_record(Bytes bytes, Verify verify);

}  // namespace oncemq::model
