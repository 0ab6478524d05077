#include "broker/idempotence.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "model/properties.h"
#include "model/topic.h"

namespace oncemq::broker {

namespace {

constexpr std::int64_t kRetryMs = 10'000;

}  // namespace

Idempotence::Idempotence(const Options& options, TopicTable& topics, store::MessageStore& store,
                         os::Disk& disk, os::Clock& clock, os::Random& random)
    : options_(options),
      topics_(topics),
      store_(store),
      disk_(disk),
      clock_(clock),
      random_(random) {}

Idempotence::~Idempotence() {
  stop();
}

std::int64_t Idempotence::longest_window() const {
  std::int64_t longest = 0;
  for (const model::TopicConfig& config : topics_.snapshot().topics)
    if (const auto policy = IdempotencePolicy::of(config.attributes))
      longest = std::max(longest, policy->window_ms);
  return longest;
}

Status Idempotence::start() {
  // An index of an earlier life is kept up to date even while no topic asks it: switching a topic
  // off and on forgets nothing.
  const bool known = disk_.stat(options_.own_dir + "/keys/keys.json").has_value();
  return known || longest_window() > 0 ? open() : Status{};
}

Status Idempotence::open() {
  const std::int64_t window = longest_window();
  dedup::DedupIndexOptions wanted{.folder = options_.own_dir + "/keys"};
  if (window > 0) wanted.window_ms = window;
  auto index =
      dedup::DedupIndex::open(disk_, random_, std::move(wanted), store_.marks().committed().value);
  if (!index) return fail(std::move(index.error()));
  ONCE_TRY(restore(**index));
  owned_ = std::move(*index);
  index_.store(owned_.get(), std::memory_order_release);
  if (options_.threads) thread_ = os::Thread("keys", [this] { run(); });
  return {};
}

// Copies that the broker made are not what a client sent: they have a mark of their own.
Status Idempotence::restore(dedup::DedupIndex& index, const model::RecordView& record) {
  namespace property = model::property;
  std::string_view topic = record.topic;
  std::int32_t queue_id = record.queue_id;
  if (topic == model::topic::kSchedule || topic == model::topic::kTimer) {
    topic = model::find_property(record.properties, property::kRealTopic).value_or("");
    const auto queue = model::find_property(record.properties, property::kRealQueueId);
    if (queue) std::from_chars(queue->data(), queue->data() + queue->size(), queue_id);
  }
  const TopicEntry* entry = topics_.find(topic);
  const IdempotencePolicy* policy = entry == nullptr ? nullptr : entry->idempotence();
  if (policy == nullptr || record.reconsume_times > 0 ||
      model::find_property(record.properties, property::kOnceTimer) ||
      model::find_property(record.properties, property::kOnceDelay))
    return {};
  const std::string_view key =
      key_of(*policy, model::find_property(record.properties, property::kUniqueKey).value_or(""),
             record.properties);
  if (key.empty()) return {};
  return index.restore(index.hasher()(topic, key, record.body),
                       {.log_offset = record.log_offset,
                        .queue_offset = record.queue_offset,
                        .queue_id = queue_id,
                        .size = record.size,
                        .time_ms = record.store_timestamp});
}

Status Idempotence::restore(dedup::DedupIndex& index) {
  Status status;
  ONCE_TRY(store_.scan({index.covered()}, [&](const model::RecordView& record) {
    if (status) status = restore(index, record);
  }));
  return status;
}

void Idempotence::tick() {
  if (index() != nullptr) {
    if (const std::int64_t window = longest_window(); window > 0) index()->set_window(window);
    return;
  }
  if (clock_.monotonic_ms() < retry_at_ms_ || longest_window() == 0) return;
  const Status opened = open();
  if (opened) return;
  retry_at_ms_ = clock_.monotonic_ms() + kRetryMs;
  log::error("broker", "the index of remembered keys cannot be made: {}", opened.error().message);
}

Status Idempotence::step() {
  return index()->step(store_.marks().durable(), clock_.wall_ms());
}

void Idempotence::run() {
  bool said = false;
  MutexLock lock(mutex_);
  while (!stop_) {
    mutex_.unlock();
    const Status done = step();
    if (!done && !said)
      log::error("broker", "remembered keys cannot be saved: {}", done.error().message);
    said = !done;
    mutex_.lock();
    if (!stop_) stopping_.wait_for(mutex_, std::chrono::milliseconds(kIntervalMs));
  }
}

void Idempotence::stop() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(stop_, true)) return;
  }
  stopping_.notify_all();
  thread_.join();
  if (owned_ == nullptr) return;
  if (const Status closed = owned_->close(store_.marks().durable()); !closed)
    log::warn("broker", "remembered keys are not saved, a start reads them from the log: {}",
              closed.error().message);
}

std::string_view Idempotence::key_of(const IdempotencePolicy& policy, std::string_view unique_key,
                                     std::string_view properties) {
  switch (policy.source) {
    case IdempotencePolicy::Source::kUniqueKey:
      return unique_key;
    case IdempotencePolicy::Source::kKeys:
      return model::find_property(properties, model::property::kKeys).value_or("");
    case IdempotencePolicy::Source::kProperty:
      return model::find_property(properties, policy.property).value_or("");
  }
  return {};
}

}  // namespace oncemq::broker
