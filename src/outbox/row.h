#pragma once

#include <cstdint>
#include <string>

#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::outbox {

// What makes two publications of a row the same (docs/outbox.md): a property of its message.
inline constexpr const char* kRowProperty = "OUTBOX_ID";

// A row that waits. Texts are empty where the database has NULL. Thread rule: external.
struct Row {
  std::string id{};  // as text
  std::string topic{};
  std::string aggregate{};
  std::string tag{};
  std::string keys{};        // separated by blanks
  std::string properties{};  // a JSON object
  std::string body{};
  std::int64_t body_bytes = 0;
  std::int64_t rest_bytes = 0;  // of tag, keys and properties
  std::int32_t attempts = 0;    // that were refused
};

// False: it is too large; tag, keys, properties and body are not read.
bool is_readable(const Row& row, std::int64_t body_max);

// As it is sent; `outbox`: the name of the outbox. kMessageIllegal: it can never be sent, with the
// reason.
sdk::Result<sdk::Message> to_message(const Row& row, const std::string& outbox,
                                     std::int64_t body_max);

}  // namespace oncemq::outbox
