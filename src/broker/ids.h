#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace oncemq::broker {

// A client's connection, named by the protocol edge; never reused while the process lives. The
// broker hands it back and looks into nothing. 0 = none.
enum class ChannelId : std::uint64_t {};

// A queue by name. Thread rule: external.
struct QueueName {
  std::string topic;
  std::int32_t queue_id = 0;

  auto operator<=>(const QueueName&) const = default;
};

// Lets an unordered map keyed by std::string be asked with a view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace oncemq::broker
