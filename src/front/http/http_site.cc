#include "front/http/http_site.h"

#include <utility>

#include "front/http/order_guard.h"

namespace oncemq::front {
namespace {

constexpr std::string_view kIndex =
    "OnceMQ " ONCEMQ_VERSION
    "\n\n/metrics   Prometheus text, or OpenMetrics by Accept"
    "\n/healthz   200 while the process is alive and its event loops answer"
    "\n/readyz    200 while messages are taken; otherwise 503 and why"
    "\n/api/v1    JSON: see docs/http-api.md\n";

bool is_loopback(std::string_view ip) {
  return ip.starts_with("127.") || ip == "::1" || ip == "localhost";
}

bool asks_for_openmetrics(std::string_view accept) {
  return accept.find("application/openmetrics-text") != std::string_view::npos;
}

}  // namespace

Result<Address> http_address(const model::Settings& settings) {
  const std::string& ip = settings.http_bind_address;
  const std::string text = (ip.find(':') != std::string::npos ? "[" + ip + "]" : ip) + ":" +
                           std::to_string(settings.http_listen_port);
  const auto address = Address::parse(text);
  if (!address)
    return fail(Errc::kInvalidArgument,
                "'httpBindAddress': '" + ip + "' is not a number like 127.0.0.1");
  return *address;
}

net::ServerOptions http_server_options(const model::Settings& settings) {
  net::ServerOptions options{.loops = 1, .name = "http"};
  net::Limits& limits = options.limits;
  limits.connections = static_cast<std::size_t>(settings.http_max_connections);
  // A request, and one read beyond.
  limits.in_max = HttpParser::kHeadMax + HttpParser::kBodyMax + (64U << 10);
  // One answer more than out_high; the largest page has 10,000 series of 46 metrics.
  limits.out_max = 256U << 20;
  limits.total = 64U << 20;
  limits.pool_keep = 1U << 20;
  limits.idle_ms = 60'000;
  limits.first_bytes_ms = 10'000;
  limits.frame_ms = 10'000;
  limits.frame_bytes_per_s = 1U << 20;  // no second is given for bytes that come slowly
  return options;
}

HttpSite::HttpSite(net::Server& own, const os::Clock& clock, const model::LiveSettings& settings)
    : loop_(own.loop(0)),
      clock_(clock),
      settings_(settings),
      loopback_(is_loopback(settings.get().http_bind_address)),
      health_(loop_),
      metrics_(own, clock, static_cast<std::size_t>(settings.get().metrics_topics_max)),
      held_(loop_) {}

HttpSite::~HttpSite() = default;

std::unique_ptr<net::ConnectionHandler> HttpSite::on_accept(net::Connection& connection) {
  HttpService& service = *this;
  return std::make_unique<HttpSession>(service, connection);
}

void HttpSite::attach(HttpParts parts) {
  loop_.post([this, owned = std::make_unique<HttpParts>(std::move(parts))] {
    parts_ = std::move(*owned);
    api_ = std::make_unique<AdminApi>(*parts_, clock_, settings_, loop_, held_);
  });
}

bool HttpSite::misdirected(const HttpRequest& request) const {
  return loopback_ && !request.host.empty() && !is_address_or_localhost(request.host);
}

HttpResponse HttpSite::no_method() {
  HttpResponse refusal =
      HttpResponse::error(405, "method_not_allowed", "this is read with GET or HEAD");
  refusal.allow = "GET, HEAD";
  return refusal;
}

void HttpSite::serve(const HttpRequest& request, HttpReply reply) {
  if (misdirected(request)) {
    return reply.send(HttpResponse::error(
        421, "misdirected", "the Host field names neither an address nor localhost",
        "this port is bound to a loopback address; set httpBindAddress to serve other names"));
  }
  const std::string_view path = request.path();
  const bool reads = request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
  if (path == "/api/v1" || path.starts_with("/api/v1/")) {
    if (!parts_) return reply.send(HttpResponse::error(503, "starting", "the broker is starting"));
    if (!reads && phase_.load(std::memory_order_acquire) == Phase::kStopping)
      return reply.send(HttpResponse::error(503, "stopping", "the broker is stopping"));
    return api_->serve(request, reply);
  }
  if (!reads) return reply.send(no_method());
  if (path == "/healthz") return check_health(reply);
  reply.send(page(request));
}

HttpResponse HttpSite::page(const HttpRequest& request) {
  const std::string_view path = request.path();
  if (path == "/") return HttpResponse::text(200, std::string(kIndex));
  if (path == "/readyz") return ready();
  if (path != "/metrics")
    return HttpResponse::error(404, "not_found", "there is no such page", "GET / lists what is");
  if (!parts_) return HttpResponse::error(503, "starting", "the broker is starting");
  return metrics(request);
}

HttpResponse HttpSite::metrics(const HttpRequest& request) {
  const bool open = asks_for_openmetrics(request.accept);
  HttpResponse response;
  response.type = open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8";
  response.body =
      metrics_.make(*parts_, open ? MetricsFormat::kOpenMetrics : MetricsFormat::kPrometheus);
  return response;
}

HttpResponse HttpSite::ready() const {
  switch (phase_.load(std::memory_order_acquire)) {
    case Phase::kStarting:
      return HttpResponse::text(503, "starting: the store is being opened\n");
    case Phase::kStopping:
      return HttpResponse::text(503, "stopping: what is in flight is being answered\n");
    case Phase::kReady:
      break;
  }
  if (parts_ && parts_->store != nullptr)
    if (const auto refusal = parts_->store->refusal())
      return HttpResponse::text(503, "not writable: " + refusal->message + "\n");
  return HttpResponse::text(200, "ready\n");
}

void HttpSite::check_health(HttpReply reply) {
  if (!parts_ || parts_->server == nullptr)
    return reply.send(HttpResponse::text(200, "alive, starting\n"));
  health_.ask(*parts_->server, reply);
}

}  // namespace oncemq::front
