#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "os/clock.h"
#include "os/random.h"

namespace oncemq::sdk {

// Makes the unique key of each message in the form of the official clients: 32 hexadecimal digits
// of ten bytes that name this object, four of milliseconds since the month began, two of a counter.
// mqadmin reads the time out of it. Thread rule: monitor.
class UniqueIds {
 public:
  // The clock outlives it.
  UniqueIds(const os::Clock& clock, os::Random& random);
  std::string next();

 private:
  static constexpr std::size_t kName = 10;

  const os::Clock& clock_;
  std::array<std::byte, kName> name_{};
  std::atomic<std::uint16_t> counter_{0};
};

}  // namespace oncemq::sdk
