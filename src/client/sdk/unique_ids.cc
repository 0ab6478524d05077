#include "client/sdk/unique_ids.h"

#include <cstring>

#include "base/bytes.h"
#include "base/hex.h"

namespace oncemq::sdk {

UniqueIds::UniqueIds(const os::Clock& clock, os::Random& random) : clock_(clock) {
  const std::array<std::uint64_t, 2> chance{random.next(), random.next()};
  std::memcpy(name_.data(), chance.data(), name_.size());
}

std::string UniqueIds::next() {
  const os::Clock::Local now = clock_.local(clock_.wall_ms());
  const std::uint32_t ms =
      static_cast<std::uint32_t>(((now.day - 1) * 24 + now.hour) * 60 + now.minute) * 60'000U +
      static_cast<std::uint32_t>(now.second * 1000 + now.millisecond);
  std::array<std::byte, kName + 6> id{};
  std::memcpy(id.data(), name_.data(), name_.size());
  store_be(id.data() + kName, ms);
  store_be(id.data() + kName + 4, counter_.fetch_add(1, std::memory_order_relaxed));
  return to_hex(id);
}

}  // namespace oncemq::sdk
