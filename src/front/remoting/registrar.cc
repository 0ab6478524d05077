#include "front/remoting/registrar.h"

#include <algorithm>

#include "base/log.h"
#include "model/config_json.h"
#include "net/address.h"
#include "wire/remoting/body/register_broker.h"
#include "wire/remoting/schema/name_brokers.h"

namespace oncemq::front {

// One name server elsewhere. Confined to the loop, except `text_` and resolve().
class Registrar::Peer {
 public:
  Peer(Registrar& owner, std::string text) : owner_(owner), text_(std::move(text)) {}

  // Service thread: the result is handed to the loop.
  void resolve() {
    auto found = net::resolve(text_);
    if (!found) {
      log::warn("registrar", "name server {}: {}", text_, found.error().message);
      return;
    }
    owner_.loop_.post([this, address = found->front()] {
      address_ = address;
      has_address_ = true;
    });
  }

  void register_now() {
    dirty_ = true;
    step();
  }

  void unregister() {
    leaving_ = true;
    dirty_ = true;
    if (connection_ == nullptr || connecting_) return left();
    step();
  }

 private:
  class Handler;

  void step() {
    if (!dirty_ || waiting_) return;
    if (connection_ == nullptr) return connect();
    if (connecting_) return;
    dirty_ = false;
    send();
  }
  void connect();
  void send();
  void left() {
    if (!leaving_ || gone_) return;
    gone_ = true;
    MutexLock lock(owner_.mutex_);
    --owner_.unregistering_;
    owner_.unregistered_.notify_all();
  }
  void answered(const wire::Command& answer) {
    if (answer.opaque != opaque_) return;
    waiting_ = false;
    if (answer.code != 0) {
      log::warn("registrar", "name server {} refused: {} {}", text_, answer.code, answer.remark);
    } else if (!registered_ && !leaving_) {
      registered_ = true;
      log::info("registrar", "registered with name server {}", text_);
    }
    if (sent_leave_) return left();
    step();
  }
  void closed() {
    connection_ = nullptr;
    connecting_ = waiting_ = false;
    if (registered_) log::warn("registrar", "lost name server {}", text_);
    registered_ = false;
    if (leaving_) return left();
    dirty_ = true;
    owner_.loop_.add_timer(owner_.loop_.now_ms() + kRetryMs, [this] { step(); });
  }

  Registrar& owner_;
  const std::string text_;
  Address address_;
  bool has_address_ = false;
  net::Connection* connection_ = nullptr;
  std::int32_t opaque_ = 0;
  bool connecting_ = false;
  bool waiting_ = false;     // for an answer
  bool dirty_ = false;       // something is to be told
  bool registered_ = false;  // for the log
  bool leaving_ = false;
  bool sent_leave_ = false;
  bool gone_ = false;
};

class Registrar::Peer::Handler final : public net::ConnectionHandler {
 public:
  explicit Handler(Peer& peer) : peer_(peer) {}

  void on_open(net::Connection&) override {
    peer_.connecting_ = false;
    peer_.step();
  }
  std::size_t on_bytes(net::Connection& connection, Bytes unread) override {
    std::size_t consumed = 0;
    for (;;) {
      const wire::Cut cut = wire::cut_frame(unread.subspan(consumed));
      if (cut.state == wire::Cut::State::kIncomplete) return consumed;
      if (cut.state == wire::Cut::State::kBad || !command_.decode(cut.frame)) {
        connection.close(net::CloseReason::kBadBytes);
        return consumed;
      }
      consumed += cut.size;
      // What a name server asks of brokers (905) concerns replicas only.
      if (command_.is_response()) peer_.answered(command_);
    }
  }
  void on_close(net::Connection&, net::CloseReason) override { peer_.closed(); }

