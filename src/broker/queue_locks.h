#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "os/clock.h"

namespace oncemq::broker {

// Which client of an ordered group may consume a queue. A lock lives Options::queue_lock_ms after
// it was last asked for. Thread rule: monitor.
class QueueLocks {
 public:
  QueueLocks(const Options& options, os::Clock& clock);

  // Takes or renews; returns those that the client holds now, in the order asked.
  std::vector<QueueName> lock(std::string_view group, std::string_view client_id,
                              std::span<const QueueName> queues);
  // Only the owner's locks go.
  void unlock(std::string_view group, std::string_view client_id,
              std::span<const QueueName> queues);
  // True while any lock of the group lives: its consumers are ordered.
  bool any_held(std::string_view group) const;
  void remove_group(std::string_view group);
  // Forgets what has expired; service thread.
  void expire();

 private:
  struct Held {
    std::string client_id;
    std::int64_t until_ms = 0;  // monotonic
  };
  using Group = std::map<QueueName, Held>;

  const Options& options_;
  os::Clock& clock_;
  mutable Mutex mutex_;
  std::unordered_map<std::string, Group, TextHash, std::equal_to<>> groups_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
