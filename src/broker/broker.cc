#include "broker/broker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace oncemq::broker {

namespace {

// Locks, channels and parked pulls are looked at this often; both live for a minute and more.
constexpr std::int64_t kExpiryIntervalMs = 5'000;
// A file that could not be written is tried again after this.
constexpr std::int64_t kSaveRetryMs = 1'000;
// Only statistics stand on this file.
constexpr std::int64_t kDeliveriesIntervalMs = 30'000;
// Nothing that can become due unseen may wait longer than this.
constexpr std::int64_t kIdleMs = 1'000;

}  // namespace

Broker::Broker(const Options& options, Switches& switches, store::MessageStore& store,
               os::Disk& disk, os::Clock& clock, os::Random& random)
    : options_(options),
      store_(store),
      clock_(clock),
      stats_(clock, options.delivery_ledger_bytes),
      unique_keys_(options.address, random, clock),
      topics_(options, switches, store, clock),
      groups_(options, switches, topics_, clock),
      offsets_(options, clock),
      clients_(options, switches, groups_, clock),
      locks_(options, clock),
      idempotence_(options, topics_, store, disk, clock, random),
      sender_(options, switches, topics_, groups_, locks_, idempotence_, store, stats_,
              unique_keys_, clock),
      send_back_(options, switches, topics_, groups_, store, stats_, clock),
      dead_letters_(options, switches, topics_, groups_, store, stats_.causes(), clock),
      parked_(options, store, clock),
      deliveries_(options, clients_, stats_.causes()),
      filters_(switches),
      puller_(switches, topics_, groups_, offsets_, clients_, filters_, parked_, store, stats_,
              deliveries_),
      popper_(options, switches, topics_, groups_, offsets_, filters_, sender_, send_back_, store,
              stats_, clock),
      request_modes_(options),
      schedule_(options, topics_, store, stats_, clock),
      timers_(options, topics_, store, stats_, disk, clock),
      transactions_(options, topics_, offsets_, idempotence_, store, stats_, disk, clock),
      transaction_checker_(options, switches, transactions_, clients_, clock),
      atomic_commits_(options, topics_, offsets_, popper_, sender_, idempotence_, store, clock),
      query_(options, topics_, offsets_, store),
      admin_(topics_, groups_, offsets_, clients_, locks_, parked_, popper_, dead_letters_, store,
             stats_),
      runtime_info_(options, switches, schedule_, timers_, store, stats_, clock),
      faults_(options.allow_faults ? std::make_unique<Faults>(clock, random) : nullptr),
      saver_(disk, options.config_dir) {
  topics_file_ = saver_.add("topics.json", [this] { return topics_.dump(); });
  groups_file_ = saver_.add("subscriptionGroup.json", [this] { return groups_.dump(); });
  offsets_file_ = saver_.add("consumerOffset.json", [this] { return offsets_.dump(); });
  delays_file_ = saver_.add("delayOffset.json", [this] { return schedule_.dump(); });
  modes_file_ = saver_.add("messageRequestMode.json", [this] { return request_modes_.dump(); });
  pop_file_ = saver_.add("onceMqPop.json", [this] { return popper_.dump(); });
  request_modes_.set_dirty_hook([this] { changed(modes_file_); });
  deliveries_file_ = saver_.add("once-deliveries.json", [this] { return deliveries_.dump(); });
  topics_.set_dirty_hook([this] { changed(topics_file_); });
  groups_.set_dirty_hook([this] { changed(groups_file_); });
}

Broker::~Broker() = default;

void Broker::set_service_waker(std::function<void()> wake_service) {
  wake_service_ = std::move(wake_service);
}

void Broker::changed(std::size_t file) {
  saver_.mark(file);
  if (wake_service_ != nullptr) wake_service_();
}

Status Broker::load() {
  const auto load = [this](std::size_t file, auto& noun) -> Status {
    auto text = saver_.load(file);
    if (!text.has_value()) return fail(std::move(text.error()));
    return noun.load(*text);
  };
  ONCE_TRY(load(topics_file_, topics_));
  ONCE_TRY(load(groups_file_, groups_));
  ONCE_TRY(load(offsets_file_, offsets_));
  ONCE_TRY(load(delays_file_, schedule_));
  ONCE_TRY(timers_.load());
  ONCE_TRY(load(modes_file_, request_modes_));
  ONCE_TRY(load(pop_file_, popper_));
  auto deliveries = saver_.load(deliveries_file_);
  if (!deliveries) return fail(std::move(deliveries.error()));
  // Nothing but counts stands on it: no reason not to start.
  if (const Status status = deliveries_.load(*deliveries, topics_); !status)
    log::warn("broker", "{}; what the restart repeats is not counted", status.error().message);
  saver_.mark(topics_file_);
  saver_.mark(groups_file_);
  return {};
}

