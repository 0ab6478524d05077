#include "broker/send_batch.h"

#include <algorithm>

#include "base/check.h"
#include "broker/topic_table.h"

namespace oncemq::broker {

char* Arena::allocate(std::size_t size) {
  while (block_ < blocks_.size() && used_ + size > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const std::size_t capacity = std::max(size, kBlock);
    blocks_.push_back({std::make_unique<char[]>(capacity), capacity});
    used_ = 0;
  }
  char* place = blocks_[block_].data.get() + used_;
  used_ += size;
  return place;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* place = allocate(text.size());
  std::copy(text.begin(), text.end(), place);
  return {place, text.size()};
}

void Arena::clear() {
  block_ = 0;
  used_ = 0;
  // One burst must not be paid for for ever.
  constexpr std::size_t kKeep = 64;
  if (blocks_.size() > kKeep) blocks_.resize(kKeep);
}

SendOutcome SendBatch::outcome(std::size_t request) const {
  ONCE_CHECK(request < requests_.size());
  const Request& row = requests_[request];
  SendOutcome outcome;
  outcome.error = row.error;
  outcome.items = std::span(items_).subspan(row.first, row.count);
  outcome.queue_id = row.original_queue.value_or(row.queue_id);
  outcome.unique_key = row.unique_key;
  if (row.topic != nullptr) outcome.topic = row.topic->name();
  outcome.timer_out_ms = row.timer_out_ms;
  outcome.duplicates = row.duplicates;
  outcome.end = row.end;
  outcome.wait_committed = row.wait_committed;
  return outcome;
}

void SendBatch::clear() {
  items_.clear();
  requests_.clear();
  claims_.clear();
  has_gaps_ = false;
  pins_.clear();
  arena_.clear();
  bytes_ = 0;
}

}  // namespace oncemq::broker
