#include "client/sdk/pop_calls.h"

#include <string>
#include <utility>

#include "wire/remoting/schema/pop.h"

namespace oncemq::sdk {
namespace {

// `header`: makes the request's header of the handle, whose views it has.
template <class Request, class MakeHeader>
Calls::Call call(Session& session, const PopConsumerOptions& options, HandleParts handle,
                 Calls::Repeat repeat, MakeHeader header) {
  Calls::Call made{.topic = handle.route_topic,
                   .broker = handle.broker,
                   .repeat = repeat,
                   .deadline_ms = session.now_ms() + options.timeout.count()};
  made.ask = [&session, handle = std::move(handle), header](const std::string& address,
                                                            std::int64_t, std::int64_t timeout_ms,
                                                            client::OnAnswer on_answer) {
    session.client().call_async<Request>(address, header(handle), {}, timeout_ms,
                                         std::move(on_answer));
  };
  return made;
}

}  // namespace

Calls::Call ack_call(Session& session, const PopConsumerOptions& options, HandleParts handle) {
  return call<wire::AckMessage>(session, options, std::move(handle), Calls::Repeat::kLost,
                                [&options](const HandleParts& parts) {
                                  return wire::AckMessage::Header{.consumer_group = options.group,
                                                                  .topic = parts.topic,
                                                                  .queue_id = parts.queue_id,
                                                                  .extra_info = parts.text,
                                                                  .offset = parts.offset};
                                });
}

Calls::Call change_call(Session& session, const PopConsumerOptions& options, HandleParts handle,
                        std::int64_t invisible_ms) {
  return call<wire::ChangeInvisibleTime>(
      session, options, std::move(handle), Calls::Repeat::kRefused,
      [&options, invisible_ms](const HandleParts& parts) {
        return wire::ChangeInvisibleTime::Header{.consumer_group = options.group,
                                                 .topic = parts.topic,
                                                 .queue_id = parts.queue_id,
                                                 .extra_info = parts.text,
                                                 .offset = parts.offset,
                                                 .invisible_time = invisible_ms};
      });
}

}  // namespace oncemq::sdk
