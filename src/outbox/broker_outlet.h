#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "client/admin/admin.h"
#include "client/remoting/remoting_client.h"
#include "oncemq/producer.h"
#include "os/clock.h"
#include "outbox/outlet.h"

namespace oncemq::outbox {

struct OutletOptions {
  std::string name_server;                   // "HOST:PORT"
  std::chrono::milliseconds timeout{3'000};  // of a send
  std::size_t body_max = 4U << 20;           // bytes
  std::size_t parallel_max = 16;             // sends under way
  bool create = true;                        // topics that are missing
  std::int32_t queues = 8;                   // of those, on each broker
  std::chrono::hours window{7 * 24};         // idempotent.window of those
};

// A cluster's topics, by a producer of the SDK. Thread rule: confined; answers come on the client's
// thread.
class BrokerOutlet final : public Outlet {
 public:
  // Talks to nobody yet. The clock outlives it. kInvalidArgument; kUnreachable: the name server's
  // name is unknown.
  static sdk::Result<std::unique_ptr<BrokerOutlet>> open(const os::Clock& clock,
                                                         OutletOptions options);

  sdk::Status prepare(const std::string& topic) override;
  void forget(const std::string& topic) override { ready_.erase(topic); }
  void send(const sdk::Message& message, const std::string& place, Callback callback) override;

 private:
  BrokerOutlet(OutletOptions options, std::unique_ptr<client::RemotingClient> client,
               sdk::Producer producer)
      : options_(std::move(options)),
        client_(std::move(client)),
        admin_(*client_, options_.name_server),
        producer_(std::move(producer)) {}

  Status look(const std::string& topic);
  Status make(const std::string& topic);
  // Says once for each topic what the promise is when it is not the whole one.
  void judge_promise(const std::string& topic, const model::TopicConfig& config);

  const OutletOptions options_;
  const std::unique_ptr<client::RemotingClient> client_;
  client::Admin admin_;
  std::set<std::string> ready_;   // topics; as many as the cluster has
  std::set<std::string> warned_;  // the same
  sdk::Producer producer_;
};

}  // namespace oncemq::outbox
