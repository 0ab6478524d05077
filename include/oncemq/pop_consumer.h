#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "oncemq/message.h"
#include "oncemq/result.h"
#include "oncemq/subscription.h"
#include "oncemq/transaction.h"

namespace oncemq::sdk {

struct PopConsumerOptions {
  std::vector<std::string> name_servers;  // "HOST:PORT"; at least one
  std::string group;
  std::vector<Subscription> subscriptions;  // at least one; the same in all members of the group
  std::string instance{};                   // tells members apart; empty: made up
  // For how long nobody else of the group gets a message that was received; 1 ms to 3 days.
  std::chrono::milliseconds invisible{60'000};
  StartAt start_at = StartAt::kLast;         // not kTime
  std::chrono::milliseconds timeout{3'000};  // of a broker's answer, retries included; above 0
  std::size_t pending_max = 65'536;          // calls of ack_async() under way at once
};

// Takes messages for a time when it is asked to (docs/sdk.md). Each comes to one member of the
// group and, until it is acked, again when its time is over. Thread rule: monitor; calls that wait
// are refused in callbacks.
class PopConsumer {
 public:
  // Runs exactly once, on the consumer's thread; may call everything that does not wait.
  using Callback = std::function<void(Status)>;

  // Talks to nobody yet. kInvalidArgument; kUnreachable: a name server's name is unknown.
  static Result<PopConsumer> open(PopConsumerOptions options);
  // close(); not in a callback, and not while another thread is in a call.
  ~PopConsumer();
  PopConsumer(PopConsumer&&) noexcept;
  PopConsumer& operator=(PopConsumer&&) noexcept;

  // 1 to `max` (1...32) messages, of one broker, as soon as there are any; none when none came
  // within `wait` (0: whatever is there). Takes at most `wait` and, for each broker, `timeout`. An
  // error: in the last round no broker could be asked, or one refused. What was on its way when a
  // call ended without it comes again after `invisible`.
  Result<std::vector<Delivery>> receive(std::int32_t max, std::chrono::milliseconds wait);

  // The message is done. kRefused with 40013: too late, it was given to somebody else or will be.
  // At most `timeout`.
  Status ack(const Delivery& delivery);
  // An error here is of the delivery or a bound, and `callback` will not run.
  Status ack_async(const Delivery& delivery, Callback callback);
  // The message stays invisible for that long from now on (1 ms to 3 days), and `delivery.handle`
  // is another one. kRefused with 40013: too late. Any other error: the old handle may have ended,
  // too; the message comes again in any case.
  Status change_invisible(Delivery& delivery, std::chrono::milliseconds invisible);

  // Messages that are made of what was received, and the acks of that, in one step.
  Transaction begin();

  // Ends what is under way with kClosed. Any thread, any number of times.
  void close();

 private:
  class Core;
  explicit PopConsumer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace oncemq::sdk
