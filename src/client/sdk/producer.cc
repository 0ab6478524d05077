#include "oncemq/producer.h"

#include <atomic>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "client/remoting/meeting.h"
#include "client/sdk/failure.h"
#include "client/sdk/heart.h"
#include "client/sdk/name_servers.h"
#include "client/sdk/routes.h"
#include "client/sdk/sender.h"
#include "client/sdk/unique_ids.h"
#include "model/topic.h"
#include "os/clock.h"
#include "os/random.h"
#include "wire/remoting/body/heartbeat.h"

namespace oncemq::sdk {

class Producer::Core {
 public:
  static Result<std::unique_ptr<Core>> open(ProducerOptions options) {
    if (Status checked = check(options); !checked)
      return tl::unexpected(std::move(checked.error()));
    auto name_servers = resolve_name_servers(options.name_servers);
    if (!name_servers) return tl::unexpected(std::move(name_servers.error()));
    std::unique_ptr<Core> core(new Core(std::move(options)));
    auto client = client::RemotingClient::open(core->clock_);
    if (!client) return failure(Errc::kInternal, client.error().message);
    core->client_ = std::move(*client);
    core->routes_ = std::make_unique<Routes>(*core->client_, std::move(*name_servers));
    core->heart_ = std::make_unique<Heart>(*core->client_, core->introduction(), [] {});
    core->routes_->on_new([raw = core.get()](const Route& route) {
      for (const auto& [broker, address] : route.masters) raw->heart_->meet(address);
    });
    core->sender_ = std::make_unique<Sender>(*core->client_, *core->routes_, core->options_.group,
                                             core->pending_);
    // From the first tick on the loop knows its thread.
    core->run_on_loop([raw = core.get()] { raw->heart_->start(); });
    return core;
  }

  ~Core() {
    if (client_ == nullptr || sender_ == nullptr) return;
    ONCE_CHECK(!in_callback(), "a producer cannot end in its own callback");
    close();
    client_.reset();  // its thread uses the others
  }

  bool in_callback() const { return client_->loop().in_loop(); }

  Result<Outgoing> encode(const Message& message) {
    return sdk::encode(message, ids_, options_.message_max);
  }
  Result<Outgoing> encode(std::span<const Message> batch) {
    return sdk::encode_batch(batch, ids_, options_.message_max);
  }

  // `what`: as encoded.
  Status start(Result<Outgoing> what, Selector selector, Callback callback) {
    if (!what) return tl::unexpected(std::move(what.error()));
    if (closed_.load()) return failure(Errc::kClosed, "the producer is closed");
    if (pending_.fetch_add(1, std::memory_order_relaxed) >= options_.pending_max) {
      pending_.fetch_sub(1, std::memory_order_relaxed);
      return failure(Errc::kBusy, "too many sends are under way");
    }
    auto sending = std::make_unique<Sending>();
    sending->what = std::move(*what);
    sending->selector = std::move(selector);
    sending->callback = std::move(callback);
    sending->deadline_ms = deadline_ms();
    sending->attempts = options_.attempts;
    client_->loop().post(
        [this, sending = std::move(sending)]() mutable { sender_->start(std::move(sending)); });
    return {};
  }

  // As start(), of a caller who wants to hear.
  Status start_async(Result<Outgoing> what, Selector selector, Callback callback) {
    if (!callback) return failure(Errc::kInvalidArgument, "there is no callback");
    return start(std::move(what), std::move(selector), std::move(callback));
  }

  Result<Receipt> wait_for(Result<Outgoing> what, Selector selector) {
    if (in_callback()) return would_block();
    // Shared: see RemotingClient::invoke.
    const auto meeting = std::make_shared<client::Meeting<Result<Receipt>>>();
    Status started = start(std::move(what), std::move(selector),
                           [meeting](Result<Receipt> done) { meeting->bring(std::move(done)); });
    if (!started) return tl::unexpected(std::move(started.error()));
    return meeting->wait();
  }

