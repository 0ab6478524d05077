#include "oncemq/embedded.h"

#include <array>
#include <string_view>
#include <utility>

#include "app/node.h"
#include "broker/broker.h"
#include "client/sdk/failure.h"
#include "model/settings.h"
#include "os/clock.h"
#include "os/memory_disk.h"
#include "os/random.h"
#include "os/real_disk.h"

namespace oncemq::sdk {
namespace {

// That a port of the range below is taken is rare; twenty times in a row means something else.
constexpr int kTries = 20;

// What the embedded broker is, or what belongs to the whole process.
constexpr std::array<std::string_view, 8> kOwn = {
    "storePathRootDir", "listenPort", "namesrvListenPort", "bindAddress",
    "brokerIP1",        "roles",      "allowFaults",       "logLevel"};

constexpr bool same(Fault ours, broker::FaultKind theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(broker::kFaultKinds == 5 &&
              same(Fault::kLoseSendResponse, broker::FaultKind::kLoseSendResponse) &&
              same(Fault::kDeliverTwice, broker::FaultKind::kDeliverTwice) &&
              same(Fault::kLoseAck, broker::FaultKind::kLoseAck) &&
              same(Fault::kExpireHandle, broker::FaultKind::kExpireHandle) &&
              same(Fault::kPause, broker::FaultKind::kPause));

Errc code_of(oncemq::Errc code) {
  if (code == oncemq::Errc::kInvalidArgument || code == oncemq::Errc::kNotFound)
    return Errc::kInvalidArgument;
  if (code == oncemq::Errc::kBusy || code == oncemq::Errc::kInUse) return Errc::kBusy;
  return Errc::kInternal;
}

tl::unexpected<Error> failure_of(oncemq::Error error) {
  return failure(code_of(error.code), std::move(error.message));
}

tl::unexpected<Error> stopped() {
  return failure(Errc::kClosed, "the broker is stopped");
}

// Small files: a test has few messages, and a memory disk holds what is written of them.
model::Settings defaults() {
  model::Settings settings;
  settings.broker_name = "embedded";
  settings.bind_address = "127.0.0.1";
  settings.broker_ip = "127.0.0.1";
  settings.listen_port = 0;  // see open()
  settings.namesrv_listen_port = 0;
  settings.http_listen_port = 0;
  settings.fast_listen_port = 0;
  settings.event_loop_threads = 1;
  settings.log_file_size = 16 << 20;
  settings.index_slots = 10'000;
  settings.index_entries = 40'000;
  settings.allow_faults = true;
  return settings;
}

Result<model::Settings> settings_of(const EmbeddedOptions& options) {
  model::Settings settings = defaults();
  for (const auto& [name, value] : options.settings) {
    for (const std::string_view own : kOwn)
      if (name == own)
        return failure(Errc::kInvalidArgument, "'" + name + "' is not for embedded brokers");
    if (oncemq::Status set = model::apply_setting(settings, name, value); !set)
      return failure_of(std::move(set.error()));
  }
  settings.store_root = options.folder.empty() ? "memory" : options.folder;
  if (oncemq::Status fits = model::check_settings(settings); !fits)
    return failure_of(std::move(fits.error()));
  return settings;
}

// Below the ports that kernels give to outgoing connections: nobody has it by chance when the
// broker starts again, and a client that tries while it is stopped does not meet itself. Ends in 7;
// tests/support/ports.py gives ports with other ends, 8 is for the broker.
std::int32_t some_port(os::Random& random) {
  return static_cast<std::int32_t>(10'000 + random.below(2'200) * 10 + 7);
}

std::string loopback(std::int32_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

FaultRecord record_of(broker::FaultView view) {
  return {.id = view.id,
          .order = {.fault = static_cast<Fault>(view.order.kind),
                    .topic = std::move(view.order.topic),
                    .group = std::move(view.order.group),
                    .probability = view.order.probability,
                    .count = view.order.count,
                    .lasts = std::chrono::milliseconds(view.order.for_ms)},
          .active = view.state == broker::FaultState::kActive,
          .struck = view.struck};
}

}  // namespace

class EmbeddedBroker::Core {
 public:
  Core(model::Settings settings, bool in_memory) : settings_(std::move(settings)) {
    if (in_memory)
      disk_ = std::make_unique<os::MemoryDisk>(&clock_);
    else
      disk_ = std::make_unique<os::RealDisk>();
  }
  ~Core() { (void)stop(); }

  oncemq::Status open();
  oncemq::Status start();
  oncemq::Status stop();
  // Null when it is stopped.
  broker::Broker* broker() const { return node_ == nullptr ? nullptr : node_->broker(); }

  const std::string& name_server() const { return name_server_; }
  const std::string& address() const { return address_; }

