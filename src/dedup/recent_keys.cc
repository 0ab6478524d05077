#include "dedup/recent_keys.h"

#include <bit>

#include "base/check.h"

namespace oncemq::dedup {

namespace {

template <class T>
std::span<T> table(const os::LargeMemory& memory) {
  return {reinterpret_cast<T*>(memory.data()), memory.size() / sizeof(T)};
}

}  // namespace

// All zeros are free slots. At most three quarters of them are used.
RecentKeys::RecentKeys(std::size_t rows_max)
    : rows_max_(rows_max),
      rows_memory_(rows_max * sizeof(Row)),
      rows_(table<Row>(rows_memory_)),
      slots_memory_(std::bit_ceil(rows_max * 8 / 3 + 1) * sizeof(Slot)),
      slots_(table<Slot>(slots_memory_)) {
  ONCE_CHECK(rows_max > 0 && rows_max < (1U << 28));
}

void RecentKeys::clear() {
  used_ = std::max(used_, size_);
  size_ = 0;
  free_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
}

// Number of the first live row that matches; size_ when there is none.
template <class Matches>
std::size_t RecentKeys::look(std::uint64_t hash, const Matches& matches) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = home(print(hash)); slots_[at].row != 0; at = (at + 1) & mask) {
    if (slots_[at].print != print(hash)) continue;
    const std::size_t number = slots_[at].row - 1;
    if (rows_[number].state != State::kReleased && matches(rows_[number].entry.key)) return number;
  }
  return size_;
}

void RecentKeys::prefetch(const MessageKey& key) const {
  __builtin_prefetch(&slots_[home(print(key.low))]);
  __builtin_prefetch(&slots_[home(print(key.key))]);
}

RecentKeys::Row* RecentKeys::find(const MessageKey& key) {
  const std::size_t number =
      look(key.low, [&](const MessageKey& candidate) { return candidate == key; });
  return number == size_ ? nullptr : &rows_[number];
}

bool RecentKeys::has_key(std::uint64_t key) const {
  return look(key, [&](const MessageKey& candidate) { return candidate.key == key; }) != size_;
}

void RecentKeys::put(std::uint64_t hash, std::size_t row) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home(print(hash));
  while (slots_[at].row != 0) at = (at + 1) & mask;
  slots_[at] = {static_cast<std::uint32_t>(row + 1), print(hash)};
}

// No effect when the row has no slot by this hash. What stands behind moves up, so that no search
// ends early.
void RecentKeys::take_out(std::uint64_t hash, std::size_t row) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t gap = home(print(hash));
  while (slots_[gap].row != 0 && (slots_[gap].row != row + 1 || slots_[gap].print != print(hash)))
    gap = (gap + 1) & mask;
  if (slots_[gap].row == 0) return;
  for (std::size_t at = (gap + 1) & mask; slots_[at].row != 0; at = (at + 1) & mask) {
    // May it stand in the gap? Only if its home is not behind it.
    if (((at - home(slots_[at].print)) & mask) < ((at - gap) & mask)) continue;
    slots_[gap] = slots_[at];
    gap = at;
  }
  slots_[gap] = {};
}

std::size_t RecentKeys::add(const MessageKey& key, const Original& original, State state) {
  ONCE_CHECK(!full());
  std::size_t number = size_;
  if (free_.empty()) {
    ++size_;
  } else {
    number = free_.back();
    free_.pop_back();
  }
  if (!has_key(key.key)) put(key.key, number);
  put(key.low, number);
  rows_[number] = {.entry = {key, original}, .state = state, .saved = false};
  return number;
}

void RecentKeys::release(Row& row) {
  const auto number = static_cast<std::size_t>(&row - rows_.data());
  take_out(row.entry.key.low, number);
  take_out(row.entry.key.key, number);
  abandon(row);
}

void RecentKeys::abandon(Row& row) {
  row.state = State::kReleased;
  free_.push_back(static_cast<std::uint32_t>(&row - rows_.data()));
}

}  // namespace oncemq::dedup
