#include "once/pool.h"

#include "client/sdk/failure.h"

namespace oncemq::once {

using sdk::Errc;
using sdk::failure;

sdk::Result<std::unique_ptr<Database>> Pool::connect() const {
  auto database = Database::open(target_, options_);
  if (!database) return database;
  if (auto known = (*database)->check_schema(); !known) return tl::unexpected(known.error());
  return database;
}

sdk::Result<std::unique_ptr<Database>> Pool::take() {
  {
    MutexLock lock(mutex_);
    while (free_ == 0)
      if (!changed_.wait_for(mutex_, options_.wait) && free_ == 0)
        return failure(Errc::kTimeout, "all connections are in use");
    --free_;
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  auto database = connect();
  if (!database) give(nullptr);
  return database;
}

void Pool::give(std::unique_ptr<Database> database) {
  {
    MutexLock lock(mutex_);
    ++free_;
    if (database != nullptr) idle_.push_back(std::move(database));
  }
  changed_.notify_one();
}

}  // namespace oncemq::once
