#pragma once

#include <memory>
#include <string>
#include <utility>

#include "broker/broker.h"
#include "front/remoting/call.h"

namespace oncemq::front {

// Answers an operator's order with success when everything changed so far is on disk, or with the
// reason why it could not be written.
inline void answer_when_saved(broker::Broker& broker, Call call, std::string body = {}) {
  // std::function wants copies, the token allows none: it is shared by the copies of one callback.
  auto token = std::make_shared<Call>(std::move(call));
  broker.when_saved([token, body = std::move(body)](const Status& saved) {
    if (!*token) return;
    if (saved)
      token->ok(body);
    else
      token->refuse(saved.error());
  });
}

}  // namespace oncemq::front
