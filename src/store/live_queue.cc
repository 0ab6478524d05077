#include "store/live_queue.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace oncemq::store {

QueueOffset LiveQueue::max() const {
  MutexLock lock(mutex_);
  see_committed();
  return {visible_};
}

QueueOffset LiveQueue::next() const {
  MutexLock lock(mutex_);
  return {next_};
}

void LiveQueue::see_committed() const {
  const std::int64_t committed = context_.marks->committed().value;
  while (visible_ < next_) {
    const QueueEntry& entry = slot(visible_);
    if (entry.log_offset.value + entry.size > committed) break;
    ++visible_;
  }
}

QueueOffset LiveQueue::min() const {
  const std::int64_t log_min = context_.log->min_offset().value;
  std::int64_t low = 0;
  std::int64_t high = 0;
  {
    MutexLock lock(mutex_);
    see_committed();
    if (min_for_ == log_min) return {min_};
    low = first_;
    high = visible_;
  }
  // First entry whose record is still there. Entries ascend; the filler counts as gone. Mostly it
  // is the very first.
  for (std::int64_t probe = low; low < high; probe = low + (high - low) / 2) {
    const auto gone = is_gone(probe, log_min);
    if (!gone) break;  // unreadable: what lies behind is the best that can be said
    if (!gone->has_value() && report_lost()) return {low};  // soon to be made again
    if (gone->value_or(true))
      low = probe + 1;
    else
      high = probe;
  }
  MutexLock lock(mutex_);
  min_ = std::min(low, visible_);
  min_for_ = log_min;
  return {min_};
}

// Whether the record of an entry was deleted with its file. A hole says nothing, the next entry
// behind it speaks for it; nothing when there is none.
Result<std::optional<bool>> LiveQueue::is_gone(std::int64_t offset, std::int64_t log_min) const {
  std::array<QueueEntry, 16> entries;
  auto got = read({offset}, entries);
  if (!got) return fail(std::move(got.error()));
  for (const QueueEntry& entry : std::span(entries).first(*got))
    if (is_entry(entry)) return is_filler(entry) || entry.log_offset.value < log_min;
  return std::nullopt;
}

void LiveQueue::push(const QueueEntry& entry) {
  MutexLock lock(mutex_);
  if (next_ - tail_ == static_cast<std::int64_t>(capacity_)) {
    if (tail_ < persisted_)
      ++tail_;
    else
      grow(capacity_ == 0 ? kFirstRing : capacity_ * 2);
  }
  slot(next_) = entry;
  ++next_;
}

void LiveQueue::grow(std::uint32_t capacity) {
  ONCE_CHECK(next_ - tail_ <= static_cast<std::int64_t>(capacity), "the ring keeps its entries");
  auto ring = std::make_unique<QueueEntry[]>(capacity);
  for (std::int64_t i = tail_; i < next_; ++i)
    ring[static_cast<std::size_t>(i) & (capacity - 1)] = slot(i);
  ring_ = std::move(ring);
  set_capacity(capacity);
}

void LiveQueue::set_capacity(std::uint32_t capacity) {
  if (context_.ring_bytes != nullptr) {
    context_.ring_bytes->fetch_add((std::size_t{capacity} - capacity_) * sizeof(QueueEntry),
                                   std::memory_order_relaxed);
  }
  capacity_ = capacity;
}

void LiveQueue::load(QueueOffset first, QueueOffset next) {
  MutexLock lock(mutex_);
  first_ = first.value;
  tail_ = persisted_ = visible_ = next_ = found_ = next.value;
  min_for_ = -1;
}

QueueOffset LiveQueue::found() const {
  MutexLock lock(mutex_);
  return {found_};
}

void LiveQueue::reset(std::int64_t& forgotten) {
  MutexLock lock(mutex_);
  forgotten = next_ - persisted_;
  first_ = tail_ = persisted_ = visible_ = next_ = found_ = min_ = 0;
  min_for_ = -1;
  ring_.reset();
  set_capacity(0);
}

Result<std::size_t> LiveQueue::read(QueueOffset from, std::span<QueueEntry> into) const {
  std::size_t want = into.size();
  {
    MutexLock lock(mutex_);
    see_committed();
    if (from.value >= visible_) return std::size_t{0};
    want = std::min(want, static_cast<std::size_t>(visible_ - from.value));
    if (from.value >= tail_) {
      for (std::size_t i = 0; i < want; ++i)
        into[i] = slot(from.value + static_cast<std::int64_t>(i));
      return want;
    }
    want = std::min(want, static_cast<std::size_t>(tail_ - from.value));
  }
  return context_.files->read(*this, from, into.first(want));
}

QueueOffset LiveQueue::unpersisted(std::int64_t committed, std::vector<QueueEntry>& out,
                                   bool& more) const {
  MutexLock lock(mutex_);
  std::int64_t at = persisted_;
  for (; at < next_; ++at) {
    const QueueEntry& entry = slot(at);
    if (entry.log_offset.value + entry.size > committed) break;
    out.push_back(entry);
  }
  more = at < next_;
  return {persisted_};
}

bool LiveQueue::has_files() const {
  MutexLock lock(mutex_);
  return persisted_ > first_;
}

void LiveQueue::set_persisted(QueueOffset end) {
  MutexLock lock(mutex_);
  persisted_ = std::max(persisted_, end.value);
  visible_ = std::max(visible_, persisted_);
  if (persisted_ == next_ && capacity_ > kIdleRing) {
    tail_ = std::max(tail_, next_ - static_cast<std::int64_t>(kIdleRing));
    grow(kIdleRing);
  }
}

QueueOffset LiveQueue::persisted() const {
  MutexLock lock(mutex_);
  return {persisted_};
}

void LiveQueue::set_first(QueueOffset first) {
  MutexLock lock(mutex_);
  first_ = std::max(first_, first.value);
}

QueueOffset LiveQueue::first() const {
  MutexLock lock(mutex_);
  return {first_};
}

}  // namespace oncemq::store
