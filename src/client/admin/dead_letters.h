#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/admin/message_finder.h"
#include "client/remoting/remoting_client.h"
#include "model/letter_filter.h"
#include "wire/remoting/body/dead_letters.h"

// The dead letters of a cluster's groups: docs/dead-letters.md.
namespace oncemq::client {

struct Letter {
  std::string address;  // of the broker that has it
  StoredMessage message;
  std::int64_t log_offset = 0;
  std::optional<wire::DeadLetterMark> mark;

  std::string origin_topic() const { return message.property("RETRY_TOPIC"); }
  std::string cause() const;  // DEAD_CAUSE, "unknown" when the broker did not write it
};

// Which letters of a group.
struct LetterSelection : model::LetterFilter {
  std::string group;
  bool with_marked = false;  // also those that were replayed or purged
  std::int64_t limit = INT64_MAX;
};

enum class LetterOutcome : std::uint8_t { kDone, kAlready };

// Thread rule: monitor (as the RemotingClient below it).
class DeadLetters {
 public:
  // The client outlives it.
  DeadLetters(RemotingClient& client, std::string name_server)
      : client_(client), finder_(client, name_server), name_server_(std::move(name_server)) {}

  // Groups that have a DLQ topic, by name.
  Result<std::vector<std::string>> groups();
  // The letters selected, oldest first on each broker; `visit` may end the walk with an error.
  // kTopicNotFound: the group has no dead letters.
  Status visit(const LetterSelection& selection, const std::function<Status(const Letter&)>& visit);

  struct Order {
    std::string group;
    std::string order;  // "group", "topic", "purge"
    std::string by;
  };
  struct Done {
    LetterOutcome outcome = LetterOutcome::kDone;
    wire::DeadLetterMark mark;  // that holds now
  };
  // Tried again for some seconds while the broker is busy, starts or cannot be reached: the order
  // is idempotent.
  Result<Done> order(const Letter& letter, const Order& order);

  // A letter that came from elsewhere: goes into the group's DLQ unless the same one (UNIQ_KEY and
  // ORIGIN_MESSAGE_ID) is there. False: it was there.
  Result<bool> import(const std::string& group, const StoredMessage& message);

 private:
  Status add_marks(std::vector<Letter>& letters);
  Status deliver(std::vector<Letter>& page, const LetterSelection& selection, std::int64_t& left,
                 const std::function<Status(const Letter&)>& visit);

  RemotingClient& client_;
  MessageFinder finder_;
  const std::string name_server_;
};

}  // namespace oncemq::client
