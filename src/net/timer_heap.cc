#include "net/timer_heap.h"

#include <algorithm>
#include <utility>

namespace oncemq::net {

std::uint64_t TimerHeap::add(std::int64_t deadline_ms, Task task) {
  std::uint32_t node = free_;
  if (node == kNone) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    free_ = nodes_[node].position;
  }
  nodes_[node].task = std::move(task);
  heap_.push_back({});
  sift_up(heap_.size() - 1, {deadline_ms, node});
  return (std::uint64_t{nodes_[node].generation} << 32) | node;
}

bool TimerHeap::cancel(std::uint64_t id) {
  const auto node = static_cast<std::uint32_t>(id);
  const auto generation = static_cast<std::uint32_t>(id >> 32);
  if (generation == 0 || node >= nodes_.size() || nodes_[node].generation != generation)
    return false;
  remove(nodes_[node].position);
  return true;
}

Task TimerHeap::pop() {
  return remove(0);
}

Task TimerHeap::remove(std::size_t position) {
  const std::uint32_t node = heap_[position].node;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.node != node) {
    if (position > 0 && last.deadline_ms < heap_[(position - 1) / 4].deadline_ms)
      sift_up(position, last);
    else
      sift_down(position, last);
  }
  Node& freed = nodes_[node];
  if (++freed.generation == 0) freed.generation = 1;
  freed.position = std::exchange(free_, node);
  return std::move(freed.task);
}

void TimerHeap::place(std::size_t position, Entry entry) {
  heap_[position] = entry;
  nodes_[entry.node].position = static_cast<std::uint32_t>(position);
}

void TimerHeap::sift_up(std::size_t position, Entry entry) {
  while (position > 0) {
    const std::size_t parent = (position - 1) / 4;
    if (heap_[parent].deadline_ms <= entry.deadline_ms) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, entry);
}

void TimerHeap::sift_down(std::size_t position, Entry entry) {
  for (;;) {
    const std::size_t first = position * 4 + 1;
    if (first >= heap_.size()) break;
    const std::size_t end = std::min(first + 4, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child)
      if (heap_[child].deadline_ms < heap_[least].deadline_ms) least = child;
    if (entry.deadline_ms <= heap_[least].deadline_ms) break;
    place(position, heap_[least]);
    position = least;
  }
  place(position, entry);
}

}  // namespace oncemq::net
