#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/disk.h"

namespace oncemq::store {

// The file `checkpoint` (store.md §8), readable by Apache's broker. Times are store times in ms;
// everything stored up to them is durable in the log, the consume queues, the index.
struct Checkpoint {
  std::int64_t log_ms = 0;     // physicMsgTimestamp
  std::int64_t queues_ms = 0;  // logicsMsgTimestamp
  std::int64_t index_ms = 0;   // indexMsgTimestamp
  std::int64_t master_flushed = 0;
  std::int64_t confirm_offset = 0;
  bool operator==(const Checkpoint&) const = default;
};

// Zeros when the file is missing; a short file gives what it has. kIo.
Result<Checkpoint> read_checkpoint(os::Disk& disk, const std::string& path);
// Written in place and synced. kNoSpace | kIo.
Status write_checkpoint(os::Disk& disk, const std::string& path, const Checkpoint& checkpoint);

// What we know beyond Apache's checkpoint: lower bounds of what is durable, at record boundaries.
struct DurableMark {
  std::int64_t sequence = 0;
  std::int64_t durable = 0;     // log below is on stable storage: damage there is corruption, not a
                                // torn tail
  std::int64_t dispatched = 0;  // queue entries of the log below are durable in the queue files
  std::int64_t store_timestamp = 0;  // no record below `durable` is younger
  std::int64_t index_end = -1;       // log offset of the newest record in the key index below
                                     // `dispatched`, -1 when there is none
  std::uint64_t queues_sum = 0;      // QueueTable::sum() of the entries below `dispatched`
  bool has_queues_sum = false;       // false: the log was behind the queues when this was written
  bool sealed = false;               // every record at or behind `durable` carries a property CRC
  bool operator==(const DurableMark&) const = default;
};

// `once/watermark`: two slots, each a 512-byte sector of its own with sequence number and CRC; the
// older one is overwritten, so that a torn write leaves the other. Thread rule: confined to the
// dispatcher role.
class WatermarkFile {
 public:
  static constexpr std::size_t kSlotSize = 512;

  // Opens or makes the file. kNoSpace | kIo.
  static Result<std::unique_ptr<WatermarkFile>> open(os::Disk& disk, const std::string& path,
                                                     const std::string& folder);
  // The newest valid slot of a file that stays untouched. kNotFound | kIo.
  static Result<std::optional<DurableMark>> view(os::Disk& disk, const std::string& path);
  // The newest valid slot; nothing when there is none.
  const std::optional<DurableMark>& last() const { return last_; }
  // Writes and syncs the next slot; `mark.sequence` is chosen here.
  Status write(DurableMark mark);

 private:
  static Result<std::optional<DurableMark>> newest(os::File& file);
  explicit WatermarkFile(std::unique_ptr<os::File> file) : file_(std::move(file)) {}

  std::unique_ptr<os::File> file_;
  std::optional<DurableMark> last_;
};

}  // namespace oncemq::store
