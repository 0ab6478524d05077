#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "once/database.h"

namespace oncemq::once {

// Connections of one `Sql`, opened when they are needed. Thread rule: monitor.
class Pool {
 public:
  // `connections_max` at least 1.
  Pool(Target target, DatabaseOptions options, std::size_t connections_max)
      : target_(std::move(target)), options_(std::move(options)), free_(connections_max) {}

  // Waits at most `wait` for a free one. kTimeout, and what Database::open() and check_schema()
  // say.
  sdk::Result<std::unique_ptr<Database>> take();
  // What take() gave; null when it is of no use any more.
  void give(std::unique_ptr<Database> database);

 private:
  sdk::Result<std::unique_ptr<Database>> connect() const;

  const Target target_;
  const DatabaseOptions options_;
  Mutex mutex_;
  CondVar changed_;
  std::size_t free_ ONCE_GUARDED_BY(mutex_);  // connections that may be taken, open or not
  std::vector<std::unique_ptr<Database>> idle_ ONCE_GUARDED_BY(mutex_);  // at most `free_`
};

}  // namespace oncemq::once
