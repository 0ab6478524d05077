#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace oncemq::sdk {

// What an application sends. Thread rule: external, like any value.
struct Message {
  std::string topic{};
  std::string body{};
  std::string tag{};
  std::vector<std::string> keys{};                  // to find it by; without blanks
  std::map<std::string, std::string> properties{};  // the application's own
  std::int32_t delay_level = 0;                     // 1...; 0: at once
  std::int64_t deliver_at_ms = 0;  // since epoch; 0: at once. Not with delay_level.
};

// A queue that a topic has somewhere.
struct Queue {
  std::string topic;
  std::string broker;
  std::int32_t id = 0;

  bool operator==(const Queue&) const = default;
};

// Stored: always. How safe: see docs/sdk.md.
enum class Stored : std::uint8_t {
  kSafe,         // as safe as the broker promises
  kFlushLate,    // not on disk within the broker's time
  kReplicaLate,  // not copied within the broker's time
  kReplicaGone,  // there is nobody to copy it to
};

// A message as a consumer got it. Thread rule: external.
struct Delivery {
  Message message{};         // topic: the one it was sent to, also of one that comes again
  std::string message_id{};  // the message's unique key
  std::string offset_id{};   // where it lies, in the broker's words
  Queue queue{};             // where it was taken from: of one that comes again a retry topic's
  std::int64_t queue_offset = 0;
  std::int32_t attempt = 1;       // of this group; 1: it comes for the first time
  std::int64_t born_at_ms = 0;    // since epoch, the producer's clock
  std::int64_t stored_at_ms = 0;  // since epoch, the broker's clock
  std::string handle{};           // of a PopConsumer: names this delivery to the broker
};

struct Receipt {
  Stored stored = Stored::kSafe;
  std::string message_id;  // the message's unique key; of a batch comma-separated
  std::string offset_id;   // where it lies, in the broker's words; of a batch comma-separated
  Queue queue;
  std::int64_t queue_offset = 0;  // of a batch: of its first message
};

}  // namespace oncemq::sdk
