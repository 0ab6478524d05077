#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/log.h"
#include "broker/broker.h"
#include "front/remoting/call.h"
#include "front/remoting/client_calls.h"
#include "front/remoting/edge_metrics.h"
#include "front/remoting/pause_lane.h"
#include "front/remoting/pop_lane.h"
#include "front/remoting/send_lane.h"
#include "front/remoting/session.h"
#include "front/remoting/transactions.h"
#include "model/live_settings.h"
#include "net/event_loop.h"
#include "route/kv_config.h"
#include "route/name_service.h"
#include "wire/remoting/command.h"
#include "wire/remoting/frame.h"

namespace oncemq::front {

struct BrokerFamilies;
struct NameFamilies;

// What the protocol edge stands on. Null parts: this process does not have that role. Everything
// outlives the edge.
struct EdgeParts {
  model::LiveSettings& settings;
  const os::Clock& clock;
  broker::Broker* broker = nullptr;
  store::MessageStore* store = nullptr;  // with broker
  const broker::Options* options = nullptr;
  broker::Switches* switches = nullptr;
  route::NameService* names = nullptr;
  route::KvConfig* kv = nullptr;
  // Keeps what an operator set at runtime (the broker.conf given at start); may be empty.
  std::function<Status(std::span<const model::SettingAssignment>)> save_settings;
};

class LoopEdge;

// What the loops' edges have in common. Thread rule: monitor; `loops` is immutable once the loops
// run.
struct EdgeShared {
  // True from the moment that recovery is done until shutdown begins.
  std::atomic<bool> serving{false};
  // The loops are gone: tokens that are still somewhere have nobody to answer.
  std::atomic<bool> ended{false};
  EdgeMetrics metrics;
  std::vector<LoopEdge*> loops;  // by loop index
};

// Everything of the protocol that belongs to one event loop: its sessions, its batch of sends, its
// questions to clients, and the request families. Thread rule: confined to the loop, except
// committed() and loop().
class LoopEdge final : public net::TickHook {
 public:
  // Adds itself as tick hook.
  LoopEdge(net::EventLoop& loop, const EdgeParts& parts, EdgeShared& shared);
  ~LoopEdge() override;

  net::EventLoop& loop() const { return loop_; }
  const EdgeParts& parts() const { return parts_; }
  EdgeMetrics& metrics() const { return shared_.metrics; }
  // Bytes that are no request, after which the connection cannot go on.
  void bad_frame(net::Connection& connection);
  bool serving() const { return shared_.serving.load(std::memory_order_acquire); }
  bool ended() const { return shared_.ended.load(std::memory_order_acquire); }
  // The edge that a connection belongs to; null for a name that cannot be.
  LoopEdge* edge_of(net::ConnectionRef ref) const {
    return ref.loop < shared_.loops.size() ? shared_.loops[ref.loop] : nullptr;
  }

  void add(Session& session);
  // Also tells broker, name service and waiting questions that the connection is gone.
  void remove(Session& session);
  // Null when it has ended.
  Session* find(net::ConnectionRef ref) const;

  // False: the header does not parse, the connection is beyond repair.
  bool on_frame(Session& session, const wire::Frame& frame);
  void on_tick_end() override;
  // The store's mark advanced; any thread.
  void committed();

  ClientCalls& client_calls() { return client_calls_; }
  SendLane* sends() { return sends_.get(); }
  PopLane* pops() { return pops_.get(); }
  PauseLane* pauses() { return pauses_.get(); }  // null: faults are not allowed
  BrokerFamilies* broker_families() { return broker_families_.get(); }
  NameFamilies* name_families() { return name_families_.get(); }

 private:
  net::EventLoop& loop_;
  const EdgeParts& parts_;
  EdgeShared& shared_;
  std::vector<Session*> sessions_;  // by slot
  wire::Command command_;
  log::Limited bad_frames_{10'000};
  ClientCalls client_calls_;
  std::unique_ptr<SendLane> sends_;
  std::unique_ptr<TransactionLane> transactions_;
  std::unique_ptr<PopLane> pops_;
  std::unique_ptr<PauseLane> pauses_;
  std::unique_ptr<BrokerFamilies> broker_families_;
  std::unique_ptr<NameFamilies> name_families_;
};

}  // namespace oncemq::front
