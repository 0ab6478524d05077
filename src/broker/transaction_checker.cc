#include "broker/transaction_checker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "model/message_id.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace {

// Answers that are kept between two ticks; one that is dropped is forgotten by time.
constexpr std::size_t kAnswersMax = 1U << 16;
constexpr std::int64_t kHourMs = 3'600'000;

}  // namespace

TransactionChecker::TransactionChecker(const Options& options, const Switches& switches,
                                       Transactions& transactions, ClientRegistry& clients,
                                       os::Clock& clock)
    : options_(options),
      switches_(switches),
      transactions_(transactions),
      index_(transactions.index()),
      clients_(clients),
      clock_(clock) {}

void TransactionChecker::start() {
  cursor_ = index_.next_open(0);
}

std::size_t TransactionChecker::waiting() const {
  std::size_t count = later_.size();
  for (const Group& group : groups_) count += group.ready.size();
  for (const Asked& asked : asked_halves_) count += asked.halves.size();
  return count;
}

void TransactionChecker::answered(std::string_view group, std::int64_t half) {
  MutexLock lock(mutex_);
  if (answers_.size() < kAnswersMax) answers_.emplace_back(group, half);
}

std::uint32_t TransactionChecker::group_of(std::string_view name) {
  const auto found = group_index_.find(name);
  if (found != group_index_.end()) return found->second;
  // Entries name groups by number, so numbers are given out once.
  const auto index = static_cast<std::uint32_t>(groups_.size());
  groups_.push_back({.name = std::string(name), .ready = {}, .unanswered = {}});
  group_index_.emplace(std::string(name), index);
  return index;
}

// Wall clock; behind it the log's file may be removed.
std::int64_t TransactionChecker::expiry_of(const model::RecordView& record) const {
  return record.store_timestamp + options_.file_reserved_hours * kHourMs;
}

std::int64_t TransactionChecker::tick() {
  if (!transactions_.ready()) return kPollMs;  // not started
  const Now now{.wall_ms = clock_.wall_ms(), .monotonic_ms = clock_.monotonic_ms()};
  {
    std::vector<std::pair<std::string, std::int64_t>> answers;
    {
      MutexLock lock(mutex_);
      answers.swap(answers_);
    }
    for (const auto& [name, half] : answers)
      if (const auto group = group_index_.find(name); group != group_index_.end())
        groups_[group->second].unanswered.erase(half);
  }
  wake_due(now.monotonic_ms);
  std::size_t spent = scan_new(now);
  for (std::size_t i = 0; i < groups_.size() && spent < kBudget; ++i)
    spent +=
        ask_group(static_cast<std::uint32_t>(next_group_++ % groups_.size()), now, kBudget - spent);
  publish();
  return spent >= kBudget ? 0 : kPollMs;
}

void TransactionChecker::publish() {
  constexpr std::size_t kGroupBytes = 200;
  constexpr std::size_t kUnansweredBytes = 48;  // a node of the table, and its bucket
  std::size_t unanswered = 0;
  for (const Group& group : groups_) unanswered += group.unanswered.size();
  unanswered_.store(unanswered, std::memory_order_relaxed);
  memory_bytes_.store(groups_.size() * kGroupBytes + unanswered * kUnansweredBytes +
                          later_.size() * sizeof(Later) +
                          (waiting() - later_.size()) * sizeof(std::int64_t),
                      std::memory_order_relaxed);
}

// What was asked about and is still open, and what was immune, becomes due again.
void TransactionChecker::wake_due(std::int64_t monotonic_ms) {
  const std::int64_t interval = switches_.transaction_check_interval_ms.load();
  while (!asked_halves_.empty()) {
    Asked& asked = asked_halves_.front();
    if (asked.at_ms + interval > monotonic_ms) break;
    Group& group = groups_[asked.group];
    for (const std::int64_t half : asked.halves) {
      group.unanswered.erase(half);
      if (index_.is_open(half)) group.ready.push_back(half);
    }
    asked_halves_.pop_front();
  }
  while (!later_.empty() && later_.top().due_ms <= monotonic_ms) {
    if (index_.is_open(later_.top().half))
      groups_[later_.top().group].ready.push_back(later_.top().half);
    later_.pop();
  }
}

