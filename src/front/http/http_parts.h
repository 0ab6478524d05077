#pragma once

#include <cstdint>
#include <functional>

#include "broker/broker.h"
#include "front/remoting/broker_admin.h"
#include "front/remoting/edge_metrics.h"
#include "model/settings.h"
#include "net/server.h"
#include "route/name_service.h"

namespace oncemq::front {

// What a process says about itself; only app may ask the kernel.
struct ProcessSample {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t private_bytes = 0;
};

// What the HTTP edge tells about. Null parts: this process does not have that role. Everything
// outlives the edge's thread.
struct HttpParts {
  const net::Server* server = nullptr;   // of the clients
  const EdgeMetrics* metrics = nullptr;  // with server
  broker::Broker* broker = nullptr;
  store::MessageStore* store = nullptr;      // with broker
  const broker::Options* options = nullptr;  // with broker
  route::NameService* names = nullptr;
  std::int64_t startup_ms = 0;  // from the start of the process until everything above was there
  std::function<ProcessSample()> process;
  // Sets what an operator wants, now and for the next start (front::change_settings).
  SaveSettings change_settings;
};

}  // namespace oncemq::front
