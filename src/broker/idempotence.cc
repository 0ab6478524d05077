#include "broker/idempotence.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "model/properties.h"
#include "model/topic.h"

namespace oncemq::broker {

namespace property = model::property;

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

// ---- life

std::int64_t Idempotence::longest_window() const {
  std::int64_t longest = 0;
  for (const model::TopicConfig& config : topics_.snapshot().topics)
    if (const auto policy = topics_.policy_of(config))
      longest = std::max(longest, policy->window_ms);
  return longest;
}

Status Idempotence::start() {
  // An index of an earlier life is kept up to date even while no topic asks it: switching a topic
  // off and on forgets nothing. One that was lost is made again from the whole log.
  const bool known = disk_.stat(options_.own_dir + "/keys/keys.json").has_value();
  return known || longest_window() > 0 ? open({}) : Status{};
}

Status Idempotence::open(store::LogOffset begin) {
  dedup::DedupIndexOptions wanted{.folder = options_.own_dir + "/keys",
                                  .keys_max = options_.idempotent_keys_max,
                                  .begin = begin.value};
  if (const std::int64_t window = longest_window(); window > 0) wanted.window_ms = window;
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
  std::string_view topic = record.topic;
  std::int32_t queue_id = record.queue_id;
  if (topic == model::topic::kSchedule || topic == model::topic::kTimer) {
    topic = model::find_property(record.properties, property::kRealTopic).value_or("");
    const auto queue = model::find_property(record.properties, property::kRealQueueId);
    if (queue) std::from_chars(queue->data(), queue->data() + queue->size(), queue_id);
  }
  const TopicEntry* entry = topics_.find(topic);
  const model::IdempotencePolicy* policy = entry == nullptr ? nullptr : entry->idempotence();
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
                        .size = record.total_size,
                        .time_ms = record.store_timestamp});
}

Status Idempotence::restore(dedup::DedupIndex& index) {
  Status status;
  const Status scanned = store_.scan({index.covered()}, [&](const model::RecordView& record) {
    status = restore(index, record);
    return status.has_value();
  });
  store_.cool();
  if (!scanned && scanned.error().code != Errc::kCorrupt) return scanned;
  // A broker that does not start helps nobody; the log says elsewhere what is broken.
  if (!scanned)
    log::error("broker", "the keys of messages behind a damaged place are not remembered: {}",
               scanned.error().message);
  return status;
}

Status Idempotence::remember(const model::RecordView& record) {
  return index() == nullptr ? Status{} : restore(*index(), record);
}

void Idempotence::tick() {
  const std::int64_t now = clock_.monotonic_ms();
  if (now < retry_at_ms_) return;
  const model::DataVersion topics = topics_.version();
  if (seen_topics_ == topics) return;
  seen_topics_ = topics;
  const std::int64_t window = longest_window();
  if (window == 0) return;
  if (index() != nullptr) return index()->set_window(window);
  // What was stored before this moment was not idempotent.
  const Status opened = open({store_.marks().committed().value});
  if (opened) return;
  seen_topics_.reset();
  retry_at_ms_ = now + kRetryMs;
  log::error("broker", "sends to idempotent topics have to wait: {}", opened.error().message);
}

Status Idempotence::step() {
  return index() == nullptr ? Status{} : index()->step(store_.marks().durable(), clock_.wall_ms());
}

void Idempotence::run() {
  MutexLock lock(mutex_);
  while (!stop_) {
    mutex_.unlock();
    const Status done = step();
    if (!failing_.exchange(!done) && !done)
      log::error("broker", "remembered keys cannot be saved: {}", done.error().message);
    mutex_.lock();
    if (!stop_) wake_.wait_for(mutex_, std::chrono::milliseconds(kIntervalMs));
  }
}

void Idempotence::stop() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(stop_, true)) return;
  }
  wake_.notify_all();
  thread_.join();
  if (owned_ == nullptr) return;
  if (const Status closed = owned_->close(store_.marks().durable()); !closed)
    log::warn("broker", "remembered keys are not saved, a start reads them from the log: {}",
              closed.error().message);
}

// ---- sending

std::string_view Idempotence::key_of(const model::IdempotencePolicy& policy,
                                     std::string_view unique_key, std::string_view properties) {
  switch (policy.source) {
    case model::IdempotencePolicy::Source::kUniqueKey:
      return unique_key;
    case model::IdempotencePolicy::Source::kKeys:
      return model::find_property(properties, property::kKeys).value_or("");
    case model::IdempotencePolicy::Source::kProperty:
      return model::find_property(properties, policy.property).value_or("");
  }
  return {};
}

