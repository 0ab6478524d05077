#include "broker/config_saver.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace oncemq::broker {

ConfigSaver::ConfigSaver(os::Disk& disk, std::string folder)
    : disk_(disk), folder_(std::move(folder)) {}

std::size_t ConfigSaver::add(const std::string& name, std::function<std::string()> dump) {
  files_.push_back(
      std::make_unique<File>(store::StateFile(disk_, folder_ + "/" + name), std::move(dump)));
  return files_.size() - 1;
}

Result<std::string> ConfigSaver::load(std::size_t file) {
  ONCE_CHECK(file < files_.size());
  return files_[file]->state.load();
}

void ConfigSaver::mark(std::size_t file) {
  ONCE_CHECK(file < files_.size());
  files_[file]->dirty.store(true, std::memory_order_release);
  pending_.store(true, std::memory_order_release);
}

void ConfigSaver::when_saved(std::function<void(const Status&)> done) {
  {
    MutexLock lock(mutex_);
    waiting_.push_back(std::move(done));
  }
  pending_.store(true, std::memory_order_release);
}

Status ConfigSaver::run() {
  pending_.store(false, std::memory_order_release);
  // Who waits is taken first: what they changed was marked before they began to wait.
  std::vector<std::function<void(const Status&)>> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(waiting_);
  }
  Status verdict = disk_.make_dirs(folder_);
  for (auto& file : files_) {
    if (!file->dirty.exchange(false, std::memory_order_acq_rel)) continue;
    Status written = file->state.save(file->dump());
    if (written.has_value()) continue;
    file->dirty.store(true, std::memory_order_release);
    pending_.store(true, std::memory_order_release);
    if (verdict.has_value()) verdict = std::move(written);
  }
  if (!verdict.has_value())
    log::warn("broker", "cannot save the configuration, trying again: {}", verdict.error().message);
  for (auto& done : waiting) done(verdict);
  return verdict;
}

}  // namespace oncemq::broker
