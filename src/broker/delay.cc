#include "broker/delay.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "broker/send_properties.h"
#include "model/properties.h"

namespace oncemq::broker {

std::int32_t clip_level(const Options& options, std::int32_t level) {
  return std::min(level, static_cast<std::int32_t>(options.delay_levels_ms.size()));
}

void divert(const Options& options, const TopicEntry& schedule, std::int32_t level,
            store::AppendItem& item, Arena& arena) {
  namespace property = model::property;
  model::Message& message = item.message;
  std::array<char, 16> number{};
  const auto end = std::to_chars(number.data(), number.data() + number.size(), message.queue_id);
  const std::string_view queue_id(number.data(), static_cast<std::size_t>(end.ptr - number.data()));
  const std::size_t size = message.extra_properties.size() +
                           pair_size(property::kRealTopic, message.topic) +
                           pair_size(property::kRealQueueId, queue_id);
  char* const extra = arena.allocate(size);
  std::copy(message.extra_properties.begin(), message.extra_properties.end(), extra);
  char* to = extra + message.extra_properties.size();
  to = put_pair(to, property::kRealTopic, message.topic);
  put_pair(to, property::kRealQueueId, queue_id);
  message.extra_properties = {extra, size};
  message.topic = schedule.name();
  message.queue_id = level - 1;
  message.delay_ms = options.delay_levels_ms[static_cast<std::size_t>(level - 1)];
  item.queue = schedule.queue(message.queue_id);
}

}  // namespace oncemq::broker
