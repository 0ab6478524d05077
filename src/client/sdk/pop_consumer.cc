#include "oncemq/pop_consumer.h"

#include <atomic>
#include <span>
#include <utility>

#include "client/sdk/failure.h"
#include "client/sdk/pop_calls.h"
#include "client/sdk/receiver.h"
#include "client/sdk/session.h"
#include "client/sdk/subscriptions.h"
#include "client/sdk/transaction_core.h"
#include "client/sdk/unique_ids.h"
#include "model/topic.h"
#include "wire/remoting/schema/pop.h"

namespace oncemq::sdk {
namespace {

constexpr std::int32_t kMessagesMax = 32;  // brokers refuse more
constexpr std::chrono::milliseconds kInvisibleMax = std::chrono::hours(72);

bool is_invisible_time(std::chrono::milliseconds time) {
  return time.count() >= 1 && time <= kInvisibleMax;
}

Status check(const PopConsumerOptions& options) {
  if (const auto named = model::check_group_name(options.group); !named)
    return failure(Errc::kInvalidArgument, named.error().message);
  if (options.subscriptions.empty())
    return failure(Errc::kInvalidArgument, "there is no subscription");
  if (!is_invisible_time(options.invisible))
    return failure(Errc::kInvalidArgument, "invisible is not within 1 ms and 3 days");
  if (options.start_at == StartAt::kTime)
    return failure(Errc::kInvalidArgument, "a group that pops cannot begin at a time");
  if (options.timeout.count() <= 0 || options.pending_max == 0)
    return failure(Errc::kInvalidArgument, "timeout or pending_max is not above 0");
  return {};
}

}  // namespace

class PopConsumer::Core {
 public:
  static Result<std::unique_ptr<Core>> open(PopConsumerOptions options) {
    if (Status checked = check(options); !checked)
      return tl::unexpected(std::move(checked.error()));
    std::unique_ptr<Core> core(new Core(std::move(options)));
    auto subscriptions =
        subscriptions_of(core->options_.subscriptions, os::SystemClock().wall_ms());
    if (!subscriptions) return tl::unexpected(std::move(subscriptions.error()));
    auto session = Session::open(core->options_.name_servers, core->options_.instance,
                                 {.consume_from = core->options_.start_at == StartAt::kLast
                                                      ? wire::ConsumeFrom::kLastOffset
                                                      : wire::ConsumeFrom::kFirstOffset,
                                  .consume_type = model::ConsumeType::kPop,
                                  .name = core->options_.group,
                                  .subscriptions = *subscriptions});
    if (!session) return tl::unexpected(std::move(session.error()));
    core->session_ = std::move(*session);
    core->receiver_ =
        std::make_unique<Receiver>(*core->session_, core->options_, std::move(*subscriptions));
    return core;
  }

  ~Core() {
    if (receiver_ == nullptr) return;
    close();
    session_.reset();  // its thread uses the others
  }

  Result<std::vector<Delivery>> receive(std::int32_t max, std::chrono::milliseconds wait) {
    if (max < 1 || max > kMessagesMax || wait.count() < 0)
      return failure(Errc::kInvalidArgument, "max is not within 1...32, or wait is below 0");
    const std::int64_t until_ms = session_->now_ms() + wait.count();
    return session_->wait_for<std::vector<Delivery>>([&](Receiver::OnReceived on_received) {
      receiver_->start(max, until_ms, std::move(on_received));
    });
  }

  Status ack_async(const Delivery& delivery, Callback callback) {
    if (!callback) return failure(Errc::kInvalidArgument, "there is no callback");
    auto handle = handle_parts(options_.group, delivery);
    if (!handle) return tl::unexpected(std::move(handle.error()));
    if (pending_.fetch_add(1, std::memory_order_relaxed) >= options_.pending_max) {
      pending_.fetch_sub(1, std::memory_order_relaxed);
      return failure(Errc::kBusy, "too many calls are under way");
    }
    Calls::Call call = ack_call(*session_, options_, std::move(*handle));
    call.on_answer = [this, callback = std::move(callback)](const Result<client::Answer>& answer) {
      pending_.fetch_sub(1, std::memory_order_relaxed);
      callback(status_of(answer));
    };
    session_->client().loop().post(
        [this, call = std::move(call)]() mutable { session_->calls().start(std::move(call)); });
    return {};
  }

  Status ack(const Delivery& delivery) {
    auto handle = handle_parts(options_.group, delivery);
    if (!handle) return tl::unexpected(std::move(handle.error()));
    return status_of(session_->call(ack_call(*session_, options_, std::move(*handle))));
  }

  Status change_invisible(Delivery& delivery, std::chrono::milliseconds invisible) {
    if (!is_invisible_time(invisible))
      return failure(Errc::kInvalidArgument, "invisible is not within 1 ms and 3 days");
    const auto handle = handle_parts(options_.group, delivery);
    if (!handle) return tl::unexpected(handle.error());
    const auto answer =
        session_->call(change_call(*session_, options_, *handle, invisible.count()));
    if (Status status = status_of(answer); !status) return status;
    const auto reply = answer->fields<wire::ChangeInvisibleTime>();
    if (!reply) return failure(Errc::kInternal, reply.error().message);
    delivery.handle =
        changed_handle(*handle, reply->pop_time, reply->invisible_time, reply->revive_queue);
    return {};
  }

  std::unique_ptr<Transaction::Core> begin() {
    return std::make_unique<Transaction::Core>(*session_, ids_, options_);
  }

  void close() {
    session_->close([this] { receiver_->close(); });
  }

 private:
  explicit Core(PopConsumerOptions options) : options_(std::move(options)) {}

  const PopConsumerOptions options_;
  std::atomic<std::size_t> pending_{0};
  os::SystemClock clock_;
  os::SystemRandom random_;
  UniqueIds ids_{clock_, random_};
  std::unique_ptr<Session> session_;
  std::unique_ptr<Receiver> receiver_;
};

Result<PopConsumer> PopConsumer::open(PopConsumerOptions options) {
  auto core = Core::open(std::move(options));
  if (!core) return tl::unexpected(std::move(core.error()));
  return PopConsumer(std::move(*core));
}

PopConsumer::PopConsumer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
PopConsumer::~PopConsumer() = default;
PopConsumer::PopConsumer(PopConsumer&&) noexcept = default;
PopConsumer& PopConsumer::operator=(PopConsumer&&) noexcept = default;

Result<std::vector<Delivery>> PopConsumer::receive(std::int32_t max,
                                                   std::chrono::milliseconds wait) {
  return core_->receive(max, wait);
}

Status PopConsumer::ack(const Delivery& delivery) {
  return core_->ack(delivery);
}
Status PopConsumer::ack_async(const Delivery& delivery, Callback callback) {
  return core_->ack_async(delivery, std::move(callback));
}
Status PopConsumer::change_invisible(Delivery& delivery, std::chrono::milliseconds invisible) {
  return core_->change_invisible(delivery, invisible);
}

Transaction PopConsumer::begin() {
  return Transaction(core_->begin());
}

void PopConsumer::close() {
  core_->close();
}

}  // namespace oncemq::sdk
