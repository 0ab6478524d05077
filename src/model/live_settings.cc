#include "model/live_settings.h"

#include <utility>

namespace oncemq::model {

LiveSettings::LiveSettings(Settings settings) {
  generations_.push_back(std::make_unique<const Settings>(std::move(settings)));
  current_.store(generations_.back().get(), std::memory_order_release);
}

Status LiveSettings::update(std::span<const SettingAssignment> assignments) {
  {
    MutexLock lock(mutex_);
    if (generations_.size() > kUpdatesMax)
      return fail(Errc::kBusy, "too many updates since the start; restart to change settings");
    Settings next = *generations_.back();
    for (const SettingAssignment& assignment : assignments) {
      const SettingRow* row = find_setting(assignment.name);
      ONCE_TRY(apply_setting(next, assignment.name, assignment.value));
      if (row->change != Change::kDynamic) {
        return fail(Errc::kNoPermission,
                    "'" + assignment.name + "' cannot be changed while the broker runs" +
                        (row->has_meaning() ? "" : ": " + std::string(row->help)));
      }
    }
    ONCE_TRY(check_settings(next));
    generations_.push_back(std::make_unique<const Settings>(std::move(next)));
    current_.store(generations_.back().get(), std::memory_order_release);
    version_.fetch_add(1, std::memory_order_acq_rel);
  }
  if (listener_) listener_(assignments);
  return {};
}

}  // namespace oncemq::model
