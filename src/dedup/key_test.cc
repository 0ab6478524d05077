#include "dedup/key.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace oncemq::dedup {
namespace {

TEST(KeyHasher, TellsTopicKeyAndBodyApart) {
  const KeyHasher hash(7);
  const MessageKey one = hash("topic", "key", as_bytes("body"));
  EXPECT_EQ(one, hash("topic", "key", as_bytes("body")));
  const MessageKey body = hash("topic", "key", as_bytes("bodY"));
  EXPECT_EQ(body.key, one.key);
  EXPECT_NE(body, one);
  EXPECT_NE(hash("topic", "kez", as_bytes("body")).key, one.key);
  EXPECT_NE(hash("topi", "ckey", as_bytes("body")).key, one.key);
  EXPECT_NE(KeyHasher(8)("topic", "key", as_bytes("body")).key, one.key);
}

// Lengths around XXH3's own limits, each byte of the body counts.
TEST(KeyHasher, EveryByteOfABodyCounts) {
  const KeyHasher hash(7);
  std::set<MessageKey> seen;
  std::size_t made = 0;
  for (std::size_t size : {0u, 1u, 16u, 17u, 128u, 129u, 240u, 241u, 1024u, 5000u}) {
    std::string body(size, 'x');
    seen.insert(hash("t", "k", as_bytes(body)));
    ++made;
    for (std::size_t at = 0; at < size; at += 1 + size / 7, ++made) {
      body[at] = 'y';
      seen.insert(hash("t", "k", as_bytes(body)));
      body[at] = 'x';
    }
  }
  EXPECT_EQ(seen.size(), made);
}

}  // namespace
}  // namespace oncemq::dedup
