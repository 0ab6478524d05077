#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/conf_file.h"
#include "model/settings.h"

namespace oncemq::model {

// The settings of a running process. Readers pay one atomic load. Every update leaves the previous
// values in place for readers that still hold them, until the end: updates are typed by people, and
// kUpdatesMax of them (about 1 KiB each) is the bound. Thread rule: monitor.
class LiveSettings {
 public:
  static constexpr std::size_t kUpdatesMax = 4096;
  // Called after an update, under no lock, with what was set.
  using Listener = std::function<void(std::span<const SettingAssignment>)>;

  explicit LiveSettings(Settings settings);

  const Settings& get() const { return *current_.load(std::memory_order_acquire); }

  // All or none. kNotFound, kInvalidArgument as apply_setting; kNoPermission for a key that is not
  // dynamic; kBusy past kUpdatesMax.
  Status update(std::span<const SettingAssignment> assignments) ONCE_EXCLUDES(mutex_);
  // Number of updates so far.
  std::int64_t version() const { return version_.load(std::memory_order_acquire); }
  // Before the first update only.
  void on_update(Listener listener) { listener_ = std::move(listener); }

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<const Settings>> generations_ ONCE_GUARDED_BY(mutex_);
  std::atomic<const Settings*> current_;
  std::atomic<std::int64_t> version_{0};
  Listener listener_;
};

}  // namespace oncemq::model
