#include "broker/faults.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "model/group.h"
#include "model/topic.h"

namespace oncemq::broker {
namespace {

struct Row {
  std::string_view name;
  std::string_view sentence;
};
constexpr std::array<Row, kFaultKinds> kRows{{
    {"lose-send-response", "stores the messages and closes the connection instead of answering"},
    {"deliver-twice", "gives messages once more that a group was just given"},
    {"lose-ack", "drops acks and committed offsets, without an answer"},
    {"expire-handle", "ends a popped message's invisible time just before its ack arrives"},
    {"pause", "holds the requests that name the topic until the fault ends"},
}};

constexpr std::int64_t kIdleMs = 60'000;

void log_end(std::uint64_t id, FaultKind kind, const std::string& topic, std::uint64_t struck,
             FaultState state) {
  log::warn("broker", "fault {} ended, {}: {} on topic {} struck {} times", id,
            fault_state_name(state), fault_name(kind), topic, struck);
}

}  // namespace

std::string_view fault_name(FaultKind kind) {
  return kRows[static_cast<std::size_t>(kind)].name;
}
std::string_view fault_sentence(FaultKind kind) {
  return kRows[static_cast<std::size_t>(kind)].sentence;
}

Result<FaultKind> parse_fault(std::string_view name) {
  std::string all;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    if (kRows[i].name == name) return static_cast<FaultKind>(i);
    all.append(i == 0 ? "" : ", ").append(kRows[i].name);
  }
  return fail(Errc::kInvalidArgument,
              "'" + std::string(name.substr(0, 80)) + "' is no fault; there are " + all);
}

std::string_view fault_state_name(FaultState state) {
  switch (state) {
    case FaultState::kActive:
      return "active";
    case FaultState::kCounted:
      return "count reached";
    case FaultState::kTimedOut:
      return "time over";
    case FaultState::kCleared:
      return "cleared";
  }
  return {};
}

Status Faults::check(const FaultOrder& order) {
  ONCE_TRY(model::check_topic_name(order.topic));
  if (!order.group.empty()) ONCE_TRY(model::check_group_name(order.group));
  if (!(order.probability >= 0 && order.probability <= 1))
    return fail(Errc::kInvalidArgument, "the probability is between 0 and 1");
  if (order.count < 0 || order.count > kCountMax)
    return fail(Errc::kInvalidArgument, "the count is between 1 and 1000000000, 0 for no end");
  const bool pause = order.kind == FaultKind::kPause;
  if (order.for_ms < 0 || order.for_ms > (pause ? kPauseMaxMs : kForMaxMs))
    return fail(Errc::kInvalidArgument,
                pause ? "a pause lasts 10 minutes at most" : "a fault lasts 24 hours at most");
  return {};
}

Result<std::uint64_t> Faults::add(FaultOrder order) {
  ONCE_TRY(check(order));
  if (order.kind == FaultKind::kPause && order.for_ms == 0) order.for_ms = kPauseDefaultMs;
  std::uint64_t id = 0;
  {
    MutexLock lock(mutex_);
    if (rules_.size() >= kFaultsMax) {
      const auto over = std::ranges::find_if(
          rules_, [](const Rule& rule) { return rule.state != FaultState::kActive; });
      if (over == rules_.end()) return fail(Errc::kBusy, "there are 64 faults already: clear some");
      rules_.erase(over);
    }
    id = ++last_id_;
    rules_.push_back(
        {.id = id,
         .order = order,
         .until_ms = order.for_ms == 0 ? INT64_MAX : clock_.monotonic_ms() + order.for_ms});
    kinds_.fetch_or(1U << static_cast<unsigned>(order.kind), std::memory_order_relaxed);
  }
  log::warn("broker", "fault {} added: {} on topic {}{}, probability {}, count {}, for {} ms", id,
            fault_name(order.kind), order.topic,
            order.group.empty() ? std::string() : " and group " + order.group, order.probability,
            order.count, order.for_ms);
  return id;
}

std::vector<FaultView> Faults::list() const {
  MutexLock lock(mutex_);
  const std::int64_t now = clock_.monotonic_ms();
  std::vector<FaultView> views;
  for (const Rule& rule : rules_) {
    FaultView view{.id = rule.id, .order = rule.order, .state = rule.state, .struck = rule.struck};
    if (rule.state == FaultState::kActive && rule.until_ms <= now)
      view.state = FaultState::kTimedOut;
    else if (rule.state == FaultState::kActive && rule.until_ms != INT64_MAX)
      view.left_ms = rule.until_ms - now;
    views.push_back(std::move(view));
  }
  return views;
}

