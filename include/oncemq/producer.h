#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::sdk {

struct ProducerOptions {
  std::vector<std::string> name_servers;  // "HOST:PORT"; at least one
  std::string group = "DEFAULT_PRODUCER";
  std::chrono::milliseconds timeout{3'000};  // of a whole send; above 0
  std::int32_t attempts = 3;                 // of a send; at least 1
  std::size_t message_max = 4U << 20;        // bytes of a body, or of all bodies of a batch
  std::size_t pending_max = 65'536;          // sends under way at once
};

// Sends messages (docs/sdk.md). Thread rule: monitor; calls that wait are refused in callbacks.
class Producer {
 public:
  // Runs exactly once, on the producer's thread; may call everything that does not wait.
  using Callback = std::function<void(Result<Receipt>)>;
  // The place in `queues` (not empty) where the message shall go. Runs on the producer's thread.
  using Selector = std::function<std::size_t(std::span<const Queue> queues)>;

  // Talks to nobody yet. kInvalidArgument; kUnreachable: a name server's name is unknown.
  static Result<Producer> open(ProducerOptions options);
  ~Producer();  // close(); not in a callback
  Producer(Producer&&) noexcept;
  Producer& operator=(Producer&&) noexcept;

  // Waits for the answer, at most `timeout`.
  Result<Receipt> send(const Message& message);
  // To one queue, in one attempt: messages of equal choice keep their order.
  Result<Receipt> send(const Message& message, Selector selector);
  // All of one topic, without delays; stored together or not at all. At least one.
  Result<Receipt> send(std::span<const Message> batch);

  // An error here is of the message or a bound, and `callback` will not run.
  Status send_async(const Message& message, Callback callback);
  Status send_async(const Message& message, Selector selector, Callback callback);
  Status send_async(std::span<const Message> batch, Callback callback);

  // Nobody learns whether it arrived.
  Status send_oneway(const Message& message);

  // Queues that the topic can be sent to. Waits.
  Result<std::vector<Queue>> queues(const std::string& topic);

  // Ends what is under way with kClosed. Any thread, any number of times.
  void close();

 private:
  class Core;
  explicit Producer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace oncemq::sdk
