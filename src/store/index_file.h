#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/offsets.h"
#include "os/disk.h"

namespace oncemq::store {

using model::LogOffset;

// Sizes of a key index file: maxHashSlotNum and maxIndexNum.
struct IndexGeometry {
  std::uint32_t slots = 5'000'000;
  std::uint32_t entries = 20'000'000;
  std::uint64_t entries_at() const { return 40 + std::uint64_t{slots} * 4; }
  std::uint64_t entry_at(std::uint32_t index) const {
    return entries_at() + std::uint64_t{index} * 20;
  }
  std::uint64_t file_size() const { return entry_at(entries); }
};

// First 40 bytes of an index file.
struct IndexHeader {
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = 0;
  std::int64_t begin_offset = 0;
  std::int64_t end_offset = 0;
  std::int32_t used_slots = 0;
  std::int32_t next = 1;  // index of the next entry; entry 0 is never used
};

struct IndexEntry {
  std::int32_t hash = 0;
  std::int64_t log_offset = 0;
  std::int32_t seconds = 0;   // since begin_ms
  std::int32_t previous = 0;  // next older entry of the slot, 0 = none
};

// One file of the key index: header, hash slots, entries (store.md §7). Entries are written one
// behind the other; the slots of a file that grows live in memory (4 bytes × slots, made when the
// first key comes) and are written when it is full or the store is closed. The header is written
// after the entries it counts are durable: after a crash exactly those are trusted, and the slots
// are made again from them. Thread rule: external (KeyIndex), except read_slot and read_entry of a
// finished file.
class IndexFile {
 public:
  static Result<std::shared_ptr<IndexFile>> create(os::Disk& disk, std::string path,
                                                   const IndexGeometry& geometry);
  // kCorrupt when the size is not that of the geometry.
  static Result<std::shared_ptr<IndexFile>> open(os::Disk& disk, std::string path,
                                                 const IndexGeometry& geometry);

  const std::string& path() const { return path_; }
  // Pages of slots that were touched, and entries not yet with the kernel.
  std::size_t memory_bytes() const;
  const IndexHeader& header() const { return header_; }
  bool full(std::size_t keys) const {
    return static_cast<std::uint64_t>(header_.next) + keys > geometry_.entries;
  }

  // The header's count is what may be trusted, the slots on disk are not.
  void distrust_slots() { slots_on_disk_ = false; }
  // Drops entries at or behind `end` and those that cannot be (kIo).
  Status trim(LogOffset end);

  Status add(std::int32_t hash, LogOffset offset, std::int64_t store_timestamp);
  // Entries to the kernel.
  Status write_entries();
  // Entries and header durable.
  Status checkpoint();
  // Slots too: from now on the file speaks for itself.
  Status finish();

  // Newest entry of the hash's slot, 0 = none; then each entry.
  Result<std::int32_t> read_slot(std::int32_t hash);
  Result<IndexEntry> read_entry(std::int32_t index);

 private:
  struct Free {
    // tidy: malloc: they come from calloc, which leaves untouched pages to the kernel.
    void operator()(std::int32_t* memory) const { std::free(memory); }
  };
  static constexpr std::size_t kSlotsPerPage = 1024;
  static constexpr std::size_t kPendingMax = 1 << 20;

  IndexFile(std::string path, const IndexGeometry& geometry, std::unique_ptr<os::File> file)
      : path_(std::move(path)), geometry_(geometry), file_(std::move(file)) {}
  Status load_slots();
  Status read_slots();
  Status rebuild_slots();
  Status write_slots();
  Status write_header();
  void link(std::int32_t index, IndexEntry& entry);

  const std::string path_;
  const IndexGeometry geometry_;
  const std::unique_ptr<os::File> file_;
  IndexHeader header_;
  bool slots_on_disk_ = true;  // they agree with the header
  std::unique_ptr<std::int32_t[], Free> slots_;
  std::vector<bool> dirty_pages_;
  std::size_t touched_pages_ = 0;   // of slots_, at most
  std::int32_t written_ = 1;        // entries below are with the kernel
  std::vector<std::byte> pending_;  // the others, up to kPendingMax bytes
};

}  // namespace oncemq::store
