#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "os/clock.h"
#include "os/random.h"

namespace oncemq::broker {

// Makes the message ids of clients that send none: upper-case hex of ip, process mark, random
// mark, milliseconds since the first of the month, counter (remoting.md §6). Thread rule: monitor.
class UniqueKeys {
 public:
  static constexpr std::size_t kMaxSize = 56;

  UniqueKeys(const Address& address, os::Random& random, const os::Clock& clock);

  // Characters of every key: 32, or 56 with an IPv6 address.
  std::size_t size() const { return prefix_size_ + 12; }
  // Writes size() characters.
  void write(char* into);

 private:
  const os::Clock& clock_;
  std::array<char, kMaxSize> prefix_{};
  std::size_t prefix_size_ = 0;
  std::atomic<std::uint32_t> counter_{0};
  // End and start of the month that month_start_ms_ belongs to.
  std::atomic<std::int64_t> day_end_ms_{0};
  std::atomic<std::int64_t> month_start_ms_{0};
};

}  // namespace oncemq::broker
