#define XXH_INLINE_ALL
#include "broker/send_repeats.h"

#include <xxhash.h>

namespace oncemq::broker {

SendRepeats::SendRepeats() : buckets_(std::make_unique<Bucket[]>(kBuckets)) {}

bool SendRepeats::see(std::uint64_t topic, std::string_view unique_key) {
  std::uint64_t hash = XXH3_64bits(unique_key.data(), unique_key.size()) ^ topic;
  if (hash == 0) hash = 1;
  Bucket& bucket = buckets_[hash % kBuckets];
  for (const auto& key : bucket.keys)
    if (key.load(std::memory_order_relaxed) == hash) return true;
  const std::uint64_t next = bucket.next.load(std::memory_order_relaxed);
  bucket.keys[next].store(hash, std::memory_order_relaxed);
  bucket.next.store(next + 1 == kKeys ? 0 : next + 1, std::memory_order_relaxed);
  return false;
}

}  // namespace oncemq::broker
