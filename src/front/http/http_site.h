#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "front/http/admin_api.h"
#include "front/http/held_answers.h"
#include "front/http/http_parts.h"
#include "front/http/http_session.h"
#include "front/http/loop_health.h"
#include "front/http/metrics_page.h"
#include "model/settings.h"
#include "net/server.h"

namespace oncemq::front {

// What HTTP shows: /metrics, /healthz, /readyz, /api/v1. It stands on a server of its own with one
// loop, on which everything here runs. Lifetime: made before that server starts, destroyed after
// it. Thread rule: confined to the loop, except attach, committed and set_phase.
class HttpSite final : public net::Acceptor, private HttpService {
 public:
  enum class Phase : std::uint8_t { kStarting, kReady, kStopping };

  HttpSite(net::Server& own, const os::Clock& clock, const model::LiveSettings& settings);
  ~HttpSite() override;

  std::unique_ptr<net::ConnectionHandler> on_accept(net::Connection& connection) override;

  // Everything is built; from now on there is something to show. Any thread, once.
  void attach(HttpParts parts);
  // The store's mark advanced: answers to orders may leave. Any thread.
  void committed(store::CommittedOffset mark) { held_.committed(mark); }
  // Any thread.
  void set_phase(Phase phase) { phase_.store(phase, std::memory_order_release); }

 private:
  void serve(const HttpRequest& request, HttpReply reply) override;
  void answered(int status) override { metrics_.answered(status); }

  // Not an address and not localhost, while we listen on a loopback address.
  bool misdirected(const HttpRequest& request) const;
  // A method that nobody serves there.
  static HttpResponse no_method();
  HttpResponse page(const HttpRequest& request);
  HttpResponse metrics(const HttpRequest& request);
  HttpResponse ready() const;
  void check_health(HttpReply reply);

  net::EventLoop& loop_;
  const os::Clock& clock_;
  const model::LiveSettings& settings_;
  const bool loopback_;
  LoopHealth health_;
  MetricsPage metrics_;
  HeldAnswers held_;
  std::atomic<Phase> phase_{Phase::kStarting};
  std::optional<HttpParts> parts_;
  std::unique_ptr<AdminApi> api_;
};

// What HTTP binds and how much it takes (docs/http.md). kInvalidArgument: the address is none.
Result<Address> http_address(const model::Settings& settings);
net::ServerOptions http_server_options(const model::Settings& settings);

}  // namespace oncemq::front
