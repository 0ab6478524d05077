#include "broker/transactions.h"

#include <algorithm>
#include <utility>

#include "broker/delay.h"
#include "broker/send_properties.h"
#include "broker/timer_record.h"
#include "broker/transaction_reads.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace property = model::property;
namespace tx = transaction_property;

namespace {

// Versions of one key that are looked at for a visible message: as many as a query gives.
constexpr std::int32_t kVisibleMax = 64;

std::string_view name_of(TransactionState state) {
  switch (state) {
    case TransactionState::kOpen:
      return "open";
    case TransactionState::kCommitted:
      return "committed";
    case TransactionState::kRolledBack:
      return "rolled back";
    case TransactionState::kDiscarded:
      return "discarded";
    case TransactionState::kResumed:
      return "resumed as another half message";
    case TransactionState::kDone:
      return "closed by an earlier broker";
  }
  return "";
}

// The same for all copies of one half message, never 0.
std::uint64_t identity_of(const HalfMessage& half) {
  std::string text(half.unique_key);
  text += '\0';
  text += std::to_string(half.record.born_timestamp);
  text += half.record.born_host.to_string();
  return std::hash<std::string>{}(text) | 1U;
}

}  // namespace

void TransactionBatch::clear() {
  requests_.clear();
  claims_.clear();
  pins_.clear();
  arena_.clear();
  bytes_ = 0;
}

Transactions::Transactions(const Options& options, TopicTable& topics, ConsumerOffsets& offsets,
                           Idempotence& idempotence, store::MessageStore& store, BrokerStats& stats,
                           os::Disk& disk, os::Clock& clock)
    : options_(options),
      topics_(topics),
      idempotence_(idempotence),
      store_(store),
      stats_(stats),
      clock_(clock),
      index_(options, offsets, store, disk, clock),
      listing_(index_, store),
      recent_(kRecent) {}

Status Transactions::start() {
  half_topic_ = topics_.find(model::topic::kHalf);
  op_topic_ = topics_.find(model::topic::kHalfOp);
  if (half_topic_ == nullptr || op_topic_ == nullptr)
    return fail(Errc::kInternal, "the transaction topics are missing");
  ONCE_TRY(index_.start(*half_topic_, *op_topic_));
  ready_.store(true, std::memory_order_release);
  return {};
}

void Transactions::tick() {
  if (ready_.load(std::memory_order_acquire)) index_.tick();
}

void Transactions::stop() {
  if (ready_.exchange(false)) index_.stop();
}

// ---- verdicts

// Whether a message of the half message stands in the log although no op record says so. An Apache
// broker stores a half message again with each check, and commits one of the copies: they share
// what the producer gave them, and a second send of the same message was born at another time.
bool Transactions::is_visible(const HalfMessage& half) const {
  if (half.unique_key.empty()) return false;
  const auto found = store_.query({.topic = half.topic,
                                   .key = half.unique_key,
                                   .max = kVisibleMax,
                                   .begin_ms = 0,
                                   .end_ms = INT64_MAX});
  return std::any_of(found.begin(), found.end(), [&](const store::LogSpan& span) {
    const auto decoded = model::decode_record(span.bytes, model::Verify::kNone);
    if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) return false;
    const model::RecordView& record = decoded->record;
    return record.transaction_type() == model::sysflag::kTransactionCommit &&
           record.born_timestamp == half.record.born_timestamp &&
           record.born_host == half.record.born_host &&
           model::find_property(record.properties, property::kUniqueKey).value_or("") ==
               half.unique_key;
  });
}

Result<std::size_t> Transactions::stage(const EndTransaction& request, TransactionBatch& batch) {
  if (!ready_.load(std::memory_order_acquire))
    return fail(Errc::kNotReady, "the broker is starting or stopping");
  const auto refuse = [](std::string_view what) {
    return fail(Errc::kMessageNotFound, std::string(what));
  };
  auto span = store_.read_record(request.log);
  if (!span.has_value()) return fail(std::move(span.error()));
  auto record = message_of(*span);
  if (!record.has_value()) return fail(std::move(record.error()));
  if (record->topic != model::topic::kHalf || record->queue_id != 0)
    return refuse("there is no half message at that log offset");
  if (record->queue_offset != request.half)
    return refuse("the half message there has another offset in its queue");
  const auto half = read_half(*record);
  if (!half.has_value()) return refuse("the half message names no topic");
  if (half->group != request.group) return refuse("the half message is another producer group's");
  if (!request.transaction_id.empty() && request.transaction_id != half->transaction_id &&
      request.transaction_id != half->unique_key)
    return refuse("the half message has another transaction id");
  if (!request.message_id.empty() && request.message_id != half->unique_key &&
      request.message_id != half->transaction_id &&
      request.message_id != model::offset_message_id(record->store_host, record->log_offset))
    return refuse("the half message has another message id");
  return stage_half(*half, request.half.value, request.verdict, std::move(*span), batch);
}

