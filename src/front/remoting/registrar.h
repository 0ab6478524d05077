#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "broker/broker.h"
#include "model/live_settings.h"
#include "net/event_loop.h"
#include "route/name_service.h"

namespace oncemq::front {

// Tells name servers about our broker: all topics at start and every registerNameServerPeriod, and
// at once when a topic changes. The name service of this process is told by a call, on the changing
// thread, so that the route is there when the change is answered; others are told over connections
// of one loop, with at most one registration in flight for each and changes meanwhile gathered into
// the next. Thread rule: monitor.
class Registrar {
 public:
  // A name server that cannot be reached is tried again this often.
  static constexpr std::int64_t kRetryMs = 2'000;

  // Everything outlives the registrar. `own`: the name service of this process, or null.
  // `name_servers`: "host:port;host:port", may be empty.
  Registrar(net::EventLoop& loop, broker::Broker& broker, const broker::Options& options,
            const broker::Switches& switches, const model::LiveSettings& settings,
            const os::Clock& clock, route::NameService* own, std::string_view name_servers);
  ~Registrar();
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  // Registers with everybody. Looks names up, so it may block: start, and the service thread.
  // Returns when it wants to be called again (monotonic ms).
  std::int64_t refresh();
  // For TopicTable::set_listener; no names: everything may have changed.
  void topics_changed(std::span<const std::string> names);
  // Unregisters everywhere, waiting at most `limit_ms` for others' answers. Not on the loop.
  void stop(std::int64_t limit_ms);

 private:
  class Peer;

  route::Registration registration() const;
  model::TopicConfig shown(model::TopicConfig topic) const;
  void tell_own(std::span<const std::string> names) ONCE_EXCLUDES(telling_);
  void topics_changed_elsewhere();

  net::EventLoop& loop_;
  broker::Broker& broker_;
  const broker::Options& options_;
  const broker::Switches& switches_;
  const model::LiveSettings& settings_;
  const os::Clock& clock_;
  route::NameService* const own_;
  const std::string ha_address_;
  std::vector<std::unique_ptr<Peer>> peers_;  // the vector is immutable; peers belong to the loop
  std::atomic<bool> posted_{false};           // a registration is on its way to the loop
  std::atomic<bool> stopped_{false};
  Mutex telling_;  // held while the own name service is told; memory work only
  Mutex mutex_;
  CondVar unregistered_;
  std::size_t unregistering_ ONCE_GUARDED_BY(mutex_) = 0;
};

}  // namespace oncemq::front
