#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/options.h"
#include "broker/recall_handle.h"
#include "broker/send_batch.h"
#include "broker/timer_checkpoint.h"
#include "broker/timer_record.h"
#include "broker/topic_table.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/message_store.h"
#include "store/state_file.h"
#include "store/timer_index.h"

namespace oncemq::broker {

// Delivers the messages that wait for a point in time, exactly once each, and takes them back on
// request (docs/timers.md). Thread rule: confined to the service thread, except arrived(), recall()
// and figures(); load() comes before all others.
//
// Words: a timer is *settled* by the record that delivers, recalls or moves it; that record carries
// its key in ONCE_TIMER. `reached_` is the key of the last timer taken for delivery, `frontier_`
// the same for deliveries that are durable. A timer with a key up to reached_ when it is read from
// the queue is *late*.
class Timers {
 public:
  Timers(const Options& options, TopicTable& topics, store::MessageStore& store, BrokerStats& stats,
         os::Disk& disk, os::Clock& clock);

  // Called by arrived() and recall(); any thread, must not block. Set before load().
  void set_waker(std::function<void()> wake) { wake_ = std::move(wake); }
  // Takes up what the folder holds. The store is open and not yet started. kIo, kNoSpace.
  Status load();

  // The store's committed mark advanced; `queues` as CommitListener says. Any thread.
  void arrived(std::span<store::ConsumeQueue* const> queues);

  // Reads new timers, delivers what is due, decides recalls, saves progress. Returns in how many ms
  // it wants to be called again: 0 when there is more to do at once, at most kIdleMs.
  std::int64_t tick();
  static constexpr std::int64_t kIdleMs = 1'000;

  // Saves everything, so that the next start need not read the log. Answers open recalls with
  // kNotReady.
  Status stop();

  // `done` gets the unique key when the message was not and will not be delivered, as soon as that
  // is committed; kMessageNotFound: it was delivered or never waited here; kBusy, kNotWritable,
  // kNotSupported (no key index), kNotReady. Runs on the service thread. Any thread.
  using Recalled = std::function<void(const Result<std::string>&)>;
  void recall(RecallHandle handle, std::string producer_group, Recalled done);

  struct Figures {
    std::int64_t waiting = 0;        // timers
    std::int64_t offset_behind = 0;  // stored, and not yet read from the queue
    std::int64_t read_behind_ms = 0;
    // When the next one is due; -1: none waits. Those behind the window are known by the hour:
    // then it is due in that hour, which begins at `next_due_ms`.
    std::int64_t next_due_ms = -1;
    bool next_due_exact = true;
    std::size_t memory_bytes = 0;  // of entries by due time, and of what is not yet in the files
    double enqueue_rate = 0;       // per second
    double deliver_rate = 0;
  };
  Figures figures() const;

 private:
  // Timers held in memory: between kWindow and twice that, 24 bytes each, and as many in a Load.
  static constexpr std::size_t kWindow = 262'144;
  static constexpr std::int64_t kWindowMs = 600'000;  // how far ahead an empty window looks
  static constexpr std::size_t kLoadStep = 65'536;    // entries per tick: about 2 ms
  // 64 + 24 bytes each: 88 MB at worst, when the clock was set far back; reading waits above it.
  static constexpr std::size_t kLateMax = 1'000'000;
  // About 64 bytes each.
  static constexpr std::size_t kDeadMax = 200'000;
  static constexpr std::size_t kRecallsMax = 10'000;  // open at once
  static constexpr std::int32_t kReadMessages = 128;
  static constexpr std::int32_t kReadBytes = 1 << 20;
  static constexpr int kEnqueueBudget = 4'096;  // records per tick
  static constexpr std::size_t kDeliverBudget = 2'000;
  static constexpr std::size_t kAppendBudget = 256;  // messages per append
  static constexpr std::size_t kAppendBytes = 1 << 20;
  // Of the log, read before its pages are given back. A record that stands alone counts with the
  // pages that the kernel maps around it.
  static constexpr std::size_t kReadMax = 8 << 20;
  static constexpr std::size_t kAround = 64 << 10;
  static constexpr int kLowBudget = 1'024;
  static constexpr std::int64_t kRetryMs = 100;
  // Timers that become due meanwhile are appended together.
  static constexpr std::int64_t kGatherMs = 5;
  static constexpr std::int64_t kSaveMs = 2'000;
  static constexpr std::int64_t kApacheMs = 60'000;
  static constexpr std::int64_t kRecallWaitMs = 2'000;

  enum class Round : std::uint8_t { kMore, kDone, kRetry };

  // Deliveries and recalls of late timers that are appended, but perhaps not yet durable.
  struct Pending {
    store::AppendedOffset end;
    store::TimerKey reached;
    std::vector<std::int64_t> late;
  };
  struct Asked {
    RecallHandle handle;
    std::string group;
    Recalled done;
    std::int64_t deadline_ms = 0;  // monotonic; 0: not yet looked at
    std::int64_t committed = 0;    // the key index must know this much
  };
  struct Waiting {
    store::AppendedOffset end;
    std::string unique_key;
    Recalled done;
  };
  struct Taken {
    store::TimerEntry entry;
    bool late = false;
  };

  // ---- start (timers_load.cc)
  Status read_marks(store::LogOffset from);
  std::optional<store::LogOffset> first_record(std::int64_t offset);
  void forget_apache_files();
  bool settled_before(const TimerRecord& timer) const;
  void rebuild();
  void forget_marks();

