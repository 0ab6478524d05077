#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "os/disk.h"
#include "store/state_file.h"

namespace oncemq::broker {

// Writes the files of config/ when they have changed. All changes since the last run go to disk in
// one write per file, so a burst of changes costs one sync. A file that cannot be written stays
// changed and is tried again. Thread rule: monitor; run() is for the service thread.
class ConfigSaver {
 public:
  explicit ConfigSaver(os::Disk& disk, std::string folder);

  // Registers a file before anything runs; `dump` makes its whole text. Returns its number.
  std::size_t add(const std::string& name, std::function<std::string()> dump);
  // Newest valid text of the file, empty when there is none yet. kCorrupt, kIo.
  Result<std::string> load(std::size_t file);

  // Something in the file's table changed. Cheap; any thread.
  void mark(std::size_t file);
  // `done` is called by the run() that has written everything marked before.
  void when_saved(std::function<void(const Status&)> done);
  // True when run() has something to do now.
  bool pending() const { return pending_.load(std::memory_order_acquire); }
  // Writes what is marked. The first failure, after all files were tried.
  Status run();

 private:
  struct File {
    File(store::StateFile file, std::function<std::string()> file_dump)
        : state(std::move(file)), dump(std::move(file_dump)) {}
    store::StateFile state;
    const std::function<std::string()> dump;
    std::atomic<bool> dirty{false};
  };

  os::Disk& disk_;
  const std::string folder_;
  std::vector<std::unique_ptr<File>> files_;
  std::atomic<bool> pending_{false};
  Mutex mutex_;
  std::vector<std::function<void(const Status&)>> waiting_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
