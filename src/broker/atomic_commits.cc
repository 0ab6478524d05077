#include "broker/atomic_commits.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/heap_bytes.h"
#include "base/log.h"
#include "broker/transaction_reads.h"
#include "model/properties.h"
#include "store/consume_queue.h"

namespace oncemq::broker {

namespace property = model::property;

namespace {

Error fenced(std::string message) {
  return {Errc::kFenced, std::move(message)};
}

}  // namespace

AtomicCommits::AtomicCommits(const Options& options, TopicTable& topics, ConsumerOffsets& offsets,
                             Popper& popper, Sender& sender, Idempotence& idempotence,
                             store::MessageStore& store, os::Clock& clock)
    : options_(options),
      topics_(topics),
      offsets_(offsets),
      popper_(popper),
      sender_(sender),
      idempotence_(idempotence),
      store_(store),
      clock_(clock),
      queue_(store.queue(model::topic::kAtomicLog, 0)) {}

// ---- commits

Status AtomicCommits::check(const AtomicCommit& request) {
  const auto refuse = [](std::string what) {
    return fail(Errc::kInvalidArgument, std::move(what));
  };
  if (request.id.empty() || request.id.size() > AtomicRecord::kIdMax)
    return refuse("a transaction's id has 1 to 64 bytes");
  if (std::max({request.acks.size(), request.moves.size(), request.sends.size()}) >
      AtomicRecord::kPartsMax)
    return refuse("a transaction has at most 1024 acks and 1024 messages");
  std::set<std::tuple<std::string_view, std::string_view, std::int32_t>> places;
  for (const OffsetMove& move : request.moves)
    if (!places.emplace(move.group, move.topic, move.queue_id).second)
      return refuse("a transaction moves a queue once");
  for (const SendRequest& send : request.sends) {
    if (model::topic::is_retry(send.topic) || model::topic::is_dlq(send.topic))
      return refuse("a transaction sends to no retry topic and no dead-letter queue");
    if (send.is_batch || (send.sys_flag & model::sysflag::kTransactionMask) != 0 ||
        model::find_property(send.properties, property::kHalfMessage))
      return fail(Errc::kMessageIllegal,
                  "the messages of a transaction are neither batches nor half messages");
  }
  return {};
}

Status AtomicCommits::check(std::vector<OffsetMove>& moves) const {
  for (OffsetMove& move : moves) {
    const TopicEntry* topic = topics_.find(move.topic);
    if (topic == nullptr)
      return fail(Errc::kTopicNotFound, "topic " + std::string(move.topic) + " does not exist");
    if (move.queue_id < 0 || move.queue_id >= topic->read_queues())
      return fail(Errc::kInvalidArgument, "topic " + std::string(move.topic) + " has no queue " +
                                              std::to_string(move.queue_id));
    if (move.from < -1 || move.to < 0 || move.to > topic->queue(move.queue_id)->max().value)
      return fail(Errc::kInvalidArgument, "the queue has no offset " + std::to_string(move.to));
    const auto moving =
        moving_.find(Place(std::string(move.group), std::string(move.topic), move.queue_id));
    const auto stored = offsets_.query(move.group, move.topic, move.queue_id);
    const std::int64_t now = moving != moving_.end() ? moving->second : stored ? stored->value : -1;
    // A group without an offset begins where it likes; request 14 tells it 0 then.
    if (now == -1) move.from = -1;
    if (now != move.from)
      return fail(fenced("somebody else has consumed queue " + std::to_string(move.queue_id) +
                         " of " + std::string(move.topic) + ": the group is at " +
                         std::to_string(now) + ", not at " + std::to_string(move.from)));
  }
  return {};
}

Status AtomicCommits::decide(std::span<const PopHandle> acks, AtomicScratch& scratch) {
  scratch.decided_.clear();
  for (const PopHandle& ack : acks) {
    auto decided = popper_.decide(ack);
    if (decided) {
      scratch.decided_.push_back(std::move(*decided));
      continue;
    }
    for (const Popper::Decided& one : scratch.decided_) popper_.undecide(one);
    const PopRefusal& refusal = decided.error();
    return fail(refusal.stale ? fenced(refusal.error.message) : refusal.error);
  }
  return {};
}

Result<AtomicCommits::Outcome> AtomicCommits::commit(const AtomicCommit& request,
                                                     AtomicScratch& scratch) {
  scratch.sends_.clear();
  scratch.properties_.clear();
  if (!ready_.load(std::memory_order_acquire))
    return fail(Errc::kNotReady, "the broker is starting or stopping");
  ONCE_TRY(check(request));
  {
    // Before anything that the first attempt may have changed is asked for.
    MutexLock lock(mutex_);
    if (const auto known = ids_.find(request.id); known != ids_.end()) {
      ++figures_.repeated;
      return Outcome{.repeated = true, .end = {known->second.log_end}};
    }
  }
  for (const SendRequest& send : request.sends) {
    std::string& properties = scratch.properties_.emplace_back(send.properties);
    model::set_property(properties, property::kAtomicId, request.id);
    SendRequest marked = send;
    marked.properties = properties;
    const auto staged = sender_.stage(marked, scratch.sends_);
    if (!staged) return fail(staged.error());
  }
  MutexLock lock(mutex_);
  auto outcome = commit_new(request, scratch);
  if (outcome)
    ++(outcome->repeated ? figures_.repeated : figures_.committed);
  else
    ++(outcome.error().code == Errc::kFenced ? figures_.fenced : figures_.refused);
  return outcome;
}

Result<AtomicCommits::Outcome> AtomicCommits::commit_new(const AtomicCommit& request,
                                                         AtomicScratch& scratch) {
  settle();
  // Another attempt came first, over another connection.
  if (const auto known = ids_.find(request.id); known != ids_.end())
    return Outcome{.repeated = true, .end = {known->second.log_end}};
  if (unsettled_.size() >= kUnsettledMax)
    return fail(Errc::kBusy, "the disk is behind: too many transactions wait for it");
  scratch.moves_.assign(request.moves.begin(), request.moves.end());
  ONCE_TRY(check(scratch.moves_));
  ONCE_TRY(decide(request.acks, scratch));
  std::int64_t place = 0;
  const auto end = sender_.commit_together(
      scratch.sends_, [&](std::span<const store::AppendItem> messages, store::AppendItem& head) {
        scratch.record_ = write_atomic_record(request.id, request.acks, scratch.moves_, messages);
        make_head(request.id, scratch.record_, scratch.properties_.emplace_back(), head);
        // The append lock is taken by nobody else who writes to this queue.
        place = queue_.next().value;
      });
  if (!end) {
    for (const Popper::Decided& one : scratch.decided_) popper_.undecide(one);
    return fail(end.error());
  }
  for (std::size_t i = 0; i < request.acks.size(); ++i)
    popper_.confirm(scratch.decided_[i], request.acks[i]);
  Unsettled& row = unsettled_.emplace_back();
  row.log_end = end->value;
  row.place = place;
  row.acks = std::exchange(scratch.decided_, {});
  for (const OffsetMove& move : scratch.moves_) {
    const Place where(move.group, move.topic, move.queue_id);
    moving_[where] = move.to;
    row.moves.push_back({where, move.from, move.to});
  }
  remember(request.id, {.log_end = end->value, .at_ms = clock_.wall_ms()});
  return Outcome{.repeated = false, .end = *end};
}

void AtomicCommits::make_head(std::string_view id, std::string_view record, std::string& properties,
                              store::AppendItem& head) const {
  model::append_property(properties, property::kAtomicId, id);
  head.queue = &queue_;
  head.message.topic = model::topic::kAtomicLog;
  head.message.born_timestamp = clock_.wall_ms();
  head.message.born_host = options_.address;
  head.message.store_host = options_.address;
  head.message.properties = properties;
  head.message.body = as_bytes(record);
}

void AtomicCommits::remember(std::string_view id, Known known) {
  const auto [row, fresh] = ids_.insert_or_assign(std::string(id), known);
  if (fresh) ids_by_age_.push_back(&row->first);
  while (!ids_by_age_.empty()) {
    const auto oldest = ids_.find(*ids_by_age_.front());
    if (ids_.size() <= kIdsMax && oldest->second.at_ms > known.at_ms - kRememberMs) return;
    ids_by_age_.pop_front();
    ids_.erase(oldest);
  }
}

// ---- what is on the disk

void AtomicCommits::settle() {
  const std::int64_t durable = store_.marks().durable().value;
  std::int64_t end = -1;
  for (; !unsettled_.empty() && unsettled_.front().log_end <= durable; unsettled_.pop_front()) {
    const Unsettled& row = unsettled_.front();
    for (const Popper::Decided& ack : row.acks) popper_.settle(ack);
    for (const Move& move : row.moves) {
      const auto& [group, topic, queue_id] = move.place;
      // A full table: the group begins where it was, and its next commit is fenced.
      (void)offsets_.move(
          group, topic, queue_id,
          move.from < 0 ? std::nullopt : std::optional(model::ConsumeOffset{move.from}), {move.to});
      if (const auto at = moving_.find(move.place); at != moving_.end() && at->second == move.to)
        moving_.erase(at);
    }
    end = row.place + 1;
  }
  if (end < 0) return;
  popper_.set_settled({end});
  offsets_.set_settled({end});
}

void AtomicCommits::tick() {
  if (!ready_.load(std::memory_order_acquire)) return;
  MutexLock lock(mutex_);
  settle();
}

void AtomicCommits::stop() {
  if (!ready_.exchange(false)) return;
  MutexLock lock(mutex_);
  settle();
}

// ---- start

void AtomicCommits::apply(const AtomicRecord& record, model::QueueOffset place) {
  if (place >= popper_.settled())
    for (const PopHandle& ack : record.acks) popper_.settle(ack);
  if (place < offsets_.settled()) return;
  for (const OffsetMove& move : record.moves)
    (void)offsets_.move(
        move.group, move.topic, move.queue_id,
        move.from < 0 ? std::nullopt : std::optional(model::ConsumeOffset{move.from}), {move.to});
}

Status AtomicCommits::start() {
  MutexLock lock(mutex_);
  const model::QueueOffset end = queue_.max();
  // A machine that died has lost the end of the log; what comes there now is new.
  popper_.set_settled(std::min(popper_.settled(), end));
  offsets_.set_settled(std::min(offsets_.settled(), end));
  const model::QueueOffset recent = std::max(
      model::QueueOffset{end.value - static_cast<std::int64_t>(kIdsMax)},
      store_.offset_by_time(queue_, clock_.wall_ms() - kRememberMs, store::Boundary::kLower));
  ONCE_TRY(
      replay(std::max(queue_.min(), std::min({recent, popper_.settled(), offsets_.settled()}))));
  popper_.set_settled(end);
  offsets_.set_settled(end);
  if (queue_.min() < end) {
    const auto read = store_.read({.queue = &queue_, .offset = {end.value - 1}, .max_messages = 1});
    if (read.status == store::ReadStatus::kFound) ONCE_TRY(heal(read.spans.front()));
  }
  ready_.store(true, std::memory_order_release);
  return {};
}

Status AtomicCommits::replay(model::QueueOffset from) {
  const std::int64_t now = clock_.wall_ms();
  while (from < queue_.max()) {
    const store::ReadResult read =
        store_.read({.queue = &queue_, .offset = from, .max_bytes = 4 << 20});
    if (read.next <= from) break;
    from = read.next;
    for (const store::LogSpan& span : read.spans) {
      Bytes rest = span.bytes;
      while (!rest.empty()) {
        const auto decoded = model::decode_record(rest, model::Verify::kNone);
        if (!decoded || decoded->kind != model::RecordKind::kMessage) break;
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
        const model::RecordView& message = decoded->record;
        const auto record = read_atomic_record(message.body);
        if (!record) {
          log::error("broker", "transaction {} at {}: {}", message.queue_offset.value,
                     message.log_offset.value, record.error().message);
          continue;
        }
        apply(*record, message.queue_offset);
        if (message.store_timestamp > now - kRememberMs)
          remember(record->id, {.log_end = message.log_offset.value + message.total_size,
                                .at_ms = message.store_timestamp});
      }
    }
  }
  store_.cool();
  return {};
}

// The messages of a transaction stand directly behind its record, in one append; so a crash can
// have cut off those of the last one only. What is missing is stored behind a record of its own,
// of which the same is true.
Status AtomicCommits::heal(const store::LogSpan& last) {
  const auto message = message_of(last);
  if (!message) return fail(message.error());
  auto record = read_atomic_record(message->body);
  if (!record) return {};  // replay() has told
  std::size_t there = 0;
  const Status scanned = store_.scan(message->log_offset, [&](const model::RecordView& behind) {
    if (behind.log_offset == message->log_offset) return true;
    const auto id = model::find_property(behind.properties, property::kAtomicId);
    if (there == record->messages.size() || id != record->id) return false;
    ++there;
    return true;
  });
  // A damaged place: the store has told, and the messages behind it are lost like any others.
  if (!scanned && scanned.error().code != Errc::kCorrupt) return scanned;
  if (!scanned || there == record->messages.size()) return {};
  record->messages.erase(record->messages.begin(),
                         record->messages.begin() + static_cast<std::ptrdiff_t>(there));
  std::vector<store::AppendItem> items(1);
  for (const model::Message& missing : record->messages) {
    const TopicEntry* topic =
        topics_.topic_of_waiting(missing.topic, missing.queue_id, message->log_offset);
    if (topic == nullptr) continue;  // deleted since
    store::AppendItem& item = items.emplace_back();
    item.message = missing;
    item.message.topic = topic->name();
    item.message.store_host = options_.address;
    item.queue = topic->queue(missing.queue_id);
  }
  const std::string body = write_atomic_record(record->id, {}, {}, std::span(items).subspan(1));
  std::string properties;
  make_head(record->id, body, properties, items.front());
  const auto end = store_.append(items);
  if (!end) return fail(end.error());
  store_.write_out();
  for (const store::AppendItem& item : std::span(items).subspan(1)) {
    const std::string pairs =
        std::string(item.message.properties).append(item.message.extra_properties);
    ONCE_TRY(idempotence_.remember({.total_size = item.result.size,
                                    .queue_id = item.message.queue_id,
                                    .queue_offset = item.result.queue_offset,
                                    .log_offset = item.result.log_offset,
                                    .store_timestamp = item.result.store_timestamp,
                                    .reconsume_times = item.message.reconsume_times,
                                    .body = item.message.body,
                                    .topic = item.message.topic,
                                    .properties = pairs}));
  }
  remember(record->id, {.log_end = end->value, .at_ms = clock_.wall_ms()});
  ++figures_.healed;
  log::info("broker", "a crash had cut off {} messages of transaction {}: stored now",
            items.size() - 1, record->id);
  return {};
}

// ---- figures

AtomicCommits::Figures AtomicCommits::figures() const {
  MutexLock lock(mutex_);
  return figures_;
}

std::size_t AtomicCommits::memory_bytes() const {
  MutexLock lock(mutex_);
  return ids_.size() * (kHashNodeBytes<Ids> + kNameHeapBytes + sizeof(void*)) +
         unsettled_.size() * sizeof(Unsettled);
}

}  // namespace oncemq::broker