// Moves the cursor over half messages that are decided or due. Returns how many it had to read.
std::size_t TransactionChecker::scan_new(const Now& now) {
  std::size_t reads = 0;
  while (reads < kBudget) {
    const std::int64_t open = index_.next_open(cursor_);
    if (open != cursor_) cursor_due_ms_ = 0;
    cursor_ = open;
    const std::int64_t end = index_.half_queue().max().value;
    if (cursor_ >= end) return reads;
    // Known from reading it once, unless the timeout became shorter meanwhile.
    const std::int64_t timeout = switches_.transaction_timeout_ms.load();
    if (cursor_due_ms_ > now.monotonic_ms && cursor_due_ms_ <= now.monotonic_ms + timeout)
      return reads;
    auto records = index_.half_records(cursor_, kReadMessages, kReadBytes);
    if (records.status != store::ReadStatus::kFound) {
      // Removed with its file, or damaged: nobody can decide it any more.
      const std::int64_t next = std::clamp(records.next.value, cursor_ + 1, end);
      for (std::int64_t half = cursor_; half < next; ++half) index_.close_foreign(half);
      log::warn("broker", "half messages [{}, {}) cannot be read any more", cursor_, next);
      cursor_ = next;
      continue;
    }
    for (const store::LogSpan& span : records.spans) {
      Bytes rest = span.bytes;
      while (!rest.empty()) {
        const auto decoded = model::decode_record(rest, model::Verify::kNone);
        if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) break;
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
        ++reads;
        if (!look_at(decoded->record, now)) return reads;
      }
    }
  }
  return reads;
}

// Since the half message was stored. When the clock was ahead then, since one like it was first
// seen: whoever waits behind that one does not wait anew.
std::int64_t TransactionChecker::age_of(const model::RecordView& record, const Now& now) {
  const std::int64_t age = now.wall_ms - record.store_timestamp;
  if (age >= 0) return age;
  if (record.queue_offset.value >= ahead_end_) {
    ahead_end_ = index_.half_queue().max().value;
    ahead_since_ms_ = now.monotonic_ms;
  }
  return now.monotonic_ms - ahead_since_ms_;
}

// False when the record is not due; the cursor stays at it.
bool TransactionChecker::look_at(const model::RecordView& record, const Now& now) {
  const std::int64_t offset = record.queue_offset.value;
  cursor_ = offset;
  if (!index_.is_open(offset)) {
    ++cursor_;
    return true;
  }
  const auto half = read_half(record);
  if (!half.has_value()) {
    log::warn("broker", "half message {} names no topic and is closed", offset);
    index_.close_foreign(offset);
    ++cursor_;
    return true;
  }
  const std::int64_t timeout = switches_.transaction_timeout_ms.load();
  const std::int64_t age = age_of(record, now);
  if (age < timeout) {
    cursor_due_ms_ = now.monotonic_ms + timeout - age;
    return false;
  }
  ++cursor_;
  cursor_due_ms_ = 0;
  if (half->prepared_offset >= 0) {
    // An Apache broker stored it again while it was immune; the verdict may name the first copy.
    const auto first = index_.state(half->prepared_offset);
    if (first.has_value() &&
        (*first == TransactionState::kCommitted || *first == TransactionState::kRolledBack)) {
      index_.close_foreign(offset);
      return true;
    }
  }
  if (half->checks > index_.checks(offset)) index_.set_checks(offset, half->checks);
  const std::uint32_t group = group_of(half->group);
  const std::int64_t wait = std::max(timeout, half->immunity_ms) - age;
  if (wait > 0)
    later_.push({now.monotonic_ms + wait, offset, group});
  else
    groups_[group].ready.push_back(offset);
  return true;
}

