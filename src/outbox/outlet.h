#pragma once

#include <functional>
#include <string>

#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::outbox {

// Where messages go. Thread rule: confined.
class Outlet {
 public:
  using Callback = std::function<void(sdk::Result<sdk::Receipt>)>;

  virtual ~Outlet() = default;
  // Looks at the topic and makes it when it is missing. Waits, unless it was done before.
  virtual sdk::Status prepare(const std::string& topic) = 0;
  // The next prepare() looks again.
  virtual void forget(const std::string& topic) = 0;
  // Equal `place`s of a topic go to one queue. `callback` runs once, on any thread, also within the
  // call.
  virtual void send(const sdk::Message& message, const std::string& place, Callback callback) = 0;
};

}  // namespace oncemq::outbox
