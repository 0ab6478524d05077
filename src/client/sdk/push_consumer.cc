#include "oncemq/push_consumer.h"

#include <atomic>
#include <utility>

#include "client/remoting/meeting.h"
#include "client/sdk/failure.h"
#include "client/sdk/member.h"
#include "client/sdk/name_servers.h"
#include "client/sdk/routes.h"
#include "client/sdk/subscriptions.h"
#include "client/sdk/workers.h"
#include "model/topic.h"
#include "os/clock.h"
#include "os/random.h"

namespace oncemq::sdk {
namespace {

constexpr std::size_t kThreadsMax = 1'024;
constexpr std::int32_t kPullBatchMax = 1'024;

Status check(const PushConsumerOptions& options, const Handler& handler) {
  if (!handler) return failure(Errc::kInvalidArgument, "there is no handler");
  if (const auto named = model::check_group_name(options.group); !named)
    return failure(Errc::kInvalidArgument, named.error().message);
  if (options.subscriptions.empty())
    return failure(Errc::kInvalidArgument, "there is no subscription");
  if (options.threads < 1 || options.threads > kThreadsMax || options.pull_batch < 1 ||
      options.pull_batch > kPullBatchMax)
    return failure(Errc::kInvalidArgument, "threads or pull_batch is not within 1...1024");
  if (options.batch_max < 1 || options.queue_messages_max < 1 || options.queue_bytes_max < 1)
    return failure(Errc::kInvalidArgument,
                   "batch_max, queue_messages_max or queue_bytes_max is not above 0");
  if (options.broadcast && (options.ordered || options.retries_max))
    return failure(Errc::kInvalidArgument, "a broadcast has no order and no retries");
  if (options.retries_max.value_or(0) < 0 || options.close_timeout.count() < 0 ||
      options.start_time_ms < 0)
    return failure(Errc::kInvalidArgument,
                   "retries_max, close_timeout or start_time_ms is below 0");
  return {};
}

}  // namespace

class PushConsumer::Core {
 public:
  static Result<std::unique_ptr<Core>> open(PushConsumerOptions options, Handler handler) {
    if (Status checked = check(options, handler); !checked)
      return tl::unexpected(std::move(checked.error()));
    std::unique_ptr<Core> core(new Core(std::move(options), std::move(handler)));
    std::vector<Subscription> wanted = core->options_.subscriptions;
    if (!core->options_.broadcast)
      wanted.push_back({.topic = model::topic::retry_topic(core->options_.group)});
    auto subscriptions = subscriptions_of(wanted, core->clock_.wall_ms());
    if (!subscriptions) return tl::unexpected(std::move(subscriptions.error()));
    auto name_servers = resolve_name_servers(core->options_.name_servers);
    if (!name_servers) return tl::unexpected(std::move(name_servers.error()));
    // Nobody asks before the member has connected to somebody.
    auto client = client::RemotingClient::open(
        core->clock_, {.on_request = [raw = core.get()](auto& connection, const auto& command) {
          raw->member_->serve(connection, command);
        }});
    if (!client) return failure(Errc::kInternal, client.error().message);
    core->client_ = std::move(*client);
    core->routes_ =
        std::make_unique<Routes>(*core->client_, std::move(*name_servers), Routes::For::kConsuming);
    core->workers_ = std::make_unique<Workers>(core->options_.threads);
    core->member_ =
        std::make_unique<Member>(*core->client_, *core->routes_, *core->workers_, core->options_,
                                 client_id(core->options_.instance, core->random_),
                                 std::move(*subscriptions), core->handler_);
    core->client_->loop().post([raw = core.get()] { raw->member_->start(); });
    return core;
  }

  ~Core() {
    if (member_ == nullptr) return;
    close();
    workers_.reset();  // what is late is waited for
    client_.reset();   // its thread uses the others
  }

  void close() {
    if (workers_->in_task()) {
      client_->loop().post([this] { end([] {}); });
      return;
    }
    const auto meeting = std::make_shared<client::Meeting<bool>>();  // see RemotingClient::invoke
    client_->loop().post([this, meeting] { end([meeting] { meeting->bring(true); }); });
    (void)meeting->wait();
  }

 private:
  Core(PushConsumerOptions options, Handler handler)
      : options_(std::move(options)), handler_(std::move(handler)) {}

  void end(std::function<void()> on_closed) {
    member_->close(std::move(on_closed));
    routes_->close();
  }

  const PushConsumerOptions options_;
  const Handler handler_;
  os::SystemClock clock_;
  os::SystemRandom random_;
  std::unique_ptr<client::RemotingClient> client_;
  std::unique_ptr<Routes> routes_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Member> member_;
};

Result<PushConsumer> PushConsumer::open(PushConsumerOptions options, Handler handler) {
  auto core = Core::open(std::move(options), std::move(handler));
  if (!core) return tl::unexpected(std::move(core.error()));
  return PushConsumer(std::move(*core));
}

PushConsumer::PushConsumer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
PushConsumer::~PushConsumer() = default;
PushConsumer::PushConsumer(PushConsumer&&) noexcept = default;
PushConsumer& PushConsumer::operator=(PushConsumer&&) noexcept = default;

void PushConsumer::close() {
  core_->close();
}

}  // namespace oncemq::sdk