Result<std::size_t> Transactions::stage(std::int64_t half, Verdict verdict,
                                        TransactionBatch& batch) {
  if (!ready_.load(std::memory_order_acquire))
    return fail(Errc::kNotReady, "the broker is starting or stopping");
  auto span = index_.half_record(half);
  if (!span.has_value()) span = listing_.discarded_copy(half);
  if (!span.has_value()) return fail(std::move(span.error()));
  auto record = message_of(*span);
  if (!record.has_value()) return fail(std::move(record.error()));
  const auto message = read_half(*record);
  if (!message.has_value()) return fail(Errc::kMessageNotFound, "the half message names no topic");
  return stage_half(*message, half, verdict, std::move(*span), batch);
}

Result<std::size_t> Transactions::stage_half(const HalfMessage& half, std::int64_t offset,
                                             Verdict verdict, store::LogSpan pin,
                                             TransactionBatch& batch) {
  ONCE_TRY(index_.ensure_present(offset));
  TransactionBatch::Request request;
  request.half = offset;
  TransactionState state;
  {
    MutexLock lock(index_.mutex);
    state = index_.get(offset);
  }
  if (offset < index_.inherited_end() &&
      (state == TransactionState::kOpen || state == TransactionState::kDone)) {
    request.found_visible = is_visible(half);
    request.identity = identity_of(half);
  }
  if (verdict == Verdict::kCommit) {
    request.verdict = TransactionState::kCommitted;
    request.topic = topics_.topic_of_waiting(half.topic, half.queue_id, half.record.log_offset);
    // A repeated verdict is a success, whatever became of the topic.
    if (request.topic == nullptr && state != TransactionState::kCommitted)
      return fail(Errc::kTopicNotFound, "topic " + std::string(half.topic) +
                                            " does not exist any more, the message stays half");
    if (request.topic != nullptr) {
      ONCE_TRY(make_committed(half, *request.topic, request.item, batch.arena_));
      ONCE_TRY(delay(half, request.item, batch.arena_));
    }
  } else {
    request.verdict = TransactionState::kRolledBack;
  }
  const bool claims = verdict == Verdict::kCommit && request.topic != nullptr &&
                      request.topic->idempotence() != nullptr &&
                      state != TransactionState::kCommitted;
  batch.requests_.push_back(std::move(request));
  if (claims) {
    Status claimed = claim(half, batch);
    if (!claimed) {
      batch.requests_.pop_back();
      return fail(std::move(claimed.error()));
    }
  }
  batch.bytes_ += half.record.body.size() + half.record.properties.size();
  batch.pins_.push_back(std::move(pin));
  return batch.requests_.size() - 1;
}

// compat: a delay begins with the commit (upstream EndTransactionProcessor for timers, 5.3.3).
Status Transactions::delay(const HalfMessage& half, store::AppendItem& item, Arena& arena) const {
  const SendProperties seen = scan_properties(half.record.properties);
  const std::int32_t level = seen.level();
  std::int64_t due_ms = 0;
  if (level <= 0 && seen.timer) {
    auto wanted = timer_due(options_, seen, clock_.wall_ms());
    if (!wanted.has_value()) return fail(std::move(wanted.error()));
    due_ms = wanted->value_or(0);
  }
  if (level <= 0 && due_ms <= 0) return {};
  const TopicEntry* place =
      topics_.find(level > 0 ? model::topic::kSchedule : model::topic::kTimer);
  if (place == nullptr) return fail(Errc::kInternal, "the topic of delayed messages is missing");
  item.message.properties =
      copy_without(item.message.properties, {.foreign = true, .real = true}, arena);
  if (level > 0)
    divert(options_, *place, clip_level(options_, level), item, arena);
  else
    divert_to_timer(options_, *place, due_ms, item, arena);
  return {};
}