Status Broker::start(std::function<void(store::CommittedOffset)> committed) {
  committed_ = std::move(committed);
  const std::int64_t now = clock_.monotonic_ms();
  next_expiry_ms_ = now + kExpiryIntervalMs;
  next_offsets_ms_ = now + options_.offsets_interval_ms;
  next_delays_ms_ = now + options_.delay_offsets_interval_ms;
  next_deliveries_ms_ = now + kDeliveriesIntervalMs;
  store_.start([this](store::CommittedOffset end, std::span<store::ConsumeQueue* const> arrived) {
    // Replies first: they are what a sender waits for; the consumer's wake-up is a post.
    if (committed_ != nullptr) committed_(end);
    parked_.arrived(arrived);
    timers_.arrived(arrived);
    popper_.waiting().arrived(arrived);
  });
  ONCE_TRY(transactions_.start());
  ONCE_TRY(idempotence_.start());
  ONCE_TRY(atomic_commits_.start());
  transaction_checker_.start();
  // Before the first operation: the dump may be ahead of the log.
  if (popper_.wants_dump()) {
    saver_.mark(pop_file_);
    (void)saver_.run();  // a failure is logged and tried again
  }
  sender_.set_accepting(true);
  return {};
}

Status Broker::stop() {
  if (std::exchange(stopped_, true)) return {};
  sender_.set_accepting(false);
  parked_.stop();
  transactions_.stop();
  atomic_commits_.stop();
  idempotence_.stop();
  popper_.waiting().stop();
  offsets_.take_dirty();
  schedule_.take_dirty();
  for (std::size_t file :
       {topics_file_, groups_file_, offsets_file_, delays_file_, pop_file_, deliveries_file_})
    saver_.mark(file);
  Status timers = timers_.stop();
  Status saved = saver_.run();
  return saved ? std::move(timers) : std::move(saved);
}

void Broker::when_saved(std::function<void(const Status&)> done) {
  // Offsets are otherwise saved by the clock.
  if (offsets_.take_dirty()) saver_.mark(offsets_file_);
  saver_.when_saved(std::move(done));
  if (wake_service_ != nullptr) wake_service_();
}

std::int64_t Broker::service_tick() {
  if (stopped_) return clock_.monotonic_ms() + kIdleMs;
  const std::int64_t delivery_wait = std::min(schedule_.tick(), transaction_checker_.tick());
  transactions_.tick();
  atomic_commits_.tick();
  idempotence_.tick();
  const std::int64_t letters_wait = dead_letters_.tick();
  const std::int64_t next_deadline = std::min(parked_.expire(), popper_.tick());
  const std::int64_t next_stats = stats_.tick();
  const std::int64_t now = clock_.monotonic_ms();
  if (faults_ != nullptr) (void)faults_->tick();  // at least once in kIdleMs
  if (now >= next_expiry_ms_) {
    next_expiry_ms_ = now + kExpiryIntervalMs;
    clients_.expire();
    locks_.expire();
  }
  if (now >= next_offsets_ms_) {
    next_offsets_ms_ = now + options_.offsets_interval_ms;
    if (offsets_.take_dirty()) saver_.mark(offsets_file_);
  }
  if (now >= next_delays_ms_) {
    next_delays_ms_ = now + options_.delay_offsets_interval_ms;
    if (schedule_.take_dirty()) saver_.mark(delays_file_);
  }
  if (popper_.wants_dump()) saver_.mark(pop_file_);
  if (now >= next_deliveries_ms_) {
    next_deliveries_ms_ = now + kDeliveriesIntervalMs;
    if (deliveries_.take_dirty()) saver_.mark(deliveries_file_);
  }
  if (saver_.pending() && now >= next_save_ms_)
    next_save_ms_ = saver_.run().has_value() ? 0 : clock_.monotonic_ms() + kSaveRetryMs;
  return std::min({now + std::min({delivery_wait, letters_wait, kIdleMs}), next_deadline,
                   next_stats, next_expiry_ms_, next_offsets_ms_, next_delays_ms_});
}

}  // namespace oncemq::broker
