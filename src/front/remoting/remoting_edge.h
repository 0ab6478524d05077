#pragma once

#include <memory>
#include <vector>

#include "front/remoting/loop_edge.h"
#include "net/server.h"

namespace oncemq::front {

// The remoting protocol over a server: one LoopEdge for each of its loops. Every port serves the
// requests of all roles of the process, so that clients which were given either port work.
// Lifetime: made after the server was opened and before it starts; destroyed after the server.
// Thread rule: confined to app, except on_accept and committed.
class RemotingEdge final : public net::Acceptor {
 public:
  RemotingEdge(net::Server& server, EdgeParts parts);
  ~RemotingEdge() override;

  std::unique_ptr<net::ConnectionHandler> on_accept(net::Connection& connection) override;

  // Requests that need the broker are served from now on.
  void set_serving(bool serving) { shared_.serving.store(serving, std::memory_order_release); }
  // The store's mark advanced: wakes the loops that hold answers. Any thread.
  void committed();
  // The server's threads are gone: tokens that still exist are void.
  void ended() { shared_.ended.store(true, std::memory_order_release); }

  const EdgeMetrics& metrics() const { return shared_.metrics; }
  const std::vector<std::unique_ptr<LoopEdge>>& edges() const { return edges_; }

 private:
  void tell_ids_changed(const std::string& group, std::span<const broker::ChannelId> channels);
  void close(broker::ChannelId channel);
  void ask_producer(broker::ChannelId channel, broker::TransactionCheck check);

  const EdgeParts parts_;
  EdgeShared shared_;
  std::vector<std::unique_ptr<LoopEdge>> edges_;
};

}  // namespace oncemq::front
