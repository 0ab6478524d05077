#include "client/sdk/allocation.h"

#include <algorithm>
#include <tuple>

namespace oncemq::sdk {

bool comes_before(const Queue& left, const Queue& right) {
  return std::tie(left.topic, left.broker, left.id) < std::tie(right.topic, right.broker, right.id);
}

std::vector<Queue> allocate(std::vector<Queue> queues, std::vector<std::string> members,
                            const std::string& id) {
  std::sort(queues.begin(), queues.end(), comes_before);
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  const auto self = std::lower_bound(members.begin(), members.end(), id);
  if (self == members.end() || *self != id) return {};
  const auto place = static_cast<std::size_t>(self - members.begin());
  const std::size_t each = queues.size() / members.size();
  const std::size_t more = queues.size() % members.size();
  const std::size_t first = place * each + std::min(place, more);
  const std::size_t count = each + (place < more ? 1 : 0);
  const auto begin = queues.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace oncemq::sdk
