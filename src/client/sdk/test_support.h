#pragma once

// Helpers of this folder's tests: what a broker is asked, and messages that it answers with.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "model/message.h"
#include "model/record_codec.h"
#include "wire/remoting/body/route.h"

namespace oncemq::sdk {

// Lines in the order in which they were told. Thread rule: monitor.
class Told {
 public:
  void add(std::string line) {
    const MutexLock lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  std::vector<std::string> lines(std::size_t count) {
    const MutexLock lock(mutex_);
    while (lines_.size() < count) changed_.wait(mutex_);
    return lines_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> lines_ ONCE_GUARDED_BY(mutex_);
};

// As it lies in the log of topic T.
inline std::string record(std::int64_t offset, std::string_view body,
                          std::string_view properties = {}, std::int32_t sys_flag = 0,
                          std::int32_t queue_id = 0) {
  const model::Message message{.topic = "T",
                               .queue_id = queue_id,
                               .sys_flag = sys_flag,
                               .body = as_bytes(body),
                               .properties = properties};
  std::string bytes(model::encoded_size(message, {}), '\0');
  model::encode_record(
      message,
      {.queue_offset = model::QueueOffset{offset}, .log_offset = model::LogOffset{offset * 1'000}},
      {}, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

// Body of a route: brokers with one queue each that may be read.
inline std::string route_to(const std::vector<std::pair<std::string, std::string>>& brokers) {
  wire::TopicRoute route;
  for (const auto& [name, address] : brokers) {
    route.brokers.push_back({.addresses = {{0, address}}, .name = name, .cluster = "c"});
    // Writing is not asked for here.
    route.queues.push_back({.broker_name = name, .perm = 4, .read_queues = 1, .write_queues = 9});
  }
  return wire::encode_body(route);
}

}  // namespace oncemq::sdk
