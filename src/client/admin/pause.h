#pragma once

#include <chrono>
#include <cstdint>

#include "base/mutex.h"

namespace oncemq::client {

// Waits without holding anything up: between tries, and for a rate.
inline void pause_ms(std::int64_t ms) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  if (ms > 0) never.wait_for(mutex, std::chrono::milliseconds(ms));
}

}  // namespace oncemq::client
