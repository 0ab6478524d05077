#include "client/sdk/process_queue.h"

#include <algorithm>

namespace oncemq::sdk {

void ProcessQueue::add(std::vector<Taken> messages, std::int64_t next) {
  for (Taken& taken : messages) {
    const std::int64_t offset = taken.delivery.queue_offset;
    if (offset < next_) continue;
    bytes_ += taken.bytes;
    next_ = offset + 1;
    waiting_.insert(offset);
    messages_.emplace(offset, std::move(taken));
  }
  next_ = std::max(next_, next);
}

std::vector<Delivery> ProcessQueue::take(std::size_t max) {
  std::vector<Delivery> batch;
  while (batch.size() < max && !waiting_.empty()) {
    batch.push_back(std::move(messages_.at(*waiting_.begin()).delivery));
    waiting_.erase(waiting_.begin());
  }
  return batch;
}

void ProcessQueue::give_back(Delivery delivery) {
  const std::int64_t offset = delivery.queue_offset;
  messages_.at(offset).delivery = std::move(delivery);
  waiting_.insert(offset);
}

void ProcessQueue::done(std::int64_t offset) {
  const auto found = messages_.find(offset);
  if (found == messages_.end()) return;
  bytes_ -= found->second.bytes;
  waiting_.erase(offset);
  messages_.erase(found);
}

}  // namespace oncemq::sdk
