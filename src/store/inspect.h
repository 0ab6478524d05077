#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/message_store.h"

// A store folder from outside, while no broker uses it: `oncemq store check|dump|rebuild`. All take
// the folder's lock without changing its text (kInUse). Thread rule of all functions: confined.
namespace oncemq::store {

// What is being done and how far it is, in bytes or things of that stage.
using InspectProgress =
    std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)>;

struct StoreProblem {
  std::string place;  // file, or queue and offset
  std::string what;
};

// Result of a check. `problems` holds the first kMaxProblems; `problem_count` all.
struct CheckReport {
  static constexpr std::size_t kMaxProblems = 200;
  bool clean = false;  // the last stop was an orderly one
  std::int64_t log_begin = 0;
  std::int64_t log_end = 0;
  std::uint64_t log_files = 0;
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t queues = 0;
  std::uint64_t queue_entries = 0;
  std::uint64_t index_entries = 0;
  std::uint64_t problem_count = 0;
  std::vector<StoreProblem> problems;
  std::vector<std::string> notes;  // normal after a crash: the next start deals with it

  bool sound() const { return problem_count == 0; }
  Json to_json() const;
};

// Every record (structure, place, CRCs), every queue entry against its record and the other way
// round, every key in the index, checkpoint and durable mark. What a crash may leave undone counts
// only below the durable mark. Changes nothing.
Result<CheckReport> check_store(os::Disk& disk, os::Clock& clock, const StoreOptions& options,
                                const InspectProgress& progress);

struct DumpRange {
  std::int64_t from = 0;  // log offset of a record, or queue offset
  std::uint64_t count = UINT64_MAX;
};
// One object per record of the log, in order.
Status dump_records(os::Disk& disk, const StoreOptions& options, const DumpRange& range,
                    const std::function<void(const Json&)>& line);
// One object per entry of a queue. kNotFound.
Status dump_queue(os::Disk& disk, const StoreOptions& options, std::string_view topic,
                  std::int32_t queue_id, const DumpRange& range,
                  const std::function<void(const Json&)>& line);

struct RebuildReport {
  std::uint64_t records = 0;
  std::uint64_t queues = 0;
  std::uint64_t lost_bytes = 0;  // of the log, given up
  std::vector<StoreProblem> losses;
  Json to_json() const;
};
// Makes consume queues and key index anew from the log. Damaged stretches of the log are refused
// (kCorrupt, with the places) unless `accept_loss`: then each becomes a record that belongs to no
// queue, so that any broker can read on behind it; queue offsets of lost messages stay taken.
Result<RebuildReport> rebuild_store(os::Disk& disk, os::Clock& clock, const StoreOptions& options,
                                    bool accept_loss, const InspectProgress& progress);

}  // namespace oncemq::store
