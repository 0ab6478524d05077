#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "oncemq/outcome.h"
#include "oncemq/result.h"
#include "oncemq/subscription.h"

namespace oncemq::sdk {

struct PushConsumerOptions {
  std::vector<std::string> name_servers;  // "HOST:PORT"; at least one
  std::string group;
  std::vector<Subscription> subscriptions;  // at least one; the same in all members of the group
  std::string instance{};                   // tells members apart; empty: made up
  // Every member gets every message, and begins at `start_at` each time that it is opened. Nothing
  // is committed and nothing comes again: a refused message is logged and passed. Not with
  // `ordered` or `retries_max`.
  bool broadcast = false;
  // One message of a queue after the other, in their order; a refused one holds up its queue.
  bool ordered = false;
  std::chrono::milliseconds suspend{1'000};  // ordered: until a refused message is handled again
  std::size_t threads = 8;                   // handlers that run at once; 1...1024
  std::size_t batch_max = 1;                 // messages handed to one call of the handler
  std::int32_t pull_batch = 32;              // messages asked for at once; 1...1024
  std::size_t queue_messages_max = 1'000;    // held in memory of each queue ...
  std::size_t queue_bytes_max = 64U << 20;   // ... and one pull answer more
  // Redeliveries before a message becomes a dead letter; empty: as the group is set up at the
  // broker, or, ordered, no end.
  std::optional<std::int32_t> retries_max{};
  StartAt start_at = StartAt::kLast;
  std::int64_t start_time_ms = 0;  // since epoch, with kTime
  // That close() waits for handlers that run.
  std::chrono::milliseconds close_timeout{30'000};
};

// Hands messages to a handler, as a member of a group that shares them, or of which each has all
// (docs/sdk.md). Thread rule: monitor.
class PushConsumer {
 public:
  // Consumes from now on; `handler` runs on `threads` threads at once. Waits for nobody: brokers
  // that are away are tried again. kInvalidArgument; kUnreachable: a name server's name is unknown.
  static Result<PushConsumer> open(PushConsumerOptions options, Handler handler);
  ~PushConsumer();  // close(), and waits for all handlers; not in a handler
  PushConsumer(PushConsumer&&) noexcept;
  PushConsumer& operator=(PushConsumer&&) noexcept;

  // No handler begins any more; those that run are waited for, offsets are committed, the group is
  // told. Bounded, see docs/sdk.md. Any thread, any number of times; in a handler it does not wait.
  void close();

 private:
  class Core;
  explicit PushConsumer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace oncemq::sdk
