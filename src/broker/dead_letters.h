#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/causes.h"
#include "broker/group_table.h"
#include "broker/options.h"
#include "broker/topic_table.h"
#include "model/message.h"
#include "model/offsets.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// What an operator orders for one dead letter.
enum class LetterOrder : std::uint8_t {
  kReplayToGroup,  // back to the group that gave it up, to nobody else
  kReplayToTopic,  // to all groups of the original topic
  kPurge,          // dealt with: it is out of sight and cannot be replayed
};

// What became of a dead letter, as its mark in the log says.
struct LetterMark {
  LetterOrder order = LetterOrder::kReplayToGroup;
  model::LogOffset letter;
  std::string group;
  std::string by;
  std::int64_t time_ms = 0;
  model::LogOffset copy;  // replays only
};

// Replays and purges dead letters, each at most once: docs/dead-letters.md has the promise and the
// crash windows. Not promised for a letter that fills a log file to the last KiB, whose copy cannot
// lie in its mark's file. Thread rule: monitor.
class DeadLetters {
 public:
  // Marks read per service_tick(): at 300 bytes each about 600 KiB.
  static constexpr std::size_t kMarksPerTick = 2'000;
  static constexpr std::size_t kNameMax = 127;  // bytes of an operator's name that are kept

  DeadLetters(const Options& options, const Switches& switches, TopicTable& topics,
              GroupTable& groups, store::MessageStore& store, Causes& causes, os::Clock& clock);

  struct Request {
    std::string_view group;
    model::LogOffset letter;
    LetterOrder order = LetterOrder::kReplayToGroup;
    std::string_view by;
  };
  struct Done {
    LetterMark mark;
    bool already = false;       // an earlier order holds; this one did nothing
    store::AppendedOffset end;  // the answer may leave when committed has passed it
    model::QueueOffset offset;  // of the copy in its queue
  };
  // kNotReady (marks are still read), kGroupNotFound, kMessageNotFound (no letter of that group
  // there), kTopicNotFound (original topic), kNoPermission, kMessageIllegal (no room for the
  // properties), kBusy (the same letter is being marked, or the store), kNotWritable.
  Result<Done> order(const Request& request);

  // The mark of a letter, nothing when it has none. kNotReady.
  Result<std::optional<LetterMark>> mark_of(model::LogOffset letter) const;

  // How many of the letters in the group's dead-letter queue have a mark, so that nobody has to
  // look after them any more. Nothing while marks are read after a start. Costs no look at the log.
  std::optional<std::size_t> settled(std::string_view group);
  // The group's dead-letter queue was deleted; its letters are in the log, but in no queue.
  void forget_queue(std::string_view group);

  std::size_t memory_bytes() const;

  // Reads marks after a start; service thread. When it wants to be called again (ms, 0: at once);
  // a long time when all are read.
  std::int64_t tick();

 private:
  struct Copy;
  struct Written;
  // Of one group's queue. Never removed: as many as there are groups that had a mark.
  struct Settled {
    std::size_t letters = 0;  // with a mark, in the queue
    std::int64_t from = 0;    // letters of the log before it are of a queue that was deleted
  };
  struct Mark {
    std::int64_t at = 0;         // kClaimed while it is being appended
    Settled* settled = nullptr;  // where it counts, unless the letter lies before `from`
  };
  using Marks = std::map<std::int64_t, Mark>;  // by the letter's log offset
  using Queues = std::map<std::string, Settled, std::less<>>;

  Result<const TopicEntry*> target(const Request& request, const model::RecordView& letter);
  Status claim(const Request& request, std::optional<model::LogOffset>& earlier);
  Result<Written> append(const Request& request, const model::RecordView& letter);
  Result<Copy> make_copy(const Request& request, const model::RecordView& letter) const;
  Result<LetterMark> read_mark(model::LogOffset at) const;
  void take(const model::RecordView& record);
  void set_mark(std::string_view group, model::LogOffset letter, model::LogOffset mark)
      ONCE_REQUIRES(mutex_);
  // Letters that left the log come back no more.
  void drop_below(model::LogOffset min) ONCE_REQUIRES(mutex_);

  const Options& options_;
  const Switches& switches_;
  TopicTable& topics_;
  GroupTable& groups_;
  store::MessageStore& store_;
  Causes& causes_;
  os::Clock& clock_;

  mutable Mutex mutex_;
  bool loaded_ ONCE_GUARDED_BY(mutex_) = false;
  model::QueueOffset next_ ONCE_GUARDED_BY(mutex_);  // of the marks' queue, while loading
  Marks marks_ ONCE_GUARDED_BY(mutex_);
  Queues settled_ ONCE_GUARDED_BY(mutex_);
  std::uint32_t round_robin_ ONCE_GUARDED_BY(mutex_) = 0;
};

// Words of an order in marks and requests: "group", "topic", "purge".
std::string_view order_text(LetterOrder order);
std::optional<LetterOrder> parse_order(std::string_view text);

// Adds time and consumer of a failed attempt to a message's RETRY_ATTEMPTS, keeping the last 16;
// nothing when the properties would pass `size_max` bytes.
void note_attempt(std::string& properties, std::int64_t now_ms, std::string_view consumer,
                  std::size_t size_max);

}  // namespace oncemq::broker
