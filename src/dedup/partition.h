#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dedup/key.h"
#include "dedup/key_filter.h"
#include "dedup/original.h"
#include "os/disk.h"

namespace oncemq::dedup {

// Remembered keys that do not change any more, in one file, sorted by key: about 29 bytes for each
// (docs/idempotent-produce.md, Partitions). A lookup reads one block of 64 entries and checks it.
// In memory: 24 bytes for each block. Thread rule: immutable; read_at may run in many threads.
class Partition {
 public:
  struct Summary {
    std::uint64_t keys = 0;
    std::int64_t first_log = 0;  // smallest log offset
    std::int64_t last_log = 0;   // largest log offset
    std::int64_t first_ms = 0;   // store times
    std::int64_t last_ms = 0;
  };

  // An entry where it lies: sorting moves 16 bytes and asks for the rest of equal keys only.
  struct Ref {
    std::uint64_t key = 0;  // significant bits
    const PartitionEntry* entry = nullptr;
    explicit Ref(const PartitionEntry& to) : key(KeyFilter::significant(to.key.key)), entry(&to) {}
  };
  // Writes and syncs `path`, replacing what is there. Sorts `entries`; at least one, no two with
  // the same key. The folder is not synced. kNoSpace | kIo.
  static Status write(os::Disk& disk, std::string_view path, std::span<Ref> entries);
  // Reads the head of the file. kNotFound, kCorrupt, kIo.
  static Result<std::shared_ptr<const Partition>> open(os::Disk& disk, std::string_view path);

  struct Found {
    enum class Kind : std::uint8_t { kAbsent, kSame, kOtherBody };
    Kind kind = Kind::kAbsent;
    Original original;  // of kSame
  };
  // kCorrupt, kIo.
  Result<Found> find(const MessageKey& key) const;
  // The significant bits of every key (KeyFilter::significant, shifted back), sorted, some 1,000 at
  // a time. kCorrupt, kIo.
  Status for_each_key(const std::function<void(std::span<const std::uint64_t>)>& visit) const;

  const Summary& summary() const { return summary_; }
  std::size_t memory() const { return fences_.size() * sizeof(Fence); }
  std::uint64_t file_bytes() const { return entries_at_ + summary_.keys * entry_size_; }

 private:
  static constexpr std::size_t kBlock = 64;
  static constexpr std::size_t kSamples = 64;

  // The first entry of a block.
  struct Fence {
    std::uint64_t key = 0;  // significant bits
    std::uint64_t high = 0;
    std::uint32_t crc = 0;  // of the block
  };
  struct Widths {
    unsigned key_bytes = 0;    // of the difference to the fence
    unsigned log_bits = 0;     // of the difference to the first log offset
    unsigned queue_bits = 0;   // queue id
    unsigned offset_bits = 0;  // of the difference to the smallest queue offset
    unsigned location_bytes() const { return (log_bits + queue_bits + offset_bits + 7) / 8; }
  };
  using Samples = std::array<std::int64_t, kSamples>;

  Partition() = default;
  Status read_head(os::Disk& disk, std::string_view path);
  Result<std::span<const std::byte>> read_blocks(std::size_t first, std::size_t count,
                                                 std::vector<std::byte>& buffer) const;
  std::size_t entries_of(std::size_t block) const;
  Original original(const std::byte* location) const;
  std::int64_t time_of(std::int64_t log_offset) const;
  // Number of the first block that begins behind the key.
  std::size_t block_behind(std::uint64_t significant, std::uint64_t high) const;
  static std::size_t sample_of(const Summary& summary, std::int64_t log_offset);

  std::string path_;
  std::unique_ptr<os::File> file_;
  Summary summary_;
  Widths widths_;
  std::int64_t first_offset_ = 0;  // smallest queue offset
  std::size_t entry_size_ = 0;
  std::uint64_t entries_at_ = 0;
  // Latest store time of what lies in each 64th of the log range: a window that is measured with it
  // ends a 64th too late, never too early.
  Samples samples_{};
  std::vector<Fence> fences_;
};

}  // namespace oncemq::dedup