Result<std::size_t> Transactions::stage_discard(const model::RecordView& record,
                                                std::int32_t checks, TransactionBatch& batch) {
  const auto half = read_half(record);
  auto topic = topics_.ensure(
      {.name = std::string(model::topic::kTransCheckMax), .read_queues = 1, .write_queues = 1});
  if (!topic.has_value()) return fail(std::move(topic.error()));
  TransactionBatch::Request request;
  request.half = record.queue_offset.value;
  request.verdict = TransactionState::kDiscarded;
  request.topic = *topic;
  if (!half.has_value()) return fail(Errc::kMessageNotFound, "the half message names no topic");
  make_copy(*half, request.half, checks, **topic, request.item, batch.arena_);
  batch.bytes_ += record.body.size() + record.properties.size();
  batch.requests_.push_back(std::move(request));
  return batch.requests_.size() - 1;
}

Result<std::size_t> Transactions::stage_resume(model::LogOffset discarded,
                                               TransactionBatch& batch) {
  if (!ready_.load(std::memory_order_acquire))
    return fail(Errc::kNotReady, "the broker is starting or stopping");
  auto span = store_.read_record(discarded);
  if (!span.has_value()) return fail(std::move(span.error()));
  auto record = message_of(*span);
  if (!record.has_value()) return fail(std::move(record.error()));
  const auto half = read_half(*record);
  if (record->topic != model::topic::kTransCheckMax || !half.has_value())
    return fail(Errc::kMessageNotFound, "that is not a discarded half message");
  TransactionBatch::Request request;
  request.half = listing_.origin_of(*half);
  request.verdict = TransactionState::kResumed;
  request.topic = half_topic_;
  if (request.half >= 0) ONCE_TRY(index_.ensure_present(request.half));
  make_copy(*half, -1, 0, *half_topic_, request.item, batch.arena_);
  batch.bytes_ += record->body.size() + record->properties.size();
  batch.pins_.push_back(std::move(*span));
  batch.requests_.push_back(std::move(request));
  return batch.requests_.size() - 1;
}

void Transactions::decide(TransactionBatch::Request& request, TransactionState state,
                          bool with_message) {
  if (request.half >= 0) {
    before_.push_back({request.half, index_.get(request.half), index_.checks_of(request.half)});
    index_.set(request.half, state);
    entries_.push_back({request.half, state});
  }
  if (state == TransactionState::kCommitted && request.identity != 0)
    recent_[recent_next_++ % kRecent] = request.identity;
  if (with_message && request.item.queue != nullptr) {
    request.place = items_.size();
    request.appended = true;
    items_.push_back(request.item);
  }
}

bool Transactions::is_recent(std::uint64_t identity) const {
  return identity != 0 && std::ranges::find(recent_, identity) != recent_.end();
}

void Transactions::judge(TransactionBatch::Request& request, const Claims& claims) {
  request.outcome = {};
  request.appended = false;
  if (request.half < 0) return decide(request, request.verdict, true);  // an Apache broker's
  if (!index_.is_present(request.half)) {
    request.outcome.error = Error{Errc::kBusy, "the verdict index is being read"};
    return;
  }
  TransactionState state = index_.get(request.half);
  if ((request.found_visible || is_recent(request.identity)) &&
      (state == TransactionState::kOpen || state == TransactionState::kDone)) {
    decide(request, TransactionState::kCommitted, false);
    state = TransactionState::kCommitted;
  }
  if (state == request.verdict) {
    request.outcome.end = store_.marks().appended();
    return;
  }
  bool allowed = false;
  switch (request.verdict) {
    case TransactionState::kCommitted:
    case TransactionState::kRolledBack:
      allowed = state == TransactionState::kOpen || state == TransactionState::kDiscarded;
      break;
    case TransactionState::kDiscarded:
      allowed = state == TransactionState::kOpen;
      break;
    case TransactionState::kResumed:
      allowed = state == TransactionState::kDiscarded;
      break;
    case TransactionState::kOpen:
    case TransactionState::kDone:
      break;
  }
  if (allowed && request.verdict == TransactionState::kCommitted && request.item.queue == nullptr) {
    request.outcome.error = Error{Errc::kTopicNotFound, "the message's topic does not exist"};
    return;
  }
  if (allowed) {
    auto with_message = stores(request, claims);
    if (with_message) return decide(request, request.verdict, *with_message);
    request.outcome.error = std::move(with_message.error());
    return;
  }
  request.outcome.error =
      Error{Errc::kInvalidArgument, "the transaction is already " + std::string(name_of(state))};
  request.outcome.end = store_.marks().appended();
}

void Transactions::settle(Run requests, const Claims& claims) {
  while (!requests.empty()) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (count < requests.size() && count < kOpEntries && (count == 0 || bytes < kAppendBytes)) {
      bytes += requests[count]->item.message.body.size();
      ++count;
    }
    settle_run(requests.first(count), claims);
    requests = requests.subspan(count);
  }
}

