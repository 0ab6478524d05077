// What brokers ask of a member.
#include <string>
#include <string_view>

#include "client/sdk/member.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/header.h"
#include "wire/remoting/schema/client_calls.h"
#include "wire/remoting/schema/connections.h"

namespace oncemq::sdk {
namespace {

using wire::ResponseCode;

constexpr std::size_t kMiB = 1U << 20;

void answer(net::Connection& connection, const wire::Command& request, ResponseCode code,
            std::string_view remark, std::string_view body) {
  if (request.is_oneway()) return;
  std::string frame;
  wire::append_frame(frame, request.kind,
                     {.code = wire::number(code),
                      .opaque = request.opaque,
                      .flag = wire::Command::kFlagResponse,
                      .remark = remark},
                     as_bytes(body));
  connection.write(as_bytes(frame));
}

wire::Queue on_the_wire(const Queue& queue) {
  return {.broker_name = queue.broker, .queue_id = queue.id, .topic = queue.topic};
}

}  // namespace

void Member::serve(net::Connection& connection, const wire::Command& command) {
  if (phase_ != Phase::kRunning) {
    answer(connection, command, ResponseCode::kSystemError, "the consumer ends", {});
    return;
  }
  switch (command.code) {
    case wire::NotifyConsumerIdsChanged::meta.code:
      look_again(0);
      return;
    case wire::ResetConsumerClientOffset::meta.code:
      reset(command);
      return;
    case wire::GetConsumerStatusFromClient::meta.code: {
      const auto header = wire::decode_header<wire::GetConsumerStatusFromClient>(command);
      answer(connection, command, ResponseCode::kSuccess, {},
             status_of(header ? header->topic : std::string_view()));
      return;
    }
    case wire::GetConsumerRunningInfo::meta.code:
      answer(connection, command, ResponseCode::kSuccess, {}, running_info());
      return;
    default:  // any number may come
      answer(connection, command, ResponseCode::kRequestCodeNotSupported,
             "this consumer does not serve code " + std::to_string(command.code), {});
  }
}

// A list for clients in C++; a map from brokers that do not make the difference.
void Member::reset(const wire::Command& command) {
  const auto header = wire::decode_header<wire::ResetConsumerClientOffset>(command);
  if (!header || header->group != options_.group) return;
  if (const auto rows = wire::decode_body<wire::QueueOffsetRows>(command.body)) {
    for (const wire::QueueOffsetRow& row : rows->offsets)
      reset({.topic = row.topic, .broker = row.broker_name, .id = row.queue_id}, row.offset);
  } else if (const auto table = wire::decode_body<wire::QueueOffsets>(command.body)) {
    for (const auto& [queue, offset] : table->offsets)
      reset({.topic = queue.topic, .broker = queue.broker_name, .id = queue.queue_id}, offset);
  }
}

void Member::reset(const Queue& queue, std::int64_t offset) {
  if (const auto found = queues_.find(queue); found != queues_.end()) {
    const std::shared_ptr<QueuePuller> puller = found->second;  // retiring changes queues_
    puller->retire(offset);
  }
}

std::string Member::status_of(std::string_view topic) const {
  wire::ConsumerStatus status;
  for (const auto& [queue, puller] : queues_)
    if (const ProcessQueue* const messages = puller->messages();
        messages != nullptr && queue.topic == topic)
      status.queues.emplace(on_the_wire(queue), messages->commit_offset());
  return wire::encode_body(status);
}

std::string Member::running_info() const {
  wire::ConsumerRunningInfo info;
  info.properties = {{"PROP_CLIENT_VERSION", wire::version::name(wire::version::kOurs)},
                     {"PROP_CONSUME_TYPE", "CONSUME_PASSIVELY"},
                     {"PROP_CONSUMEORDERLY", options_.ordered ? "true" : "false"},
                     {"PROP_CONSUMER_START_TIMESTAMP", std::to_string(started_ms_)},
                     {"PROP_THREADPOOL_CORE_SIZE", std::to_string(options_.threads)}};
  for (const auto& [topic, subscription] : subscriptions_)
    info.subscriptions.push_back(subscription);
  for (const auto& [queue, puller] : queues_) {
    const ProcessQueue* const messages = puller->messages();
    if (messages == nullptr) continue;
    info.queues.emplace(
        on_the_wire(queue),
        wire::ProcessQueueInfo{
            .cached_count = static_cast<std::int32_t>(messages->count()),
            .cached_max_offset = messages->last(),
            .cached_min_offset = messages->count() == 0 ? 0 : messages->commit_offset(),
            .cached_mib = static_cast<std::int32_t>(messages->bytes() / kMiB),
            .commit_offset = messages->commit_offset(),
            .last_pull_timestamp = puller->pulled_at_ms()});
  }
  return wire::encode_body(info);
}

}  // namespace oncemq::sdk
