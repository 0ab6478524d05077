#include "front/remoting/remoting_edge.h"

#include "front/remoting/channel.h"
#include "front/remoting/families.h"
#include "wire/remoting/schema/client_calls.h"

namespace oncemq::front {

RemotingEdge::RemotingEdge(net::Server& server, EdgeParts parts) : parts_(std::move(parts)) {
  for (std::uint32_t i = 0; i < server.loops(); ++i) {
    edges_.push_back(std::make_unique<LoopEdge>(server.loop(i), parts_, shared_));
    shared_.loops.push_back(edges_.back().get());
  }
  if (parts_.broker != nullptr) {
    parts_.broker->clients().set_events(
        {.ids_changed =
             [this](const std::string& group, std::span<const broker::ChannelId> channels) {
               tell_ids_changed(group, channels);
             },
         .expired = [this](broker::ChannelId channel) { close(channel); }});
    parts_.broker->transaction_checker().set_ask(
        [this](broker::ChannelId channel, broker::TransactionCheck check) {
          ask_producer(channel, std::move(check));
        });
  }
}

RemotingEdge::~RemotingEdge() = default;

std::unique_ptr<net::ConnectionHandler> RemotingEdge::on_accept(net::Connection& connection) {
  return std::make_unique<Session>(*edges_[connection.ref().loop], connection);
}

void RemotingEdge::committed() {
  for (const auto& edge : edges_) edge->committed();
}

void RemotingEdge::tell_ids_changed(const std::string& group,
                                    std::span<const broker::ChannelId> channels) {
  for (const broker::ChannelId channel : channels) {
    const net::ConnectionRef to = channel_ref(channel);
    LoopEdge* edge = to.loop < edges_.size() ? edges_[to.loop].get() : nullptr;
    if (edge == nullptr) continue;
    edge->loop().post([edge, to, group] {
      edge->client_calls().tell<wire::NotifyConsumerIdsChanged>(to, {.consumer_group = group});
    });
  }
}

void RemotingEdge::ask_producer(broker::ChannelId channel, broker::TransactionCheck check) {
  const net::ConnectionRef to = channel_ref(channel);
  LoopEdge* edge = to.loop < edges_.size() ? edges_[to.loop].get() : nullptr;
  if (edge == nullptr) return;
  edge->loop().post([this, edge, to, check = std::move(check)] {
    edge->client_calls().tell<wire::CheckTransactionState>(
        to,
        {.topic = check.topic,
         .half_offset = check.half,
         .log_offset = check.log_offset,
         .message_id = check.message_id,
         .transaction_id = check.transaction_id,
         .offset_message_id = check.offset_message_id,
         .broker_name = parts_.options->name},
        check.body);
  });
}

void RemotingEdge::close(broker::ChannelId channel) {
  const net::ConnectionRef ref = channel_ref(channel);
  LoopEdge* edge = ref.loop < edges_.size() ? edges_[ref.loop].get() : nullptr;
  if (edge == nullptr) return;
  edge->loop().post([edge, ref] {
    if (Session* session = edge->find(ref)) session->connection().close(net::CloseReason::kIdle);
  });
}

}  // namespace oncemq::front
