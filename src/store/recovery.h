#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/disk.h"
#include "store/checkpoint.h"
#include "store/deleted_topics.h"
#include "store/key_index.h"
#include "store/layout.h"
#include "store/log_cursor.h"
#include "store/log_files.h"
#include "store/message_store.h"
#include "store/queue_files.h"
#include "store/queue_loader.h"
#include "store/queue_snapshot.h"
#include "store/queue_table.h"

namespace oncemq::store {

// What the consume queue keeps for a record: the hash of its tag, or in the schedule topic the time
// when its delay is over (store.md §5).
std::int64_t tags_code_of(const model::RecordView& record,
                          const std::vector<std::int64_t>& delay_levels_ms);

// Whether a record has a place in its queue: half messages and rollbacks have none.
bool is_queued(const model::RecordView& record);

// Where recovery begins.
struct RecoveryInput {
  bool clean = true;                // no abort mark was left
  std::optional<DurableMark> mark;  // none: the folder was last used by somebody else, or is new
  std::optional<QueueSnapshot> snapshot;
  Checkpoint checkpoint;
  bool parallel = true;  // queue tails are loaded by several threads
};

struct Recovered {
  LogOffset end;                     // of the log
  LogOffset dispatched;              // queue files hold everything below, written
  LogOffset settled;                 // and durable
  std::int64_t store_timestamp = 0;  // no record is younger
  std::uint64_t scanned_bytes = 0;
  std::uint64_t rewritten_bytes = 0;
  bool whole_log = false;     // the log was read from its beginning, as queues lacked entries
  bool index_again = false;   // the same for the key index
  std::uint64_t misfits = 0;  // whole records that fit into no queue
};

// Brings log, queues and index of a folder into agreement before anybody uses them
// (reliability.md §3.4, store.md §12):
//
//   start ──verify──▶ end of the valid records
//         1. damage below the durable mark is corruption: refused, never cut
//         2. bytes [durable mark, end) are written again and synced: what a former process read
//         back
//            from the page cache after a failed sync may not be on the disk
//         3. what lies behind the end becomes zero, durably, so that it cannot come back
//         4. queues are cut at `start` and made again from the records
//   start = where queue files are known to be durable; for somebody else's folder what Apache's
//   rules say; the beginning of the log when queues are missing.
// Thread rule: confined.
class Recovery {
 public:
  Recovery(os::Disk& disk, const Layout& layout, const StoreOptions& options, LogFiles& files,
           QueueTable& queues, QueueFiles& queue_files, KeyIndex* index,
           const DeletedTopics& deleted);

  Result<Recovered> run(const RecoveryInput& input);

 private:
  // Not by address: a run on a seed does the same each time.
  struct ByName {
    bool operator()(const LiveQueue* a, const LiveQueue* b) const {
      return a->topic() != b->topic() ? a->topic() < b->topic() : a->queue_id() < b->queue_id();
    }
  };

  Status recover_index(LogOffset start);
  Result<bool> load_snapshot(QueueLoader& loader) const;
  LogOffset choose_start() const;
  LogOffset apache_start() const;
  bool begins_record(LogOffset offset) const;
  QueueEntry newest_entry() const;
  LogOffset end_of_queues() const;
  std::int64_t time_before(LogOffset start) const;

  Status scan(LogOffset start);
  Status dispatch(const model::RecordView& record, std::int32_t size);
  void misfit(const model::RecordView& record, const std::string& why);
  Status write_queues();
  Status judge(LogCursor::Step step, const LogCursor& cursor);
  Status rewrite(LogOffset from, LogOffset to);

  os::Disk& disk_;
  const Layout& layout_;
  const StoreOptions& options_;
  LogFiles& files_;
  QueueTable& queues_;
  QueueFiles& queue_files_;
  KeyIndex* const index_;
  const DeletedTopics& deleted_;

  RecoveryInput input_;
  Recovered found_;
  LogOffset start_;      // of the scan under way
  bool behind_ = false;  // a queue lacks entries from before `start`
  std::set<LiveQueue*, ByName> dirty_;
  std::size_t unwritten_ = 0;
  std::int64_t gaps_ = 0;  // places of lost records that queues were given
  std::vector<QueueEntry> entries_;
};

}  // namespace oncemq::store
