#include "front/remoting/recall.h"

#include <memory>
#include <string>
#include <utility>

#include "broker/recall_handle.h"

namespace oncemq::front {

// The order of the checks and their codes are upstream's (RecallMessageProcessor, 5.3.3).
void RecallFamily::handle(Call call, const Request<wire::RecallMessage>& request) {
  using wire::ResponseCode;
  const auto& header = request.header;
  if (!switches_.recall) {
    call.refuse(ResponseCode::kNoPermission, "recall failed, operation is forbidden");
    return;
  }
  if (clock_.wall_ms() < switches_.start_accept_send_ms ||
      (!switches_.writable() && !switches_.recall_unwritable)) {
    call.refuse(ResponseCode::kServiceNotAvailable, "recall failed, broker service not available");
    return;
  }
  if (broker_.topics().find(header.topic) == nullptr) {
    call.refuse(ResponseCode::kTopicNotExist,
                "recall failed, the topic[" + std::string(header.topic) + "] not exist");
    return;
  }
  auto handle = broker::RecallHandle::parse(header.recall_handle);
  if (!handle) {
    call.refuse(ResponseCode::kIllegalOperation, handle.error().message);
    return;
  }
  if (handle->topic != header.topic) {
    call.refuse(ResponseCode::kIllegalOperation, "recall failed, topic not match");
    return;
  }
  if (handle->broker != options_.name) {
    call.refuse(ResponseCode::kIllegalOperation, "recall failed, the timer is not on this broker");
    return;
  }
  // std::function wants copies, the token allows none: it is shared by the copies of one callback.
  auto token = std::make_shared<Call>(std::move(call));
  broker_.timers().recall(std::move(*handle), std::string(header.producer_group),
                          [token](const Result<std::string>& recalled) {
                            if (!*token) return;
                            if (recalled) {
                              token->reply(wire::RecallMessage::Reply{.message_id = *recalled});
                            } else if (recalled.error().code == Errc::kMessageNotFound) {
                              token->refuse(ResponseCode::kIllegalOperation,
                                            recalled.error().message);
                            } else {
                              token->refuse(recalled.error());
                            }
                          });
}

}  // namespace oncemq::front
