#include "broker/delivery_ledger.h"

#include <algorithm>

namespace oncemq::broker {

DeliveryLedger::DeliveryLedger(const os::Clock& clock, std::int64_t bytes)
    : clock_(clock),
      pieces_max_(bytes <= 0 ? 0
                             : static_cast<std::size_t>(bytes) / (kPiece * sizeof(DeliveryEntry))),
      start_ms_(clock.wall_ms()) {}

void DeliveryLedger::add(std::span<const DeliveryEntry> entries) {
  if (pieces_max_ == 0 || entries.empty()) return;
  MutexLock lock(mutex_);
  const std::int64_t now_ms = clock_.wall_ms();
  while (!entries.empty()) {
    const std::size_t piece = static_cast<std::size_t>(next_ / kPiece) % pieces_max_;
    const std::size_t at = static_cast<std::size_t>(next_ % kPiece);
    if (piece == pieces_.size()) pieces_.push_back(std::make_unique<DeliveryEntry[]>(kPiece));
    const std::size_t count = std::min(entries.size(), kPiece - at);
    for (std::size_t i = 0; i < count; ++i) {
      DeliveryEntry& entry = pieces_[piece][at + i];
      entry = entries[i];
      entry.at_ms = now_ms;
    }
    next_ += count;
    entries = entries.subspan(count);
  }
}

// A piece at a time; what is overwritten meanwhile is forgotten like the rest.
template <class Visit, class Forgotten>
void DeliveryLedger::walk(Visit visit, Forgotten forgotten) const {
  if (pieces_max_ == 0) return;
  const std::uint64_t capacity = std::uint64_t{pieces_max_} * kPiece;
  std::uint64_t at = 0;
  std::uint64_t end = 0;
  {
    MutexLock lock(mutex_);
    end = next_;
  }
  while (at < end) {
    MutexLock lock(mutex_);
    const std::uint64_t oldest = next_ > capacity ? next_ - capacity : 0;
    if (at < oldest) {
      at = oldest;
      forgotten(pieces_[static_cast<std::size_t>(at / kPiece) % pieces_max_][at % kPiece]);
    }
    const DeliveryEntry* const piece =
        pieces_[static_cast<std::size_t>(at / kPiece) % pieces_max_].get();
    const std::uint64_t stop = std::min(end, (at / kPiece + 1) * kPiece);
    for (; at < stop; ++at)
      if (!visit(piece[at % kPiece])) return;
  }
}

void DeliveryLedger::for_each(const std::function<void(const DeliveryEntry&)>& visit) const {
  walk(
      [&](const DeliveryEntry& entry) {
        visit(entry);
        return true;
      },
      [](const DeliveryEntry&) {});
}

DeliveryLedger::Found DeliveryLedger::of(std::uint64_t queue, std::int64_t offset,
                                         std::size_t max) const {
  Found found;
  walk(
      [&](const DeliveryEntry& entry) {
        if (entry.queue != queue || !entry.covers(offset)) return true;
        found.more = found.entries.size() == max;
        if (!found.more) found.entries.push_back(entry);
        return !found.more;
      },
      [&](const DeliveryEntry& oldest) {
        found.entries.clear();
        found.since_ms = oldest.at_ms;
      });
  return found;
}

std::uint64_t DeliveryLedger::total() const {
  MutexLock lock(mutex_);
  return next_;
}

std::size_t DeliveryLedger::memory_bytes() const {
  MutexLock lock(mutex_);
  return pieces_.size() * kPiece * sizeof(DeliveryEntry);
}

}  // namespace oncemq::broker
