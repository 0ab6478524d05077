#include "broker/unique_key.h"

#include <cstring>

namespace oncemq::broker {

namespace {

constexpr char kHex[] = "0123456789ABCDEF";
constexpr std::int64_t kDayMs = 86'400'000;

char* put_hex(char* into, std::uint64_t value, int bytes) {
  for (int shift = bytes * 8 - 4; shift >= 0; shift -= 4) *into++ = kHex[(value >> shift) & 0xFU];
  return into;
}

}  // namespace

UniqueKeys::UniqueKeys(const Address& address, os::Random& random, const os::Clock& clock)
    : clock_(clock) {
  char* end = prefix_.data();
  for (std::byte part : address.ip_bytes())
    end = put_hex(end, std::to_integer<std::uint64_t>(part), 1);
  // Upstream has the process number and the hash of its class loader here. Chance serves the same
  // end, two processes at one address, and also tells two lives of one process apart.
  end = put_hex(end, random.next(), 6);
  prefix_size_ = static_cast<std::size_t>(end - prefix_.data());
  counter_.store(static_cast<std::uint32_t>(random.next()), std::memory_order_relaxed);
}

void UniqueKeys::write(char* into) {
  const std::int64_t now = clock_.wall_ms();
  std::int64_t start = month_start_ms_.load(std::memory_order_acquire);
  // Tools read the time out of the key as milliseconds since the first of the month, local time.
  // The broken-down time is asked for once a day only; two threads that do so get the same answer.
  if (now >= day_end_ms_.load(std::memory_order_acquire) || now < start) {
    const os::Clock::Local local = clock_.local(now);
    const std::int64_t into_day =
        ((local.hour * 60LL + local.minute) * 60 + local.second) * 1000 + local.millisecond;
    start = now - into_day - (local.day - 1) * kDayMs;
    month_start_ms_.store(start, std::memory_order_release);
    day_end_ms_.store(now - into_day + kDayMs, std::memory_order_release);
  }
  std::memcpy(into, prefix_.data(), prefix_size_);
  char* end = put_hex(into + prefix_size_, static_cast<std::uint64_t>(now - start), 4);
  put_hex(end, counter_.fetch_add(1, std::memory_order_relaxed), 2);
}

}  // namespace oncemq::broker
