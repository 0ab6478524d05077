#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/disk.h"

namespace oncemq::broker {

// What became of a half message. kOpen also holds how many checks were sent.
enum class TransactionState : std::uint8_t {
  kOpen,
  kCommitted,
  kRolledBack,
  kDiscarded,  // no verdict, and nobody is asked any more
  kResumed,    // was discarded and goes on as another half message
  kDone,       // an Apache broker closed it; how, its op record does not say
};

// A byte for each half message, by half-queue offset, in segments of kSegment; docs/transactions.md
// says how they are derived and saved. In memory are segments that hold an open half message or
// that changed since they were written; all others are files. A segment that is neither in memory
// nor a file holds open ones only: nothing was decided in it. Bound: one byte per half message of
// such segments; 1,000,000 open neighbours are 1 MB, and one lonely open one holds 64 KB.
//
// Thread rule: external (the owner's lock); read() and write() touch the disk and no state.
class TransactionStates {
 public:
  static constexpr std::int64_t kSegment = 65'536;
  static constexpr std::uint8_t kMaxChecks = 200;

  // How far log and queues are contained in the bytes.
  struct Mark {
    std::int64_t floor = 0;       // half messages below belong to an earlier broker
    std::int64_t op_needed = 0;   // op records below concern only half messages below the floor
    std::int64_t op_applied = 0;  // op records below are contained
    std::int64_t log_end = 0;     // commit records below it are contained
  };
  using Bytes64K = std::array<std::uint8_t, kSegment>;
  // What write() puts on disk.
  struct Snapshot {
    Mark mark;
    std::int64_t min_half = 0;  // files that end before are removed
    std::map<std::int64_t, std::unique_ptr<Bytes64K>> segments;
  };

  TransactionStates(os::Disk& disk, std::string folder);

  // Start: the mark that was saved last, and the names of the segments. Nothing when there is none
  // or it cannot be used; whatever is there is removed then, and all is derived anew. kIo.
  Result<std::optional<Mark>> load();
  // Forgets everything, on disk too.
  Status reset();

  // ---- memory
  // False: the segment is on disk only; read() it and insert() it first.
  bool present(std::int64_t half) const;
  // The following need present(half).
  TransactionState get(std::int64_t half) const;
  std::uint8_t checks(std::int64_t half) const;  // of an open one
  void set(std::int64_t half, TransactionState state);
  void set_checks(std::int64_t half, std::uint8_t checks);
  // First open half message in [from, end); `end` when there is none. Segments that are on disk
  // only hold none.
  std::int64_t next_open(std::int64_t from, std::int64_t end) const;
  std::int64_t segments_in_memory() const;
  // Open half messages in [from, end): a look at each segment, and at the bytes of the first and
  // the last one.
  std::int64_t count_open(std::int64_t from, std::int64_t end) const;

  // ---- disk
  Result<std::unique_ptr<Bytes64K>> read(std::int64_t half) const;
  void insert(std::int64_t half, std::unique_ptr<Bytes64K> bytes);
  // Copies what changed since the last snapshot and lets go of what is written and without open
  // ones. `end`: the half queue's end; its segment always stays.
  Snapshot snapshot(const Mark& mark, std::int64_t min_half, std::int64_t end);
  Status write(const Snapshot& snapshot) const;
  // The snapshot could not be written: its segments count as changed again.
  void not_written(const Snapshot& snapshot);

 private:
  struct Segment {
    std::unique_ptr<Bytes64K> bytes;  // null: on disk only
    std::int64_t open = kSegment;
    bool dirty = false;
    bool on_disk = false;
  };

  std::string path_of(std::int64_t index) const;
  Segment& loaded(std::int64_t half);
  const Segment* find(std::int64_t half) const;
  void put(std::int64_t half, std::uint8_t value);

  os::Disk& disk_;
  const std::string folder_;
  std::map<std::int64_t, Segment> segments_;  // by half / kSegment
};

}  // namespace oncemq::broker
