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
  bool append_property_crc =
      true;  // enabledAppendPropCRC: protects header, topic and properties as well
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
  kFull,  // body CRC, and the property CRC when the record carries one
};

enum class RecordKind : std::uint8_t { kMessage, kBlank, kEmpty };

struct DecodedRecord {
  RecordKind kind = RecordKind::kEmpty;
  std::int32_t size = 0;  // record size; for kBlank the bytes to the end of the file; 0 for kEmpty
  RecordView record;      // kMessage only
};

// True for a record that was written with the property CRC and lost it in a torn write: where the
// CRC would be are zeros, as everywhere on a fresh file. It would otherwise pass for a record
// without CRC. False for a whole record, with or without CRC, unless its last property has a NUL
// near its end.
bool is_torn_off(const RecordView& record);

// Decodes what starts at bytes[0]. Errors: kBadBytes (structure), kCorrupt (CRC). `bytes` may be
// longer than the record.
Result<DecodedRecord> decode_record(Bytes bytes, Verify verify);

}  // namespace oncemq::model
