#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/options.h"
#include "broker/send_batch.h"
#include "broker/send_properties.h"
#include "broker/topic_table.h"
#include "model/message.h"
#include "store/message_store.h"
#include "store/timer_index.h"

// What a timer looks like in the log (docs/timers.md, Records).
namespace oncemq::broker {

// Room in the properties for what delivery and moving add to a timer's record: TIMER_ENQUEUE_MS and
// TIMER_DEQUEUE_MS (31 bytes each), ONCE_TIMER (46), TIMER_ROLL_TIMES (30), WAIT (11).
inline constexpr std::size_t kTimerRoom = 160;

// When the message wants to be delivered: ms since epoch, or nothing when that is now: it is no
// timer, it was one before, or its time has come. kMessageIllegal: no number, beyond
// timerMaxDelaySec, or it wants to recall another; kInternal: timerWheelEnable is false.
Result<std::optional<std::int64_t>> timer_due(const Options& options, const SendProperties& seen,
                                              std::int64_t now_ms);

// TIMER_OUT_MS of a due time: rounded down as Apache does, which delivers one precision later.
std::int64_t timer_out_ms(const Options& options, std::int64_t due_ms);

// Turns a message that is ready for its topic and queue into one that waits for `due_ms`.
void divert_to_timer(const Options& options, const TopicEntry& wheel, std::int64_t due_ms,
                     store::AppendItem& item, Arena& arena);

// A mark ONCE_TIMER: the timer that its record settles.
std::optional<store::TimerKey> parse_timer_mark(std::string_view text);
std::string timer_mark(const store::TimerKey& settled);

// A record of the wheel queue. Views into the record.
struct TimerRecord {
  enum class Kind : std::uint8_t { kTimer, kRecall, kOther };
  Kind kind = Kind::kOther;  // kOther: not made by a broker; there is nothing to deliver
  store::TimerKey key;
  std::int64_t out_ms = 0;
  std::string_view real_topic;
  std::int32_t real_queue = 0;
  std::string_view unique_key;
  std::string_view delete_key;             // kRecall: "<topic>+<unique key>"
  std::optional<store::TimerKey> settled;  // the timer that was recalled or moved
  std::int32_t rolls = 0;                  // TIMER_ROLL_TIMES
};
TimerRecord parse_timer_record(const Options& options, const model::RecordView& record);

// The message that was waiting. `topic` and `queue_id` are its own. Views into record and arena.
void deliver_timer(const TimerRecord& timer, const model::RecordView& record,
                   const TopicEntry& topic, std::int64_t now_ms, store::AppendItem& item,
                   Arena& arena);
// A copy that waits on in place of the record.
void move_timer(const TimerRecord& timer, const model::RecordView& record, const TopicEntry& wheel,
                store::AppendItem& item, Arena& arena);
// What recalls a timer.
void recall_timer(const Options& options, const TimerRecord& timer, std::string_view group,
                  const TopicEntry& wheel, std::int64_t now_ms, store::AppendItem& item,
                  Arena& arena);

// "<topic>+<unique key>" of a recall, as Apache writes it.
std::string timer_delete_key(std::string_view topic, std::string_view unique_key);

}  // namespace oncemq::broker
