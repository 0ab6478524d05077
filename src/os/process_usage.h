#pragma once

#include <cstdint>

#include "base/result.h"

namespace oncemq::os {

// What a process has used so far.
struct ProcessUsage {
  double cpu_seconds = 0;  // user and system, of all its threads; the kernel counts in 10 ms
  std::uint64_t rss_bytes = 0;
  std::uint64_t private_bytes = 0;  // of these, not pages of mapped files
};

// kNotFound when there is no such process.
Result<ProcessUsage> process_usage(std::int64_t pid);

}  // namespace oncemq::os
