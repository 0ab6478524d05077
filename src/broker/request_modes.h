#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/options.h"

namespace oncemq::broker {

// How a group's clients consume a topic, as an operator wants it (requests 400 to 402). Thread
// rule: monitor.
class RequestModes {
 public:
  struct Mode {
    bool pop = false;
    std::int32_t share_queues = 0;  // POP: with how many further clients each shares its queues

    bool operator==(const Mode&) const = default;
  };
  // topic -> group -> mode
  using Table = std::map<std::string, std::map<std::string, Mode, std::less<>>, std::less<>>;

  explicit RequestModes(const Options& options) : options_(options) {}

  // messageRequestMode.json. kCorrupt.
  Status load(std::string_view json);
  std::string dump() const;
  void set_dirty_hook(std::function<void()> hook) { dirty_hook_ = std::move(hook); }

  // What was set, or the broker's default. A retry topic is always pulled.
  Mode find(std::string_view topic, std::string_view group) const;
  void set(std::string_view topic, std::string_view group, Mode mode);
  Table all() const;

 private:
  const Options& options_;
  std::function<void()> dirty_hook_;
  mutable Mutex mutex_;
  Table table_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