Status Idempotence::add(const TopicEntry& topic, std::string_view unique_key,
                        std::string_view properties, Bytes body, Claim claim, Claims& claims) {
  claim.policy = topic.idempotence();
  if (claim.policy == nullptr) return {};
  claim.topic = topic.name();
  claim.key = key_of(*claim.policy, unique_key, properties);
  if (claim.key.empty()) {
    report_.count(Repeat::kWithoutKey);
    return {};
  }
  const dedup::DedupIndex* index = this->index();
  if (index == nullptr) {
    report_.count(Repeat::kUndecided);
    return fail(Errc::kBusy, "the keys of idempotent topics are being read, send again");
  }
  claims.asks_.push_back(
      {.key = index->hasher()(claim.topic, claim.key, body),
       .refuse_other_body = claim.policy->refuse_other_body && !claim.policy->shadow});
  claims.rows_.push_back(claim);
  return {};
}

void Idempotence::decide(Claims& claims) {
  dedup::DedupIndex* index = this->index();
  ONCE_CHECK(index != nullptr);
  const std::int64_t now = clock_.wall_ms();
  for (std::size_t i = 0; i < claims.size(); ++i)
    claims.asks_[i].since_ms = now - claims[i].policy->window_ms;
  claims.answers_.resize(claims.size());
  index->claim(claims.asks_, claims.answers_, store_.marks().appended());
  if (index->crowded()) hurry(now);
  bool sorted = false;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    claims[i].original = claims.answers_[i].original;
    claims[i].decision = decision(claims, i, sorted, now);
  }
}

// Whoever comes next says it again, should the thread be at work.
void Idempotence::hurry(std::int64_t now_ms) {
  const std::int64_t last = hurried_ms_.load(std::memory_order_relaxed);
  if (failing_.load(std::memory_order_relaxed) || (last <= now_ms && now_ms - last < kHurryMs))
    return;
  hurried_ms_.store(now_ms, std::memory_order_relaxed);
  wake_.notify_one();
}

Claim::Decision Idempotence::decision(Claims& claims, std::size_t number, bool& sorted,
                                      std::int64_t now_ms) {
  using Decision = Claim::Decision;
  Claim& claim = claims[number];
  const auto duplicate = [&](Decision otherwise) {
    report_.note(claim.policy->shadow ? Repeat::kShadowed : Repeat::kLeftOut, claim, now_ms);
    return claim.policy->shadow ? Decision::kStoreAgain : otherwise;
  };
  switch (claims.answers_[number].verdict) {
    case dedup::Verdict::kNew:
      return Decision::kStore;
    case dedup::Verdict::kOtherBody:
      if (claims.asks_[number].refuse_other_body) {
        report_.note(Repeat::kRefused, claim, now_ms);
        return Decision::kRefuse;
      }
      report_.note(Repeat::kOtherBody, claim, now_ms);
      return Decision::kStore;
    case dedup::Verdict::kDuplicate:
      return duplicate(Decision::kLeaveOut);
    case dedup::Verdict::kUndecided:
      break;
  }
  // Its first copy may stand in this very list.
  std::vector<std::size_t>& by_key = claims.by_key_;
  const auto key_at = [&](std::size_t i) -> const dedup::MessageKey& {
    return claims.asks_[i].key;
  };
  if (!std::exchange(sorted, true)) {
    by_key.clear();
    for (std::size_t i = 0; i < claims.size(); ++i) {
      const dedup::Verdict verdict = claims.answers_[i].verdict;
      if (verdict == dedup::Verdict::kNew ||
          (verdict == dedup::Verdict::kOtherBody && !claims.asks_[i].refuse_other_body))
        by_key.push_back(i);
    }
    std::ranges::sort(by_key, {}, key_at);
  }
  const auto found = std::ranges::lower_bound(by_key, key_at(number), {}, key_at);
  if (found != by_key.end() && key_at(*found) == key_at(number)) {
    claim.same_as = *found;
    return duplicate(Decision::kSameAs);
  }
  report_.count(Repeat::kUndecided);
  return claim.policy->shadow ? Decision::kStoreAgain : Decision::kTryAgain;
}

void Idempotence::settle(Claims& claims) {
  claims.settled_.clear();
  for (std::size_t i = 0; i < claims.size(); ++i)
    if (claims[i].decision == Claim::Decision::kStore)
      claims.settled_.push_back({claims.asks_[i].key, claims[i].stored});
  if (!claims.settled_.empty()) index()->settle(claims.settled_);
}

dedup::Original Idempotence::original(const store::Appended& appended, std::int32_t queue_id) {
  return {.log_offset = appended.log_offset,
          .queue_offset = appended.queue_offset,
          .queue_id = queue_id,
          .size = appended.size,
          .time_ms = appended.store_timestamp};
}

dedup::DedupIndex::Stats Idempotence::stats() const {
  return index() == nullptr ? dedup::DedupIndex::Stats{} : index()->stats();
}

}  // namespace oncemq::broker
