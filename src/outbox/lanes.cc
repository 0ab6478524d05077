#include "outbox/lanes.h"

#include <map>
#include <string_view>
#include <utility>

namespace oncemq::outbox {

Lanes::Lanes(std::span<const Row> rows, std::size_t parallel_max)
    : parallel_max_(parallel_max), lane_of_(rows.size()) {
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> lanes;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    std::size_t lane = waiting_.size();
    if (!rows[at].aggregate.empty())
      lane = lanes.try_emplace({rows[at].topic, rows[at].aggregate}, lane).first->second;
    if (lane == waiting_.size()) {
      waiting_.emplace_back();
      ready_.push_back(lane);
    }
    waiting_[lane].push_back(at);
    lane_of_[at] = lane;
  }
}

std::optional<std::size_t> Lanes::next() {
  if (ready_.empty() || out_ == parallel_max_) return std::nullopt;
  std::deque<std::size_t>& lane = waiting_[ready_.front()];
  ready_.pop_front();
  const std::size_t row = lane.front();
  lane.pop_front();
  ++out_;
  return row;
}

void Lanes::go_on(std::size_t row) {
  --out_;
  if (!waiting_[lane_of_[row]].empty()) ready_.push_back(lane_of_[row]);
}

void Lanes::end(std::size_t row) {
  --out_;
  waiting_[lane_of_[row]].clear();
}

}  // namespace oncemq::outbox