 private:
  Peer& peer_;
  wire::Command command_;
};

void Registrar::Peer::connect() {
  if (!has_address_) return;
  auto connection = owner_.loop_.connect(address_, std::make_unique<Handler>(*this));
  if (!connection) {
    log::warn("registrar", "name server {}: {}", text_, connection.error().message);
    return;
  }
  connection_ = *connection;
  connecting_ = true;
}

void Registrar::Peer::send() {
  std::string frame;
  ++opaque_;
  if (leaving_) {
    sent_leave_ = true;
    const std::string address = owner_.options_.address.to_string();
    wire::encode_request<wire::UnregisterBroker>(frame, wire::HeaderKind::kJson, opaque_,
                                                 {.broker_name = owner_.options_.name,
                                                  .broker_address = address,
                                                  .cluster_name = owner_.options_.cluster,
                                                  .broker_id = owner_.options_.id});
  } else {
    route::Registration all = owner_.registration();
    wire::RegisterBrokerBody body{.version = all.version};
    for (model::TopicConfig& topic : all.topics) {
      std::string name = topic.name;
      body.topics.emplace(std::move(name), std::move(topic));
    }
    const std::string text = wire::encode_register_body(body);
    wire::encode_request<wire::RegisterBroker>(
        frame, wire::HeaderKind::kJson, opaque_,
        {.broker_name = all.broker_name,
         .broker_address = all.address,
         .cluster_name = all.cluster,
         .ha_address = all.ha_address,
         .broker_id = all.broker_id,
         .enable_acting_master = false,
         .body_crc32 = wire::register_body_crc(as_bytes(text))},
        text.size());
    frame += text;
  }
  connection_->write(as_bytes(frame));
  waiting_ = true;
}

namespace {

std::string ha_address_of(const Address& address) {
  Address ha = address;
  ha.port = static_cast<std::uint16_t>(ha.port + 1);
  return ha.to_string();
}

}  // namespace

Registrar::Registrar(net::EventLoop& loop, broker::Broker& broker, const broker::Options& options,
                     const broker::Switches& switches, const model::LiveSettings& settings,
                     const os::Clock& clock, route::NameService* own, std::string_view name_servers)
    : loop_(loop),
      broker_(broker),
      options_(options),
      switches_(switches),
      settings_(settings),
      clock_(clock),
      own_(own),
      ha_address_(ha_address_of(options.address)) {
  while (!name_servers.empty()) {
    const std::size_t end = std::min(name_servers.find(';'), name_servers.size());
    if (end > 0)
      peers_.push_back(std::make_unique<Peer>(*this, std::string(name_servers.substr(0, end))));
    name_servers.remove_prefix(std::min(end + 1, name_servers.size()));
  }
}

Registrar::~Registrar() = default;

// What the broker forbids as a whole, no topic of it allows.
model::TopicConfig Registrar::shown(model::TopicConfig topic) const {
  const std::int32_t permission = switches_.permission.load(std::memory_order_relaxed);
  constexpr std::int32_t kBoth = model::perm::kRead | model::perm::kWrite;
  if ((permission & kBoth) != kBoth) topic.perm &= permission;
  return topic;
}

route::Registration Registrar::registration() const {
  broker::TopicSnapshot snapshot = broker_.topics().snapshot();
  for (model::TopicConfig& topic : snapshot.topics) topic = shown(std::move(topic));
  return {.cluster = options_.cluster,
          .broker_name = options_.name,
          .address = options_.address.to_string(),
          .broker_id = options_.id,
          .ha_address = ha_address_,
          .version = snapshot.version,
          .topics = std::move(snapshot.topics)};
}

std::int64_t Registrar::refresh() {
  tell_own({});
  for (const auto& peer : peers_) peer->resolve();
  topics_changed_elsewhere();
  return clock_.monotonic_ms() + settings_.get().register_period_ms;
}

void Registrar::topics_changed(std::span<const std::string> names) {
  tell_own(names);
  topics_changed_elsewhere();
}

// Reading the table and telling what was read is one step: of two threads that change one topic,
// the one that tells last has seen both changes.
void Registrar::tell_own(std::span<const std::string> names) {
  if (own_ == nullptr) return;
  MutexLock lock(telling_);
  if (stopped_.load()) return;
  if (names.empty()) {
    route::Registration all = registration();
    // It lives as long as the name service itself.
    all.timeout_ms = INT64_MAX;
    if (const auto answer = own_->register_broker(all); !answer)
      log::error("registrar", "own name service: {}", answer.error().message);
    return;
  }
  std::vector<model::TopicConfig> topics;
  for (const std::string& name : names) {
    if (auto config = broker_.topics().config(name)) topics.push_back(shown(std::move(*config)));
  }
  own_->update_topics(options_.cluster, options_.name, options_.address.to_string(),
                      broker_.topics().version(), topics);
}

void Registrar::topics_changed_elsewhere() {
  if (peers_.empty() || posted_.exchange(true)) return;
  loop_.post([this] {
    posted_.store(false);
    if (stopped_.load()) return;
    for (const auto& peer : peers_) peer->register_now();
  });
}

void Registrar::stop(std::int64_t limit_ms) {
  if (stopped_.exchange(true)) return;
  if (own_ != nullptr) {
    MutexLock lock(telling_);
    own_->unregister_broker(options_.cluster, options_.name, options_.address.to_string(),
                            options_.id);
  }
  if (peers_.empty()) return;
  {
    MutexLock lock(mutex_);
    unregistering_ = peers_.size();
  }
  loop_.post([this] {
    for (const auto& peer : peers_) peer->unregister();
  });
  const std::int64_t deadline_ms = clock_.monotonic_ms() + limit_ms;
  MutexLock lock(mutex_);
  while (unregistering_ > 0) {
    const std::int64_t left_ms = deadline_ms - clock_.monotonic_ms();
    if (left_ms <= 0) break;
    (void)unregistered_.wait_for(mutex_, std::chrono::milliseconds(left_ms));
  }
}

}  // namespace oncemq::front