  Result<std::vector<Queue>> queues(const std::string& topic) {
    if (const auto named = model::check_topic_name(topic); !named)
      return failure(Errc::kInvalidArgument, named.error().message);
    if (in_callback()) return would_block();
    const auto meeting = std::make_shared<client::Meeting<Result<Routes::Found>>>();
    client_->loop().post([this, topic, until = deadline_ms(), meeting] {
      routes_->find(topic, until,
                    [meeting](Result<Routes::Found> found) { meeting->bring(std::move(found)); });
    });
    auto found = meeting->wait();
    if (!found) return tl::unexpected(std::move(found.error()));
    return (*found)->queues;
  }

  void close() {
    closed_.store(true);
    const auto end = [this] {
      sender_->close();
      routes_->close();
      heart_->leave([] {});  // nobody waits for brokers
    };
    if (in_callback())
      client_->loop().post(end);  // callbacks do not run within each other
    else
      run_on_loop(end);
  }

 private:
  explicit Core(ProducerOptions options) : options_(std::move(options)), ids_(clock_, random_) {}

  static Status check(const ProducerOptions& options) {
    if (const auto named = model::check_group_name(options.group); !named)
      return failure(Errc::kInvalidArgument, named.error().message);
    if (options.timeout.count() <= 0 || options.attempts < 1 || options.pending_max == 0)
      return failure(Errc::kInvalidArgument, "timeout, attempts or pending_max is not above 0");
    return {};
  }
  Heart::Member introduction() {
    wire::HeartbeatBody body;
    body.client_id = client_id({}, random_);
    body.producers = {{.name = options_.group}};
    return {.client_id = body.client_id,
            .producer_group = options_.group,
            .heartbeat = wire::encode_body(body)};
  }
  static tl::unexpected<Error> would_block() {
    return failure(Errc::kWouldBlock, "a callback cannot wait");
  }
  std::int64_t deadline_ms() const { return clock_.monotonic_ms() + options_.timeout.count(); }

  template <class Function>
  void run_on_loop(Function function) {
    const auto meeting = std::make_shared<client::Meeting<bool>>();  // shared: as above
    client_->loop().post([function, meeting] {
      function();
      meeting->bring(true);
    });
    (void)meeting->wait();
  }

  const ProducerOptions options_;
  os::SystemClock clock_;
  os::SystemRandom random_;
  UniqueIds ids_;
  std::atomic<bool> closed_{false};
  std::atomic<std::size_t> pending_{0};
  std::unique_ptr<client::RemotingClient> client_;
  std::unique_ptr<Routes> routes_;
  std::unique_ptr<Heart> heart_;
  std::unique_ptr<Sender> sender_;
};

Result<Producer> Producer::open(ProducerOptions options) {
  auto core = Core::open(std::move(options));
  if (!core) return tl::unexpected(std::move(core.error()));
  return Producer(std::move(*core));
}

Producer::Producer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Producer::~Producer() = default;
Producer::Producer(Producer&&) noexcept = default;
Producer& Producer::operator=(Producer&&) noexcept = default;

Result<Receipt> Producer::send(const Message& message) {
  return core_->wait_for(core_->encode(message), nullptr);
}
Result<Receipt> Producer::send(const Message& message, Selector selector) {
  return core_->wait_for(core_->encode(message), std::move(selector));
}
Result<Receipt> Producer::send(std::span<const Message> batch) {
  return core_->wait_for(core_->encode(batch), nullptr);
}

Status Producer::send_async(const Message& message, Callback callback) {
  return core_->start_async(core_->encode(message), nullptr, std::move(callback));
}
Status Producer::send_async(const Message& message, Selector selector, Callback callback) {
  return core_->start_async(core_->encode(message), std::move(selector), std::move(callback));
}
Status Producer::send_async(std::span<const Message> batch, Callback callback) {
  return core_->start_async(core_->encode(batch), nullptr, std::move(callback));
}

Status Producer::send_oneway(const Message& message) {
  return core_->start(core_->encode(message), nullptr, nullptr);
}

Result<std::vector<Queue>> Producer::queues(const std::string& topic) {
  return core_->queues(topic);
}

void Producer::close() {
  core_->close();
}

}  // namespace oncemq::sdk
