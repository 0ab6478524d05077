#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/task.h"

namespace oncemq::net {

// Tasks by deadline. A four-way heap of (deadline, node) with the position kept in the node, so
// that a timer can be cancelled: a parked pull is nearly always answered before its deadline. Equal
// deadlines come in any order. Thread rule: confined.
class TimerHeap {
 public:
  // A number that is not given again while 2^32 timers pass through the same node; never 0.
  std::uint64_t add(std::int64_t deadline_ms, Task task);
  // The task goes without having run; false when there is no such timer any more.
  bool cancel(std::uint64_t id);

  std::size_t size() const { return heap_.size(); }
  bool empty() const { return heap_.empty(); }
  std::int64_t next_deadline_ms() const { return heap_.front().deadline_ms; }  // not empty
  // Removes the next timer and gives its task; not empty.
  Task pop();

 private:
  struct Entry {
    std::int64_t deadline_ms;
    std::uint32_t node;
  };
  struct Node {
    Task task;
    std::uint32_t position = 0;  // in heap_, when in use; else next free node
    std::uint32_t generation = 1;
  };
  static constexpr std::uint32_t kNone = 0xffffffff;

  void place(std::size_t position, Entry entry);
  void sift_up(std::size_t position, Entry entry);
  void sift_down(std::size_t position, Entry entry);
  Task remove(std::size_t position);

  std::vector<Entry> heap_;
  std::vector<Node> nodes_;
  std::uint32_t free_ = kNone;
};

}  // namespace oncemq::net
