#include "app/node.h"

#include <memory>
#include <optional>
#include <utility>

#include "app/exit_codes.h"
#include "app/part_options.h"
#include "app/service_thread.h"
#include "app/settings_file.h"
#include "base/log.h"
#include "base/mutex.h"
#include "broker/broker.h"
#include "front/http/http_site.h"
#include "front/remoting/registrar.h"
#include "front/remoting/remoting_edge.h"
#include "model/live_settings.h"
#include "net/server.h"
#include "os/descriptors.h"
#include "os/process.h"
#include "os/process_usage.h"
#include "os/random.h"
#include "os/thread.h"
#include "route/kv_config.h"
#include "route/name_service.h"
#include "store/message_store.h"

namespace oncemq::app {
namespace {

constexpr std::int64_t kDrainMs = 5'000;
constexpr std::int64_t kUnregisterMs = 1'000;
constexpr std::int64_t kHousekeepMs = 1'000;

// Ports are bound before the edge exists, because the broker's own address needs the port number;
// no connection is accepted before the server starts.
class LateAcceptor final : public net::Acceptor {
 public:
  void set(net::Acceptor& acceptor) { acceptor_ = &acceptor; }
  std::unique_ptr<net::ConnectionHandler> on_accept(net::Connection& connection) override {
    return acceptor_->on_accept(connection);
  }

 private:
  net::Acceptor* acceptor_ = nullptr;
};

}  // namespace

// The objects of a running process, built in start() and stopped in reverse. Members are destroyed
// from the last to the first: the server before the edge whose sessions it ends, the edge before
// the broker. HTTP starts first and stops last, so that /readyz can say what goes on.
class Node::Parts {
 public:
  Parts(ServeOptions options, os::Disk& disk)
      : options_(std::move(options)), disk_(disk), settings_(options_.settings), service_(clock_) {}

  Status start();
  Status stop();
  std::string ready_line() const;
  broker::Broker* broker() { return broker_.get(); }

 private:
  Status open_http();
  Status open_folder();
  Status listen();
  Status build_broker();
  void build_service();
  Status save_settings(std::span<const model::SettingAssignment> set);