  // ---- from the queue to the index
  Round enqueue();
  void enqueue(const TimerRecord& timer, const model::RecordView& record);
  void add(const store::TimerEntry& entry);
  void drop(const store::TimerKey& key);
  void drop_older(const TimerRecord& timer);
  void shrink_window();
  // kDone: the window reaches far enough.
  Round fill_window();

  // ---- from the index to the topic (timers_deliver.cc)
  Round deliver(std::int64_t now_ms);
  bool take(std::int64_t now_ms);
  Status stage(const Taken& taken, std::int64_t now_ms);
  void delivered(store::AppendedOffset end);
  void put_back();
  void settle();
  std::int64_t next_due_ms() const;

  // ---- recall and retention (timers_recall.cc)
  // True when some are left that cannot be decided yet.
  bool decide_recalls();
  // True when it is decided.
  bool decide(Asked& asked);
  bool waits(const store::TimerKey& key) const;
  void answer_recalls();
  std::vector<TimerRecord> find_by_key(std::string_view unique_key,
                                       std::vector<store::LogSpan>& pins) const;
  void advance_low();
  // False: this record is where everything settled ends.
  bool pass(const TimerRecord& timer, const model::RecordView& record);
  // Whether a timer with that record was recalled or moved.
  bool removed(const TimerRecord& timer) const;
  bool move(const TimerRecord& timer, const model::RecordView& record);
  bool indexed(std::int64_t log_offset) const;

  // So much of the log was read.
  void count_read(std::size_t bytes);

  Status save(bool clean);
  void measure(std::int64_t now_ms);

  const Options& options_;
  TopicTable& topics_;
  store::MessageStore& store_;
  BrokerStats& stats_;
  os::Disk& disk_;
  os::Clock& clock_;
  const std::string apache_path_;
  std::function<void()> wake_;
  store::StateFile file_;
  store::TimerIndex index_;
  const TopicEntry* wheel_ = nullptr;
  store::ConsumeQueue* queue_ = nullptr;
  bool running_ = false;

  // ---- progress
  std::int64_t next_ = 0;  // offset in the queue that is read next
  std::int64_t low_ = 0;   // everything below is settled
  // The timer at low_, when it is known to wait.
  std::optional<store::TimerEntry> low_waits_;
  store::TimerKey reached_{0, -1};
  store::TimerKey frontier_{0, -1};
  std::int64_t log_ = 0;  // deliveries up to the frontier lie in front of it
  std::deque<Pending> pending_;
  std::int64_t waiting_count_ = 0;
  bool changed_ = false;
  bool index_broken_ = false;
  std::int64_t saved_log_ = 0;
  std::int64_t next_save_ms_ = 0;    // monotonic
  std::int64_t busy_until_ms_ = 0;   // monotonic; timers arrived a moment ago
  std::int64_t next_apache_ms_ = 0;  // monotonic
  ApacheTimerCheck told_apache_{-1, -1};

  // ---- what recovery knows; for offsets below recover_until_
  std::int64_t recover_until_ = 0;
  std::int64_t old_enqueued_ = 0;
  store::TimerKey old_frontier_{0, -1};
  std::int64_t old_log_ = 0;
  std::optional<ApacheTimerCheck> apache_;
  std::unordered_map<std::int64_t, std::int64_t> settled_;  // offset -> due; docs: settled set
  std::int64_t settled_max_ms_ = 0;

  // ---- timers in memory
  std::vector<store::TimerEntry> window_;  // heap, the next one in front: all keys below horizon_
  store::TimerKey horizon_{0, -1};
  std::unique_ptr<store::TimerIndex::Load> loading_;
  std::map<store::TimerKey, std::int64_t> late_;  // with the log offset
  // Late timers by offset until their delivery is durable, with the end of the log when they came.
  std::map<std::int64_t, std::int64_t> late_holds_;
  std::set<store::TimerKey> dead_;  // recalled or moved, and perhaps still in window or index

  // ---- one round of delivery
  std::vector<Taken> taken_;
  std::vector<store::AppendItem> items_;
  std::vector<store::LogSpan> pins_;
  Arena arena_;
  std::size_t append_limit_ = kAppendBudget;
  std::int64_t retry_at_ms_ = 0;  // monotonic
  std::int64_t staged_at_ = 0;    // log offset of the last one
  std::size_t read_bytes_ = 0;    // since pages were given back

  // ---- recalls
  std::deque<Asked> undecided_;
  std::deque<Waiting> unanswered_;
  std::int64_t last_mark_end_ = 0;  // log end behind the last recall or move

  std::atomic<bool> woken_{false};
  std::atomic<bool> answers_due_{false};
  mutable Mutex mutex_;
  std::deque<Asked> asked_ ONCE_GUARDED_BY(mutex_);
  bool open_ ONCE_GUARDED_BY(mutex_) = false;  // recalls are taken
  Figures figures_ ONCE_GUARDED_BY(mutex_);

  // ---- rates
  std::uint64_t enqueued_total_ = 0;
  std::uint64_t delivered_total_ = 0;
  std::uint64_t enqueued_before_ = 0;
  std::uint64_t delivered_before_ = 0;
  std::int64_t measured_ms_ = 0;  // monotonic
};

}  // namespace oncemq::broker