 private:
  os::SystemClock clock_;
  std::unique_ptr<os::Disk> disk_;
  model::Settings settings_;
  std::string name_server_;
  std::string address_;
  std::unique_ptr<app::Node> node_;
};

oncemq::Status EmbeddedBroker::Core::open() {
  oncemq::Status started = disk_->make_dirs(settings_.store_root);
  if (!started) return fail(oncemq::Errc::kInvalidArgument, std::move(started.error().message));
  os::SystemRandom random;
  for (int tries = 0; tries < kTries; ++tries) {
    settings_.namesrv_listen_port = some_port(random);
    settings_.listen_port = settings_.namesrv_listen_port + 1;
    started = start();
    if (started) {
      name_server_ = loopback(settings_.namesrv_listen_port);
      address_ = loopback(settings_.listen_port);
    }
    if (started || started.error().code != oncemq::Errc::kBusy) break;
  }
  return started;
}

oncemq::Status EmbeddedBroker::Core::start() {
  if (node_ != nullptr) return {};
  auto node = std::make_unique<app::Node>(
      app::ServeOptions{.settings = settings_, .started_ns = clock_.monotonic_ns()}, *disk_);
  oncemq::Status started = node->start();
  if (started)
    node_ = std::move(node);
  else
    (void)node->stop();
  return started;
}

oncemq::Status EmbeddedBroker::Core::stop() {
  if (node_ == nullptr) return {};
  oncemq::Status ended = node_->stop();
  node_.reset();
  return ended;
}

EmbeddedBroker::EmbeddedBroker(std::unique_ptr<Core> core) : core_(std::move(core)) {}
EmbeddedBroker::~EmbeddedBroker() = default;
EmbeddedBroker::EmbeddedBroker(EmbeddedBroker&&) noexcept = default;
EmbeddedBroker& EmbeddedBroker::operator=(EmbeddedBroker&&) noexcept = default;

Result<EmbeddedBroker> EmbeddedBroker::open(EmbeddedOptions options) {
  auto settings = settings_of(options);
  if (!settings) return tl::unexpected<Error>(std::move(settings.error()));
  auto core = std::make_unique<Core>(std::move(*settings), options.folder.empty());
  if (oncemq::Status opened = core->open(); !opened) return failure_of(std::move(opened.error()));
  return EmbeddedBroker(std::move(core));
}

const std::string& EmbeddedBroker::name_server() const {
  return core_->name_server();
}

const std::string& EmbeddedBroker::address() const {
  return core_->address();
}

Status EmbeddedBroker::create_topic(const std::string& topic, std::int32_t queues,
                                    const std::map<std::string, std::string>& attributes) {
  broker::Broker* const broker = core_->broker();
  if (broker == nullptr) return stopped();
  model::TopicConfig config{.name = topic, .read_queues = queues, .write_queues = queues};
  for (const auto& [name, value] : attributes) config.attributes["+" + name] = value;
  if (oncemq::Status made = broker->topics().update(config); !made)
    return failure_of(std::move(made.error()));
  return {};
}

Result<std::uint64_t> EmbeddedBroker::add_fault(const FaultOrder& order) {
  broker::Broker* const broker = core_->broker();
  if (broker == nullptr) return stopped();
  auto id = broker->faults()->add({.kind = static_cast<broker::FaultKind>(order.fault),
                                   .topic = order.topic,
                                   .group = order.group,
                                   .probability = order.probability,
                                   .count = order.count,
                                   .for_ms = order.lasts.count()});
  if (!id) return failure_of(std::move(id.error()));
  return *id;
}

Status EmbeddedBroker::clear_fault(std::uint64_t id) {
  broker::Broker* const broker = core_->broker();
  if (broker == nullptr) return stopped();
  if (oncemq::Status cleared = broker->faults()->clear(id); !cleared)
    return failure_of(std::move(cleared.error()));
  return {};
}

void EmbeddedBroker::clear_faults() {
  if (broker::Broker* const broker = core_->broker()) broker->faults()->clear_all();
}

std::vector<FaultRecord> EmbeddedBroker::faults() const {
  std::vector<FaultRecord> records;
  broker::Broker* const broker = core_->broker();
  if (broker == nullptr) return records;
  for (broker::FaultView& view : broker->faults()->list())
    records.push_back(record_of(std::move(view)));
  return records;
}

Status EmbeddedBroker::stop() {
  if (oncemq::Status ended = core_->stop(); !ended) return failure_of(std::move(ended.error()));
  return {};
}

Status EmbeddedBroker::start() {
  if (oncemq::Status started = core_->start(); !started)
    return failure_of(std::move(started.error()));
  return {};
}

}  // namespace oncemq::sdk
