#include "front/remoting/loop_edge.h"

#include "base/check.h"
#include "front/remoting/channel.h"
#include "front/remoting/dispatch.h"
#include "front/remoting/families.h"

namespace oncemq::front {

LoopEdge::LoopEdge(net::EventLoop& loop, const EdgeParts& parts, EdgeShared& shared)
    : loop_(loop), parts_(parts), shared_(shared), client_calls_(*this) {
  if (parts.broker != nullptr) {
    broker::Broker& broker = *parts.broker;
    sends_ =
        std::make_unique<SendLane>(*this, broker, *parts.store, *parts.options, parts.settings);
    transactions_ = std::make_unique<TransactionLane>(*this, broker, *parts.store);
    pops_ = std::make_unique<PopLane>(*this, broker, *parts.store, parts.settings);
    broker_families_ = std::unique_ptr<BrokerFamilies>(new BrokerFamilies{
        {SendFamily(*sends_, broker),
         ReplyFamily(*sends_, broker, *parts.options, *parts.switches, parts.clock),
         RecallFamily(broker, *parts.options, *parts.switches, parts.clock), PullFamily(broker),
         PopFamily(*pops_, broker, *parts.options, parts.clock), OffsetFamily(broker),
         QueryFamily(broker, *parts.store), ClientFamily(broker, *parts.options, parts.clock),
         TopicFamily(broker, *parts.options), GroupFamily(broker, *parts.options),
         ConnectionFamily(broker, *parts.options), BrokerAdminFamily(parts), CauseFamily(broker),
         IdempotencyFamily(broker, *parts.options),
         DeadLetterFamily(*sends_, broker, *parts.options),
         TransactionFamily(*transactions_, broker), AtomicFamily(*sends_, broker, *parts.options),
         FaultFamily(broker), TimelineFamily(broker, *parts.store)}});
    if (broker.faults() != nullptr) pauses_ = std::make_unique<PauseLane>(*this, *broker.faults());
  }
  if (parts.names != nullptr) {
    name_families_ = std::unique_ptr<NameFamilies>(new NameFamilies{
        {NameRouteFamily(*parts.names), NameKvFamily(parts), NameBrokerFamily(parts)}});
  }
  loop_.add_hook(*this);
}

LoopEdge::~LoopEdge() = default;

void LoopEdge::add(Session& session) {
  const net::ConnectionRef ref = session.connection().ref();
  if (ref.slot >= sessions_.size()) sessions_.resize(ref.slot + 1, nullptr);
  ONCE_CHECK(sessions_[ref.slot] == nullptr, "a slot is taken by one connection");
  sessions_[ref.slot] = &session;
}

void LoopEdge::remove(Session& session) {
  const net::ConnectionRef ref = session.connection().ref();
  sessions_[ref.slot] = nullptr;
  client_calls_.on_close(ref);
  if (parts_.broker != nullptr) {
    parts_.broker->clients().connection_closed(channel_id(ref));
    parts_.broker->parked().close(channel_id(ref));
    parts_.broker->popper().waiting().close(channel_id(ref));
  }
  if (parts_.names != nullptr) parts_.names->channel_closed(channel_number(ref));
}

Session* LoopEdge::find(net::ConnectionRef ref) const {
  if (ref.slot >= sessions_.size()) return nullptr;
  Session* session = sessions_[ref.slot];
  if (session == nullptr || !(session->connection().ref() == ref)) return nullptr;
  return session;
}

bool LoopEdge::on_frame(Session& session, const wire::Frame& frame) {
  if (!command_.decode(frame)) {
    bad_frame(session.connection());
    return false;
  }
  if (pauses_) pauses_->current(frame);
  if (command_.is_response())
    client_calls_.on_answer(session.connection().ref(), command_);
  else
    dispatch(*this, session, command_);
  return true;
}

void LoopEdge::bad_frame(net::Connection& connection) {
  metrics().bad_frame();
  bad_frames_.warn(loop_.now_ms(), "front", "closed {}: what it sent is no request",
                   connection.peer().to_string());
}

void LoopEdge::on_tick_end() {
  if (transactions_) transactions_->tick_end();
  if (sends_) sends_->tick_end();
  if (pops_) pops_->tick_end();
  if (pauses_) pauses_->tick_end();
}

void LoopEdge::committed() {
  if (transactions_) transactions_->committed();
  if (sends_) sends_->committed();
  if (pops_) pops_->committed();
}

}  // namespace oncemq::front