  ServeOptions options_;
  os::Disk& disk_;
  os::SystemClock clock_;
  os::SystemRandom random_;
  model::LiveSettings settings_;
  Mutex settings_role_;  // who rewrites the settings' file
  Roles roles_;
  std::unique_ptr<os::FileLock> folder_lock_;  // name service alone; otherwise the store has it
  std::unique_ptr<store::MessageStore> store_;
  std::unique_ptr<route::KvConfig> kv_;
  std::unique_ptr<route::NameService> names_;
  broker::Options broker_options_;
  broker::Switches switches_;
  std::unique_ptr<broker::Broker> broker_;
  LateAcceptor acceptor_;
  std::unique_ptr<front::RemotingEdge> edge_;
  std::unique_ptr<front::Registrar> registrar_;  // has connections on a loop of the server
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<front::HttpSite> site_;
  std::unique_ptr<net::Server> http_;  // null: httpListenPort=0
  ServiceThread service_;
  std::optional<std::int32_t> namesrv_port_;
  std::optional<std::int32_t> broker_port_;
  std::optional<Address> http_address_;
  unsigned broker_job_ = 0;
  unsigned timer_job_ = 0;
};

Status Node::Parts::open_http() {
  const model::Settings& settings = settings_.get();
  if (settings.http_listen_port == 0) return {};
  const auto address = front::http_address(settings);
  if (!address) return fail(address.error());
  auto server = net::Server::open(front::http_server_options(settings), clock_);
  if (!server) return fail(std::move(server.error()));
  auto site = std::make_unique<front::HttpSite>(**server, clock_, settings_);
  const auto bound = (*server)->listen(*address, *site, {.proxy_protocol = false});
  if (!bound) {
    return fail(Errc::kBusy, "cannot listen on " + address->to_string() +
                                 " for HTTP: " + bound.error().message +
                                 "; set httpListenPort to another port, or to 0 for none");
  }
  site_ = std::move(site);
  http_ = std::move(*server);
  http_address_ = *bound;
  http_->start();
  return {};
}

Status Node::Parts::open_folder() {
  const model::Settings& settings = settings_.get();
  ONCE_TRY(disk_.make_dirs(settings.store_root));
  if (roles_.broker) {
    auto store =
        store::MessageStore::open(disk_, clock_, store_options(settings), [](const Error& error) {
          log::error("app", "the disk failed, stopping at once: {}", error.message);
          os::exit_now(kExitDisk);
        });
    if (!store) return fail(std::move(store.error()));
    store_ = std::move(*store);
  } else {
    auto lock = disk_.lock(settings.store_root + "/lock", std::to_string(os::process_id()));
    if (!lock) return fail(std::move(lock.error()));
    folder_lock_ = std::move(*lock);
  }
  if (roles_.namesrv) {
    auto kv = route::KvConfig::open(disk_, settings.store_root + "/namesrv");
    if (!kv) return fail(std::move(kv.error()));
    kv_ = std::move(*kv);
    names_ = std::make_unique<route::NameService>(settings_, clock_, *kv_);
  }
  return {};
}

Status Node::Parts::listen() {
  const model::Settings& settings = settings_.get();
  const auto bind = [&](std::int32_t port) -> Result<std::int32_t> {
    const std::string& ip = settings.bind_address;
    const std::string text =
        (ip.find(':') != std::string::npos ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
    const auto address = Address::parse(text);
    if (!address) {
      return fail(Errc::kInvalidArgument,
                  "'bindAddress': '" + ip + "' is not a number like 127.0.0.1");
    }
    const auto bound = server_->listen(*address, acceptor_);
    if (!bound) return fail(Errc::kBusy, "cannot listen on " + text + ": " + bound.error().message);
    return std::int32_t{bound->port};
  };
  if (roles_.namesrv) {
    const auto port = bind(settings.namesrv_listen_port);
    if (!port) return fail(port.error());
    namesrv_port_ = *port;
  }
  if (!roles_.broker) return {};
  const auto port = bind(settings.listen_port);
  if (!port) return fail(port.error());
  broker_port_ = *port;
  const std::int32_t fast =
      settings.fast_listen_port >= 0 ? settings.fast_listen_port : *broker_port_ - 2;
  if (fast <= 0) return {};
  const auto fast_port = bind(fast);
  // Few clients use it; one that was asked for by name must be there.
  if (!fast_port && settings.fast_listen_port > 0) return fail(fast_port.error());
  if (!fast_port)
    log::warn("app", "no port for vipChannelEnabled clients: {}", fast_port.error().message);
  return {};
}

Status Node::Parts::build_broker() {
  auto options = broker_options(settings_.get(), *broker_port_);
  if (!options) return fail(std::move(options.error()));
  broker_options_ = std::move(*options);
  fill_switches(settings_.get(), switches_);
  broker_ =
      std::make_unique<broker::Broker>(broker_options_, switches_, *store_, disk_, clock_, random_);
  broker_->set_service_waker([this] { service_.wake(broker_job_); });
  broker_->timers().set_waker([this] { service_.wake(timer_job_); });
  return broker_->load();
}

// Reads the file, changes it and writes it again; orders come on any loop.
Status Node::Parts::save_settings(std::span<const model::SettingAssignment> set) {
  if (options_.settings_file.empty()) {
    log::warn("app", "no -c file: the change is lost at the next start");
    return {};
  }
  MutexLock role(settings_role_);
  return write_settings_file(disk_, options_.settings_file, set);
}

void Node::Parts::build_service() {
  if (broker_) {
    broker_job_ = service_.add([this] { return broker_->service_tick(); });
    timer_job_ = service_.add([this] { return clock_.monotonic_ms() + broker_->timers().tick(); });
    service_.add([this] {
      store_->housekeep();
      return clock_.monotonic_ms() + kHousekeepMs;
    });
    service_.add([this] { return registrar_->refresh(); });
  }
  if (names_) {
    service_.add([this] {
      if (const std::size_t gone = names_->expire(); gone > 0)
        log::warn("app", "{} brokers were not heard of in time and left the routes", gone);
      return clock_.monotonic_ms() + settings_.get().scan_inactive_brokers_ms;
    });
  }
}

Status Node::Parts::start() {
  roles_ = roles_of(settings_.get());
  // That somebody else uses the folder says more than that he also has the port.
  Status http = open_http();
  ONCE_TRY(open_folder());
  if (!http) return http;
  auto server = net::Server::open(server_options(settings_.get()), clock_);
  if (!server) return fail(std::move(server.error()));
  server_ = std::move(*server);
  ONCE_TRY(listen());
  if (roles_.broker) ONCE_TRY(build_broker());

  edge_ = std::make_unique<front::RemotingEdge>(
      *server_, front::EdgeParts{.settings = settings_,
                                 .clock = clock_,
                                 .broker = broker_.get(),
                                 .store = store_.get(),
                                 .options = &broker_options_,
                                 .switches = roles_.broker ? &switches_ : nullptr,
                                 .names = names_.get(),
                                 .kv = kv_.get(),
                                 .save_settings = [this](auto set) { return save_settings(set); }});
  acceptor_.set(*edge_);
  settings_.on_update([this](std::span<const model::SettingAssignment> set) {
    set_log_level(settings_.get());
    if (broker_) {
      const std::int32_t permission = switches_.permission.load();
      const bool creates = switches_.auto_create_topic.load();
      fill_switches(settings_.get(), switches_);
      if (switches_.permission.load() != permission ||
          switches_.auto_create_topic.load() != creates)
        broker_->topics().touch();
    }
    for (const model::SettingAssignment& a : set)
      log::info("app", "an operator set {}={}", a.name, a.value);
  });

  if (broker_) {
    registrar_ = std::make_unique<front::Registrar>(server_->loop(0), *broker_, broker_options_,
                                                    switches_, settings_, clock_, names_.get(),
                                                    settings_.get().namesrv_addr);
    broker_->topics().set_listener(
        [this](std::span<const std::string> names) { registrar_->topics_changed(names); });
    ONCE_TRY(broker_->start([this](store::CommittedOffset mark) {
      edge_->committed();
      if (site_) site_->committed(mark);
    }));
    // Routes are there before the first client connects; names of others are looked up later.
    registrar_->topics_changed({});
  }
  build_service();
  edge_->set_serving(true);
  server_->start();
  service_.start();
  if (site_) {
    site_->attach({.server = server_.get(),
                   .metrics = &edge_->metrics(),
                   .broker = broker_.get(),
                   .store = store_.get(),
                   .options = &broker_options_,
                   .names = names_.get(),
                   .startup_ms = (clock_.monotonic_ns() - options_.started_ns) / 1'000'000,
                   .process =
                       [] {
                         const auto usage = os::process_usage(os::process_id());
                         if (!usage) return front::ProcessSample{};
                         return front::ProcessSample{.cpu_seconds = usage->cpu_seconds,
                                                     .resident_bytes = usage->rss_bytes,
                                                     .private_bytes = usage->private_bytes};
                       },
                   .change_settings =
                       [this](std::span<const model::SettingAssignment> set) {
                         return front::change_settings(
                             settings_, [this](auto saved) { return save_settings(saved); }, set);
                       }});
    site_->set_phase(front::HttpSite::Phase::kReady);
  }
  return {};
}

// Accepting ends first, then what is in flight is answered while the loops still run; only then
// everything is saved and closed.
Status Node::Parts::stop() {
  if (site_) site_->set_phase(front::HttpSite::Phase::kStopping);
  if (registrar_) registrar_->stop(kUnregisterMs);
  // Waiting pulls are answered with what there is.
  if (broker_) {
    broker_->parked().stop();
    broker_->popper().waiting().stop();
  }
  if (server_ && !server_->drain(kDrainMs))
    log::warn("app", "some answers were not taken by their clients in time");
  if (edge_) edge_->set_serving(false);
  Status result;
  service_.stop();
  if (broker_) {
    if (Status status = broker_->stop(); !status) result = std::move(status);
  }
  if (server_) server_->stop();
  if (edge_) edge_->ended();
  if (http_) http_->stop();
  if (store_) {
    if (Status status = store_->close(); !status) result = std::move(status);
  }
  return result;
}

std::string Node::Parts::ready_line() const {
  const std::int64_t ms = (clock_.monotonic_ns() - options_.started_ns) / 1'000'000;
  const std::string host = shown_address(settings_.get());
  std::string line = "ready in " + std::to_string(ms) + " ms:";
  if (namesrv_port_) line += " namesrv " + host + ":" + std::to_string(*namesrv_port_) + ",";
  if (broker_port_) line += " broker " + host + ":" + std::to_string(*broker_port_) + ",";
  if (http_address_) line += " http " + http_address_->to_string() + ",";
  return line + " data " + settings_.get().store_root;
}

Node::Node(ServeOptions options, os::Disk& disk)
    : parts_(std::make_unique<Parts>(std::move(options), disk)) {}
Node::~Node() = default;

Status Node::start() {
  return parts_->start();
}

Status Node::stop() {
  return parts_->stop();
}

std::string Node::ready_line() const {
  return parts_->ready_line();
}

broker::Broker* Node::broker() {
  return parts_->broker();
}

void set_log_level(const model::Settings& settings) {
  if (const auto level = log::parse_level(settings.log_level)) log::set_level(*level);
}

}  // namespace oncemq::app