// Asks about as many as the group's clients may be asked at once. Returns how many were read.
std::size_t TransactionChecker::ask_group(std::uint32_t index, const Now& now, std::size_t budget) {
  Group& group = groups_[index];
  if (group.ready.empty()) return 0;
  std::vector<ClientInfo> clients;
  if (!group.name.empty()) clients = clients_.producers(group.name);
  if (clients.empty() && group.alone == group.ready.front() &&
      now.wall_ms <= group.alone_until_ms && index_.is_open(group.alone))
    return 0;
  group.alone = -1;
  // Who is gone answers nothing any more.
  if (!clients.empty() && group.unanswered.size() >= kUnansweredMax)
    std::erase_if(group.unanswered, [&](const auto& row) {
      return std::ranges::none_of(
          clients, [&](const ClientInfo& client) { return client.channel == row.second; });
    });
  const std::int32_t max_checks = switches_.transaction_check_max.load();
  Asked asked{.at_ms = now.monotonic_ms, .group = index, .halves = {}};
  std::size_t reads = 0;
  discards_.clear();
  std::vector<store::LogSpan> pins;
  while (!group.ready.empty() && reads < budget && discards_.bytes() < (4U << 20)) {
    const std::int64_t half = group.ready.front();
    if (!index_.is_open(half)) {
      group.ready.pop_front();
      continue;
    }
    if (!clients.empty() && group.unanswered.size() >= kUnansweredMax) break;
    ++reads;
    auto span = index_.half_record(half);
    const auto decoded = span.has_value() ? model::decode_record(span->bytes, model::Verify::kNone)
                                          : fail(span.error());
    const auto message = decoded.has_value() && decoded->kind == model::RecordKind::kMessage
                             ? read_half(decoded->record)
                             : std::nullopt;
    if (!message.has_value()) {
      log::warn("broker", "half message {} cannot be read any more", half);
      index_.close_foreign(half);
      group.ready.pop_front();
      continue;
    }
    const std::int32_t checks = index_.checks(half);
    if (checks >= max_checks || now.wall_ms > expiry_of(message->record)) {
      group.ready.pop_front();
      if (auto staged = transactions_.stage_discard(message->record, checks, discards_);
          !staged.has_value()) {
        asked.halves.push_back(half);  // again after the interval
        continue;
      }
      pins.push_back(std::move(*span));
      continue;
    }
    // Without a client the oldest is not old enough, and so none is: they wait and are not counted.
    if (clients.empty()) {
      group.alone = half;
      group.alone_until_ms = expiry_of(message->record);
      break;
    }
    group.ready.pop_front();
    const std::int32_t number = checks + 1;
    index_.set_checks(half, number);
    asked.halves.push_back(half);
    const ClientInfo& client = clients[group.turn++ % clients.size()];
    group.unanswered.emplace(half, client.channel);
    if (ask_ != nullptr)
      ask_(client.channel, {.topic = std::string(message->topic),
                            .half = half,
                            .log_offset = message->record.log_offset.value,
                            .message_id = std::string(message->unique_key),
                            .transaction_id = std::string(message->transaction_id),
                            .offset_message_id = model::offset_message_id(
                                message->record.store_host, message->record.log_offset),
                            .body = make_check_body(*message, number)});
    asked_.fetch_add(1, std::memory_order_relaxed);
  }
  discard(asked);
  if (!asked.halves.empty()) asked_halves_.push_back(std::move(asked));
  return reads;
}

void TransactionChecker::discard(Asked& again) {
  if (discards_.empty()) return;
  transactions_.commit(discards_);
  for (std::size_t i = 0; i < discards_.size(); ++i) {
    const auto& outcome = discards_.outcome(i);
    if (!outcome.error.has_value())
      discarded_.fetch_add(1, std::memory_order_relaxed);
    else if (outcome.error->code != Errc::kInvalidArgument)
      again.halves.push_back(discards_.half(i));
  }
  log::warn("broker", "{} half messages were asked about too often and moved to {}",
            discards_.size(), model::topic::kTransCheckMax);
  discards_.clear();
}

}  // namespace oncemq::broker
