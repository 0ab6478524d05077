#include "store/damage.h"

#include <string>

namespace oncemq::store {

void Damage::record(LogOffset offset, const Error& error) {
  note({nullptr, offset.value}, "the record at log offset " + std::to_string(offset.value), error);
}

void Damage::entry(const ConsumeQueue& queue, QueueOffset offset, const Error& error) {
  note({&queue, offset.value},
       queue.topic() + "/" + std::to_string(queue.queue_id()) + " offset " +
           std::to_string(offset.value),
       error);
}

void Damage::note(const Place& place, std::string_view name, const Error& error) {
  {
    MutexLock lock(mutex_);
    ++reads_;
    if (places_.size() < kMaxPlaces) places_.insert(place);
  }
  limited_.warn(clock_.monotonic_ms(), "store",
                "{} cannot be served: {}; `oncemq store check` shows the extent", name,
                error.message);
}

Damage::Counters Damage::counters() const {
  MutexLock lock(mutex_);
  return {.places = places_.size(), .reads = reads_};
}

}  // namespace oncemq::store
