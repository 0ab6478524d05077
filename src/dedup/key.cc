#include "dedup/key.h"

#include <cstring>

#ifdef __x86_64__
#include <xxh_x86dispatch.h>  // the same functions, with the widest vectors that the machine has
#else
#include <xxhash.h>
#endif

namespace oncemq::dedup {

// The secret is made once: XXH3 with a seed would make one for each body above 240 bytes.
KeyHasher::KeyHasher(std::uint64_t seed) : seed_(seed) {
  static_assert(kSecretSize >= XXH3_SECRET_SIZE_MIN);
  for (std::size_t at = 0; at < kSecretSize; at += sizeof(XXH128_hash_t)) {
    const XXH128_hash_t part = XXH3_128bits_withSeed(&at, sizeof at, seed);
    std::memcpy(secret_.data() + at, &part, sizeof part);
  }
}

MessageKey KeyHasher::operator()(std::string_view topic, std::string_view key, Bytes body) const {
  // The topic's hash is the seed of the key's: no byte of one can pass for a byte of the other.
  const std::uint64_t place = XXH3_64bits_withSeed(topic.data(), topic.size(), seed_);
  const XXH128_hash_t name = XXH3_128bits_withSeed(key.data(), key.size(), place);
  const XXH128_hash_t content =
      XXH3_128bits_withSecret(body.data(), body.size(), secret_.data(), secret_.size());
  const std::array<std::uint64_t, 4> all{name.low64, name.high64, content.low64, content.high64};
  const XXH128_hash_t digest =
      XXH3_128bits_withSeed(all.data(), sizeof all, static_cast<std::uint64_t>(body.size()));
  return {.key = name.low64, .high = digest.high64, .low = digest.low64};
}

}  // namespace oncemq::dedup
