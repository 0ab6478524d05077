#pragma once

#include <cstdint>
#include <string>

namespace oncemq::sdk {

// Which messages of a topic a group wants. Thread rule: external.
struct Subscription {
  enum class Kind : std::uint8_t {
    kTags,   // "*", or tags: "a || b"
    kSql92,  // "price > 10 AND color = 'red'"; the broker must have it switched on
  };
  std::string topic{};
  std::string expression = "*";
  Kind kind = Kind::kTags;
};

// Where a group begins in a queue that it has no offset of.
enum class StartAt : std::uint8_t { kLast, kFirst, kTime };

}  // namespace oncemq::sdk
