// What the timer engine reads: recall handles from clients, properties of records in the wheel
// queue, and its own checkpoint. What parses is written again and reads the same.
#include "broker/timer_record.h"

#include <string>
#include <string_view>

#include "base/check.h"
#include "broker/recall_handle.h"
#include "broker/timer_checkpoint.h"

using namespace oncemq;
using namespace oncemq::broker;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'h':
      if (const auto handle = RecallHandle::parse(text)) {
        const auto again = RecallHandle::parse(handle->to_string());
        ONCE_CHECK(again && again->topic == handle->topic && again->broker == handle->broker &&
                   again->out_ms == handle->out_ms && again->unique_key == handle->unique_key);
      }
      break;
    case 'm':
      if (const auto mark = parse_timer_mark(text))
        ONCE_CHECK(parse_timer_mark(timer_mark(*mark)) == mark);
      break;
    case 'c':
      if (const auto check = TimerCheckpoint::parse(text)) {
        const auto again = TimerCheckpoint::parse(check->to_json());
        ONCE_CHECK(again && again->to_json() == check->to_json());
      }
      break;
    case 'p': {
      model::RecordView record;
      record.queue_offset = {7};
      record.properties = text;
      const TimerRecord timer = parse_timer_record(Options(), record);
      if (timer.kind == TimerRecord::Kind::kOther) break;
      ONCE_CHECK(timer.key.offset == 7 && timer.key.due_ms >= 0 && !timer.real_topic.empty());
      (void)timer_due(Options(), scan_properties(text), 1'700'000'000'000);
      break;
    }
    default:
      break;
  }
  return 0;
}