// One append: the messages, and behind them the op record that closes their half messages.
void Transactions::settle_run(Run run, const Claims& claims) {
  items_.clear();
  entries_.clear();
  before_.clear();
  arena_.clear();
  for (TransactionBatch::Request* request : run) judge(*request, claims);
  if (items_.empty() && entries_.empty()) return;
  if (!entries_.empty())
    make_op(entries_, *op_topic_, options_.address, clock_.wall_ms(), items_.emplace_back(),
            arena_);
  auto appended = store_.append(items_);
  if (appended.has_value()) {
    if (!entries_.empty()) index_.note_ops(items_.back().result.queue_offset.value, entries_);
    for (TransactionBatch::Request* request : run) {
      if (request->appended) request->item.result = items_[request->place].result;
      request->outcome.end =
          *appended;  // of a refused one, too: it may be refused for another here
    }
    return;
  }
  for (auto row = before_.rbegin(); row != before_.rend(); ++row) {
    index_.put_back(row->half, row->state, row->checks);
  }
  for (const TransactionBatch::Request* request : run)
    if (request->identity != 0) std::ranges::replace(recent_, request->identity, 0U);
  if (run.size() == 1) {
    run.front()->appended = false;
    run.front()->outcome.error = std::move(appended.error());
    return;
  }
  // One of them may be at fault, or all together too much: each gets its own chance.
  for (std::size_t i = 0; i < run.size(); ++i) settle_run(run.subspan(i, 1), claims);
}

void Transactions::commit(TransactionBatch& batch) {
  std::vector<TransactionBatch::Request*> todo;
  for (TransactionBatch::Request& request : batch.requests_) todo.push_back(&request);
  // Outside the lock: it may read a block of a file.
  if (!batch.claims_.empty()) idempotence_.decide(batch.claims_);
  for (int attempt = 0; attempt < 2 && !todo.empty(); ++attempt) {
    {
      MutexLock lock(index_.mutex);
      settle(todo, batch.claims_);
    }
    store_.write_out();  // also makes room for another attempt
    std::erase_if(todo, [](const TransactionBatch::Request* request) {
      return !request->outcome.error.has_value() || request->outcome.error->code != Errc::kBusy;
    });
    for (const TransactionBatch::Request* request : todo)
      if (request->half >= 0) (void)index_.ensure_present(request->half);
  }
  settle_claims(batch);
  count(batch);
}

// ---- idempotent topics

Status Transactions::claim(const HalfMessage& half, TransactionBatch& batch) const {
  TransactionBatch::Request& request = batch.requests_.back();
  const std::size_t number = batch.claims_.size();
  ONCE_TRY(idempotence_.add(
      *request.topic, half.unique_key, half.record.properties, half.record.body,
      {.request = batch.requests_.size() - 1, .queue_id = half.queue_id}, batch.claims_));
  if (batch.claims_.size() > number) request.claim = number;
  return {};
}

Result<bool> Transactions::stores(const TransactionBatch::Request& request, const Claims& claims) {
  if (!request.claim) return true;
  const Claim& claim = claims[*request.claim];
  switch (claim.decision) {
    case Claim::Decision::kStore:
    case Claim::Decision::kStoreAgain:
      return true;
    case Claim::Decision::kLeaveOut:
      return false;
    case Claim::Decision::kSameAs:  // nobody knows yet what becomes of that one
    case Claim::Decision::kTryAgain:
      return fail(Errc::kBusy, "the same message is being stored right now");
    case Claim::Decision::kRefuse:
      return fail(Errc::kKeyConflict, "another message with the same key was stored before");
  }
  return true;
}

void Transactions::settle_claims(TransactionBatch& batch) {
  if (batch.claims_.empty()) return;
  for (std::size_t i = 0; i < batch.claims_.size(); ++i) {
    Claim& claim = batch.claims_[i];
    const TransactionBatch::Request& request = batch.requests_[claim.request];
    if (request.appended && !request.outcome.error)
      claim.stored = Idempotence::original(request.item.result, claim.queue_id);
  }
  idempotence_.settle(batch.claims_);
}

void Transactions::count(const TransactionBatch& batch) {
  for (const TransactionBatch::Request& request : batch.requests_) {
    if (!request.appended || request.outcome.error.has_value() || request.topic == nullptr)
      continue;
    const auto bytes = static_cast<std::uint64_t>(request.item.result.size);
    stats_.put(1, bytes);
    stats_.item("TOPIC_PUT_NUMS", request.topic->name()).add(1);
    stats_.item("TOPIC_PUT_SIZE", request.topic->name()).add(bytes);
  }
}

}  // namespace oncemq::broker