// The caller logs it when the lock is gone.
void Faults::end(Rule& rule, FaultState state) {
  rule.state = state;
  std::uint32_t kinds = 0;
  for (const Rule& one : rules_)
    if (one.state == FaultState::kActive) kinds |= 1U << static_cast<unsigned>(one.order.kind);
  kinds_.store(kinds, std::memory_order_relaxed);
  if (!wanted(FaultKind::kDeliverTwice)) pages_.clear();
}

Status Faults::clear(std::uint64_t id) {
  Rule copy;
  {
    MutexLock lock(mutex_);
    const auto rule = std::ranges::find(rules_, id, &Rule::id);
    if (rule == rules_.end() || rule->state != FaultState::kActive)
      return fail(Errc::kNotFound, "no active fault has the number " + std::to_string(id));
    end(*rule, FaultState::kCleared);
    copy = *rule;
  }
  log_end(copy.id, copy.order.kind, copy.order.topic, copy.struck, copy.state);
  return {};
}

std::size_t Faults::clear_all() {
  std::size_t cleared = 0;
  for (const FaultView& view : list())
    if (view.state == FaultState::kActive && clear(view.id)) ++cleared;
  return cleared;
}

bool Faults::chance(double probability) {
  // 53 random bits make a double below 1 without rounding: 1 always strikes, 0 never.
  constexpr double kUnit = 1.0 / (1ULL << 53);
  return static_cast<double>(random_.next() >> 11) * kUnit < probability;
}

std::optional<std::uint64_t> Faults::look(FaultKind kind, std::string_view topic,
                                          std::string_view group) {
  std::optional<Rule> ended;
  std::optional<std::uint64_t> struck;
  {
    MutexLock lock(mutex_);
    const std::int64_t now = clock_.monotonic_ms();
    for (Rule& rule : rules_) {
      if (rule.state != FaultState::kActive || rule.order.kind != kind || rule.until_ms <= now ||
          rule.order.topic != topic || (!rule.order.group.empty() && rule.order.group != group))
        continue;
      const auto count = static_cast<std::uint64_t>(rule.order.count);
      // A pause that has struck often enough still holds what it struck.
      if (count != 0 && rule.struck >= count) continue;
      if (!chance(rule.order.probability)) continue;
      ++rule.struck;
      totals_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
      struck = rule.id;
      if (rule.struck == count && kind != FaultKind::kPause) {
        end(rule, FaultState::kCounted);
        ended = rule;
      }
      break;
    }
  }
  if (ended) log_end(ended->id, ended->order.kind, ended->order.topic, ended->struck, ended->state);
  return struck;
}

bool Faults::repeats(std::string_view topic, std::string_view group, std::int32_t queue_id,
                     std::int64_t first, std::int64_t next) {
  if (!wanted(FaultKind::kDeliverTwice)) return false;
  // Names have no blanks.
  std::string place;
  place.append(topic).append(" ").append(group).append(" ").append(std::to_string(queue_id));
  {
    MutexLock lock(mutex_);
    const auto page = pages_.find(place);
    if (page != pages_.end() && first < page->second) return false;
    if (page == pages_.end() && pages_.size() >= kPagesMax) return false;
  }
  if (!look(FaultKind::kDeliverTwice, topic, group)) return false;
  MutexLock lock(mutex_);
  // Not after the last one: nobody asks any more.
  if (wanted(FaultKind::kDeliverTwice)) pages_[std::move(place)] = next;
  return true;
}

bool Faults::pausing(std::uint64_t id) const {
  MutexLock lock(mutex_);
  const auto rule = std::ranges::find(rules_, id, &Rule::id);
  return rule != rules_.end() && rule->state == FaultState::kActive &&
         rule->until_ms > clock_.monotonic_ms();
}

std::int64_t Faults::tick() {
  std::vector<Rule> ended;
  const std::int64_t now = clock_.monotonic_ms();
  std::int64_t next = now + kIdleMs;
  {
    MutexLock lock(mutex_);
    for (Rule& rule : rules_) {
      if (rule.state != FaultState::kActive) continue;
      if (rule.until_ms > now) {
        next = std::min(next, rule.until_ms);
        continue;
      }
      end(rule, FaultState::kTimedOut);
      ended.push_back(rule);
    }
  }
  for (const Rule& rule : ended)
    log_end(rule.id, rule.order.kind, rule.order.topic, rule.struck, rule.state);
  return next;
}

}  // namespace oncemq::broker
