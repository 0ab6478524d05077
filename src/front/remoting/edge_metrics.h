#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/metrics.h"
#include "wire/remoting/codes.h"

namespace oncemq::front {

// What the remoting edge counts: requests by name, answers that are not "success" by name and code,
// and how long sends take. Names come from the request table and from wire::kResponseCodeNames.
// About 110 KB altogether. Thread rule: monitor.
class EdgeMetrics {
 public:
  // Requests beyond those served: known but not served, and codes that nobody knows.
  static constexpr std::size_t kNotServed = 255;

  // `request` is RequestEntry::index of a served request, or kNotServed.
  void called(std::size_t request) { calls_[slot(request)].add(); }
  void answered(std::size_t request, std::int32_t code) {
    if (code != 0) count_answer(request, code);
  }
  // Frames that are no request at all.
  void bad_frame() { bad_frames_.add(); }

  // From the moment that the bytes of a send were read until ...
  DurationHistogram send_appended;   // its record has an offset in the log buffer
  DurationHistogram send_committed;  // what its answer promises is true
  DurationHistogram send_answered;   // the answer was handed to the connection

  std::uint64_t bad_frames() const { return bad_frames_.value(); }
  // visit(name of the request, name of its lane, calls), in the order of codes; "(not served)"
  // last.
  void for_each_request(
      const std::function<void(std::string_view, std::string_view, std::uint64_t)>& visit) const;
  // visit(name of the request, name of the answer, count), counts above 0 only.
  void for_each_answer(
      const std::function<void(std::string_view, std::string_view, std::uint64_t)>& visit) const;

 private:
  static constexpr std::size_t kRequests = 128;
  static constexpr std::size_t kAnswers = wire::kResponseCodeNames.size() + 1;  // last: others
  static constexpr std::size_t slot(std::size_t request) {
    return request < kRequests - 1 ? request : kRequests - 1;
  }
  void count_answer(std::size_t request, std::int32_t code);

  std::array<ShardedCounter, kRequests> calls_;
  // Refusals are rare enough to share a cell.
  std::array<std::array<std::atomic<std::uint64_t>, kAnswers>, kRequests> answers_{};
  ShardedCounter bad_frames_;
};

}  // namespace oncemq::front
