#include "oncemq/transaction.h"

#include <utility>

#include "client/sdk/failure.h"
#include "client/sdk/transaction_core.h"
#include "wire/remoting/body/atomic.h"
#include "wire/remoting/schema/atomic.h"

namespace oncemq::sdk {

Status Transaction::Core::check_open() const {
  if (over_) return failure(Errc::kInvalidArgument, "the transaction is over");
  return {};
}

Status Transaction::Core::send(const Message& message) {
  if (Status open = check_open(); !open) return open;
  if (messages_.size() == wire::AtomicParts::kMax)
    return failure(Errc::kInvalidArgument, "a transaction has at most 1024 messages");
  auto outgoing = encode(message, ids_, kBodyMax);
  if (!outgoing) return tl::unexpected(std::move(outgoing.error()));
  messages_.push_back(std::move(*outgoing));
  return {};
}

Status Transaction::Core::ack(const Delivery& delivery) {
  if (Status open = check_open(); !open) return open;
  if (acks_.size() == wire::AtomicParts::kMax)
    return failure(Errc::kInvalidArgument, "a transaction has at most 1024 acks");
  auto handle = handle_parts(options_.group, delivery);
  if (!handle) return tl::unexpected(std::move(handle.error()));
  if (!acks_.empty() && acks_.front().broker != handle->broker)
    return failure(Errc::kInvalidArgument, "a transaction is of one broker: " + handle->broker +
                                               " is another than " + acks_.front().broker);
  acks_.push_back(std::move(*handle));
  return {};
}

Result<std::vector<Receipt>> Transaction::Core::commit() {
  if (Status open = check_open(); !open) return tl::unexpected(std::move(open.error()));
  if (acks_.empty())
    return failure(Errc::kInvalidArgument, "the transaction acks nothing: send with a Producer");
  if (born_ms_ == 0) born_ms_ = session_.clock().wall_ms();
  wire::AtomicParts parts;
  for (const HandleParts& ack : acks_)
    parts.acks.push_back({.group = options_.group,
                          .topic = ack.topic,
                          .queue_id = ack.queue_id,
                          .offset = ack.offset,
                          .handle = ack.text});
  for (const Outgoing& message : messages_)
    parts.sends.push_back({.topic = message.topic,
                           .born_ms = born_ms_,
                           .properties = message.properties,
                           .body = as_bytes(message.body)});
  const std::string body = wire::encode_atomic_parts(parts);
  Calls::Call call{.topic = acks_.front().route_topic,
                   .broker = acks_.front().broker,
                   .repeat = Calls::Repeat::kLost,
                   .deadline_ms = session_.now_ms() + options_.timeout.count()};
  // Copies: an attempt may still be on its way when the caller has its answer.
  call.ask = [&session = session_, id = id_, group = options_.group, body](
                 const std::string& address, std::int64_t, std::int64_t timeout_ms,
                 client::OnAnswer on_answer) {
    session.client().call_async<wire::CommitAtomically>(
        address, {.id = id, .producer_group = group}, as_bytes(body), timeout_ms,
        std::move(on_answer));
  };
  const auto answer = session_.wait_for<client::Answer>([&](Calls::OnAnswer on_answer) {
    call.on_answer = std::move(on_answer);
    session_.calls().start(std::move(call));
  });
  if (!answer) {
    Error error = answer.error();
    error.maybe_stored = error.code != Errc::kWouldBlock && error.code != Errc::kTopicNotFound;
    return tl::unexpected(std::move(error));
  }
  over_ = true;
  if (Status status = status_of(answer); !status) return tl::unexpected(std::move(status.error()));
  return receipts(*answer);
}

Result<std::vector<Receipt>> Transaction::Core::receipts(const client::Answer& answer) const {
  const auto reply = answer.fields<wire::CommitAtomically>();
  if (!reply) return failure(Errc::kInternal, reply.error().message);
  std::vector<Receipt> receipts;
  for (const Outgoing& message : messages_)
    receipts.push_back({.message_id = message.ids,
                        .offset_id = {},
                        .queue = {.topic = message.topic, .broker = acks_.front().broker, .id = -1},
                        .queue_offset = -1});
  if (reply->repeated) return receipts;
  const auto told = wire::decode_body<wire::AtomicAnswer>(answer.body());
  if (!told || told->sent.size() != receipts.size())
    return failure(Errc::kInternal, "the broker's answer does not say where the messages are");
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    receipts[i].offset_id = told->sent[i].offset_id;
    receipts[i].queue.id = told->sent[i].queue_id;
    receipts[i].queue_offset = told->sent[i].queue_offset;
  }
  return receipts;
}

void Transaction::Core::rollback() {
  over_ = true;
  messages_.clear();
  acks_.clear();
}

Transaction::Transaction(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Transaction::~Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;

Status Transaction::send(const Message& message) {
  return core_->send(message);
}
Status Transaction::ack(const Delivery& delivery) {
  return core_->ack(delivery);
}
Result<std::vector<Receipt>> Transaction::commit() {
  return core_->commit();
}
void Transaction::rollback() {
  core_->rollback();
}

}  // namespace oncemq::sdk
