#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace oncemq::broker {

// Notices that a producer's message is stored twice: its client sent it again because the answer
// was lost or late. It remembers the latest keys (UNIQ_KEY, by topic) as hashes of 64 bits.
//
// Bounds: kBuckets places of 64 bytes, 4 MiB, with kKeys keys each; together about the last 459,000
// keys, which is 4 s of 100,000 messages per second and an hour of 100. A key that was pushed out
// is not noticed: what is counted is a lower bound. A key is taken for another one when their
// hashes agree: the bucket is chosen by 16 bits of the hash, so a send meets 7 keys that have 48
// more bits to differ in, which is one mistake in 4e13 sends.
//
// Nothing is forgotten with a topic: one that was deleted and made anew is the same.
// Thread rule: monitor, without a lock. Two threads that remember different keys in one bucket at
// one moment may lose one of them, and the same key may then be not noticed.
class SendRepeats {
 public:
  static constexpr std::size_t kBuckets = std::size_t{1} << 16;
  static constexpr std::size_t kKeys = 7;

  SendRepeats();

  // Remembers the key of the topic whose name has that hash; true: it was known.
  bool see(std::uint64_t topic, std::string_view unique_key);

 private:
  // A cache line: the oldest key goes first.
  struct alignas(64) Bucket {
    std::array<std::atomic<std::uint64_t>, kKeys> keys{};  // 0: empty
    std::atomic<std::uint64_t> next{0};                    // modulo kKeys: where the next one goes
  };
  static_assert(sizeof(Bucket) == 64);

  const std::unique_ptr<Bucket[]> buckets_;
};

}  // namespace oncemq::broker
