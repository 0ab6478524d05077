#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oncemq/message.h"
#include "oncemq/result.h"
#include "oncemq/subscription.h"

namespace oncemq::sdk {

struct PullConsumerOptions {
  std::vector<std::string> name_servers;  // "HOST:PORT"; at least one
  std::string group;                      // one of its own: it says that it subscribes to nothing
  std::string instance{};                 // tells members apart; empty: made up
  std::chrono::milliseconds timeout{3'000};  // of a broker's answer, retries included; above 0
};

struct PullOrder {
  Queue queue{};
  std::int64_t offset = 0;            // of the first message that is wanted
  std::int32_t max = 32;              // messages; 1...1024, brokers may give fewer
  std::chrono::milliseconds wait{0};  // for a message, when there is none
  // Which messages, as a Subscription says it.
  std::string expression = "*";
  Subscription::Kind kind = Subscription::Kind::kTags;
};

// What a pull brought. Thread rule: external.
struct Pulled {
  enum class Kind : std::uint8_t {
    kFound,    // `messages`, at least one
    kNone,     // nothing that is wanted from `offset` up to `next`
    kIllegal,  // the queue has no such offset; `next` is the nearest that it has
  };
  Kind kind = Kind::kNone;
  std::vector<Delivery> messages{};  // `attempt` says nothing: nobody counts
  std::int64_t next = 0;             // where the next pull goes on
  std::int64_t first = 0;            // of the queue: the oldest message that it has ...
  std::int64_t end = 0;              // ... and one behind the newest
  std::size_t unreadable = 0;        // left out: compressed in a way that is not known
};

// Pulls from queues that its user chooses, from offsets that its user keeps (docs/sdk.md). Shares
// nothing with other members of its group but the offsets that are committed. Thread rule: monitor;
// every call waits, at most `timeout`, pull() and `wait`.
class PullConsumer {
 public:
  // Talks to nobody yet. kInvalidArgument; kUnreachable: a name server's name is unknown.
  static Result<PullConsumer> open(PullConsumerOptions options);
  ~PullConsumer();  // close(); not while another thread is in a call
  PullConsumer(PullConsumer&&) noexcept;
  PullConsumer& operator=(PullConsumer&&) noexcept;

  // Queues of the topic that can be read.
  Result<std::vector<Queue>> queues(const std::string& topic);
  // As soon as a message is there, or the offset is seen to be illegal; else when the time is over.
  Result<Pulled> pull(const PullOrder& order);

  Result<std::int64_t> first_offset(const Queue& queue);  // of the oldest message
  Result<std::int64_t> end_offset(const Queue& queue);    // one behind the newest
  // Of the first message that was stored at that time (ms since epoch) or later.
  Result<std::int64_t> offset_at(const Queue& queue, std::int64_t time_ms);

  // What the group has committed; empty: nothing yet.
  Result<std::optional<std::int64_t>> committed(const Queue& queue);
  // The group's next message is the one at `offset`. 0 and above; backwards, too.
  Status commit(const Queue& queue, std::int64_t offset);

  // Ends what is under way with kClosed. Any thread, any number of times.
  void close();

 private:
  class Core;
  explicit PullConsumer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace oncemq::sdk
