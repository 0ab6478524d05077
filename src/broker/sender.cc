#include "broker/sender.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "broker/delay.h"
#include "broker/send_properties.h"
#include "broker/timer_record.h"
#include "broker/transaction_records.h"
#include "model/properties.h"
#include "model/record_codec.h"
#include "model/topic.h"

namespace oncemq::broker {

namespace property = model::property;

namespace {

// Room that the encoder may need behind our pairs: an end mark for the sender's last pair, and the
// property CRC.
constexpr std::size_t kEncoderRoom = 1 + model::kCrcPropertySize;

std::string make_stamp(const Options& options) {
  std::string stamp;
  model::append_property(stamp, property::kMsgRegion, options.region);
  model::append_property(stamp, property::kTraceOn, options.trace_on ? "true" : "false");
  model::append_property(stamp, property::kCluster, options.cluster);
  return stamp;
}

// What comes back to retry topics and DLQs has the key of its original, and is no repeated send.
bool is_watched(std::string_view topic) {
  return !topic.starts_with('%') ||
         (!model::topic::is_retry(topic) && !model::topic::is_dlq(topic));
}

auto refuse(Errc code, std::string_view what, std::string_view name = {}) {
  return fail(code, std::string(what) + std::string(name));
}

}  // namespace

Sender::Sender(const Options& options, const Switches& switches, TopicTable& topics,
               GroupTable& groups, QueueLocks& locks, Idempotence& idempotence,
               store::MessageStore& store, BrokerStats& stats, UniqueKeys& unique_keys,
               os::Clock& clock)
    : options_(options),
      switches_(switches),
      topics_(topics),
      groups_(groups),
      locks_(locks),
      idempotence_(idempotence),
      store_(store),
      stats_(stats),
      unique_keys_(unique_keys),
      repeats_(options.watch_sends ? std::make_unique<SendRepeats>() : nullptr),
      clock_(clock),
      stamp_(make_stamp(options)) {}

Status Sender::check_open() const {
  if (!accepting_.load(std::memory_order_acquire))
    return refuse(Errc::kNotReady, "the broker is starting or stopping");
  const std::int64_t from = switches_.start_accept_send_ms.load(std::memory_order_relaxed);
  if (from != 0 && clock_.wall_ms() < from)
    return refuse(Errc::kInternal, "the broker does not accept messages yet");
  return {};
}

Result<const TopicEntry*> Sender::target(const SendRequest& request, SendBatch& batch) {
  const TopicEntry* entry = batch.last_topic_;
  // Whoever is in the table has a legal name and is no forbidden target but the broker's own, so
  // the busy topic of a tick passes with one comparison.
  if (entry != nullptr && entry->alive() && entry->name() == request.topic && switches_.writable())
    return entry;
  entry = topics_.find(request.topic);
  if (entry == nullptr || !switches_.writable()) {
    if (entry != nullptr && entry->order())
      return refuse(Errc::kNoPermission, "the broker takes no messages for the ordered topic ",
                    request.topic);
    ONCE_TRY(model::check_topic_name(request.topic));
  }
  if (model::topic::is_forbidden_target(request.topic))
    return refuse(Errc::kNoPermission, "nobody may send to ", request.topic);
  if (entry == nullptr) {
    auto created = topics_.create_by_send(request.topic, request.default_topic,
                                          request.default_topic_queues, request.unit_mode);
    if (!created.has_value()) return created;
    entry = *created;
  }
  batch.last_topic_ = entry;
  return entry;
}

Status Sender::check_body(const SendRequest& request) const {
  const auto limit = static_cast<std::size_t>(
      std::max(0, switches_.max_message_size.load(std::memory_order_relaxed)));
  if (request.body.empty()) return refuse(Errc::kMessageIllegal, "the message has no body");
  if (request.body.size() > limit)
    return refuse(Errc::kMessageIllegal, "the body is larger than maxMessageSize");
  return {};
}

Result<std::size_t> Sender::stage(const SendRequest& request, SendBatch& batch) {
  ONCE_TRY(check_open());
  auto found = target(request, batch);
  if (!found.has_value()) return fail(std::move(found.error()));
  const TopicEntry& topic = **found;
  const std::int32_t write_queues = topic.write_queues();
  if (request.queue_id >= std::max(write_queues, topic.read_queues()))
    return refuse(Errc::kInvalidArgument, "there is no such queue in ", request.topic);
  if (!topic.writable() || (request.queue_id < 0 && write_queues == 0))
    return refuse(Errc::kNoPermission, "no messages are taken for ", request.topic);
  ONCE_TRY(check_body(request));
  const std::int32_t queue_id =
      request.queue_id >= 0 ? request.queue_id
                            : static_cast<std::int32_t>(batch.round_robin_++ %
                                                        static_cast<std::uint32_t>(write_queues));
  if (request.is_batch) return stage_parts(request, topic, queue_id, batch);
  return stage_one(request, topic, queue_id, batch);
}

// Fields that every message of the request shares.
store::AppendItem& Sender::add_item(const SendRequest& request, const TopicEntry& topic,
                                    std::int32_t queue_id, SendBatch& batch) const {
  store::AppendItem& item = batch.items_.emplace_back();
  model::Message& message = item.message;
  message.topic = topic.name();
  message.queue_id = queue_id;
  message.flag = request.flag;
  message.sys_flag =
      request.sys_flag & ~(model::sysflag::kBornHostV6 | model::sysflag::kStoreHostV6 |
                           model::sysflag::kNeedUnwrap | model::sysflag::kInnerBatch);
  message.born_timestamp = request.born_timestamp;
  message.born_host = request.born_host;
  message.store_host = options_.address;
  message.reconsume_times = request.reconsume_times;
  item.queue = topic.queue(queue_id);
  return item;
}

std::string_view Sender::new_unique_key(Arena& arena) {
  char* key = arena.allocate(unique_keys_.size());
  unique_keys_.write(key);
  return {key, unique_keys_.size()};
}

Result<std::size_t> Sender::stage_one(const SendRequest& request, const TopicEntry& topic,
                                      std::int32_t queue_id, SendBatch& batch) {
  const SendProperties seen = scan_properties(request.properties);
  std::int32_t level = seen.level();
  // compat: a consumer that gives a message back through a send keeps the pair of the transaction
  // that the message came from (upstream SendMessageProcessor, 5.3.3).
  const bool given_back = request.reconsume_times > 0 && level > 0;
  const bool half = seen.half && !given_back;
  if (!seen.half && (request.sys_flag & model::sysflag::kTransactionMask) != 0)
    return refuse(Errc::kMessageIllegal, "transaction flags without the property TRAN_MSG");
  if (half && switches_.reject_transaction.load(std::memory_order_relaxed))
    return refuse(Errc::kNoPermission, "the broker rejects transactional messages");
  // compat: a delay level wins over the timer properties (upstream HookUtils, 5.3.3).
  std::int64_t due_ms = 0;  // 0: no timer
  if (level <= 0 && (seen.timer || seen.timer_delete)) {
    auto wanted = timer_due(options_, seen, clock_.wall_ms());
    if (!wanted.has_value()) return fail(std::move(wanted.error()));
    // That of a half message begins with its commit, as a delay level does.
    due_ms = half ? 0 : wanted->value_or(0);
  }

  const TopicEntry* destination = &topic;
  bool dead = false;
  bool ordered = false;
  if (model::topic::is_retry(request.topic)) {
    auto dlq = dead_letter_topic(request);
    if (!dlq.has_value()) return fail(std::move(dlq.error()));
    dead = *dlq != nullptr;
    if (dead) {
      ordered = locks_.any_held(request.topic.substr(model::topic::kRetryPrefix.size()));
      destination = *dlq;
      queue_id = 0;
      level = 0;
      due_ms = 0;
    }
  }
  // The delay of a half message begins with its commit.
  level = level > 0 && !half ? clip_level(options_, level) : 0;
  const TopicEntry* half_topic = nullptr;
  if (half && (half_topic = topics_.find(model::topic::kHalf)) == nullptr)
    return refuse(Errc::kInternal, "the topic of half messages is missing");
  const TopicEntry* schedule = nullptr;
  if (level > 0 && (schedule = topics_.find(model::topic::kSchedule)) == nullptr)
    return refuse(Errc::kInternal, "the schedule topic is missing");
  const TopicEntry* wheel = nullptr;
  if (due_ms > 0 && (wheel = topics_.find(model::topic::kTimer)) == nullptr)
    return refuse(Errc::kInternal, "the timer topic is missing");

  SendBatch::Request row;
  row.first = static_cast<std::uint32_t>(batch.items_.size());
  row.count = 1;
  row.queue_id = queue_id;
  row.wait_committed = seen.wait;
  row.topic = half ? half_topic : destination;
  row.watched = !seen.unique_key.empty() && !half && is_watched(request.topic);
  row.first_claim = static_cast<std::uint32_t>(batch.claims_.size());

  const DropPairs drop{.broker = seen.has_broker_pairs,
                       .foreign = seen.has_foreign_pairs,
                       .real = (level > 0 || due_ms > 0 || half) && seen.has_real_pairs,
                       .delay = dead && !seen.delay_level.empty(),
                       .timer = level > 0 && seen.timer};
  std::string_view properties = request.properties;
  if (drop.broker || drop.foreign || drop.real || drop.delay || drop.timer)
    properties = copy_without(properties, drop, batch.arena_);
  std::string_view extra = stamp_;
  row.unique_key = seen.unique_key;
  if (seen.unique_key.empty() || dead) {
    // The rare pairs stand in front of the stamp that every message has.
    if (seen.unique_key.empty()) row.unique_key = new_unique_key(batch.arena_);
    const std::size_t key_size =
        seen.unique_key.empty() ? pair_size(property::kUniqueKey, row.unique_key) : 0;
    const std::string_view cause = ordered ? "ordered" : "retries";
    const std::size_t dead_size =
        dead ? pair_size(property::kDelayLevel, "-1") + pair_size(property::kDeadCause, cause) : 0;
    const std::size_t size = stamp_.size() + key_size + dead_size;
    char* const start = batch.arena_.allocate(size);
    char* to = start;
    if (key_size != 0) to = put_pair(to, property::kUniqueKey, row.unique_key);
    if (dead_size != 0) {
      to = put_pair(to, property::kDelayLevel, "-1");
      to = put_pair(to, property::kDeadCause, cause);
    }
    std::copy(stamp_.begin(), stamp_.end(), to);
    extra = {start, size};
  }

  store::AppendItem& item = add_item(request, *destination, queue_id, batch);
  item.message.body = request.body;
  item.message.properties = properties;
  item.message.extra_properties = extra;
  item.message.wait_committed = seen.wait;
  item.message.sys_flag &= ~model::sysflag::kTransactionMask;
  if (schedule != nullptr)
    divert(options_, *schedule, level, item, batch.arena_);
  else
    item.message.tags_code = model::tags_code(seen.tags);
  if (wheel != nullptr) {
    divert_to_timer(options_, *wheel, due_ms, item, batch.arena_);
    row.timer_out_ms = timer_out_ms(options_, due_ms);
  }
  if (half) make_half(*half_topic, request.producer_group, row.unique_key, item, batch.arena_);
  if (properties.size() + item.message.extra_properties.size() + kEncoderRoom +
          (wheel != nullptr ? kTimerRoom : 0) >
      model::kMaxPropertiesSize) {
    batch.items_.pop_back();
    return refuse(Errc::kMessageIllegal, "the properties are longer than 32767 bytes");
  }
  // Copies that come back from consumers are no sends, and a half message becomes one when it is
  // committed.
  if (topic.idempotence() != nullptr && !half && !seen.timer_delete &&
      request.reconsume_times <= 0 && !model::topic::is_retry(request.topic)) {
    const Status claimed =
        claim(topic, seen.unique_key, request.properties, request.body, batch, row);
    if (!claimed) {
      batch.items_.pop_back();
      return fail(claimed.error());
    }
  }
  if (dead)
    stats_.dead_letter(request.topic, request.topic.substr(model::topic::kRetryPrefix.size()));
  else if (model::topic::is_retry(request.topic))
    // What a consumer does when request 36 failed.
    stats_.causes().count({.cause = Cause::kConsumerAsked,
                           .group = request.topic.substr(model::topic::kRetryPrefix.size()),
                           .topic = request.topic,
                           .queue_id = queue_id});
  batch.bytes_ += request.body.size() + properties.size();
  batch.requests_.push_back(std::move(row));
  return batch.requests_.size() - 1;
}

// Null when the message may still be retried; its group's DLQ when not.
Result<const TopicEntry*> Sender::dead_letter_topic(const SendRequest& request) {
  const std::string_view group = request.topic.substr(model::topic::kRetryPrefix.size());
  const GroupEntry* entry = groups_.find(group);
  if (entry == nullptr) return refuse(Errc::kGroupNotFound, "no consumer group ", group);
  const std::int32_t limit = request.max_reconsume_times.value_or(entry->retry_max_times());
  // Ordered consumers retry in place and give a message back only when they give it up.
  if (request.reconsume_times <= limit && !locks_.any_held(group)) return nullptr;
  model::TopicConfig config;
  config.name = model::topic::dlq_topic(group);
  config.read_queues = 1;
  config.write_queues = 1;
  return topics_.ensure(config);
}

Result<std::size_t> Sender::stage_parts(const SendRequest& request, const TopicEntry& topic,
                                        std::int32_t queue_id, SendBatch& batch) {
  if (request.parts.empty()) return refuse(Errc::kMessageIllegal, "the batch is empty");
  if (model::topic::is_retry(request.topic))
    return refuse(Errc::kMessageIllegal, "a retry topic takes no batches");
  const SendProperties header = scan_properties(request.properties);
  if ((request.sys_flag & model::sysflag::kTransactionMask) != 0 || header.half ||
      header.level() > 0 || header.timer)
    return refuse(Errc::kMessageIllegal, "a batch can be neither transactional nor delayed");

  SendBatch::Request row;
  row.first = static_cast<std::uint32_t>(batch.items_.size());
  row.count = static_cast<std::uint32_t>(request.parts.size());
  row.queue_id = queue_id;
  row.wait_committed = header.wait;
  row.topic = &topic;
  row.unique_key = header.unique_key;
  row.watched = !header.unique_key.empty() && is_watched(request.topic);
  row.first_claim = static_cast<std::uint32_t>(batch.claims_.size());
  std::size_t bytes = 0;
  Status verdict;
  for (const BatchPart& part : request.parts) {
    const SendProperties seen = scan_properties(part.properties);
    if (part.body.empty()) {
      verdict = refuse(Errc::kMessageIllegal, "a message of the batch has no body");
      break;
    }
    if (seen.half || seen.level() > 0 || seen.timer || seen.timer_delete) {
      verdict = refuse(Errc::kMessageIllegal, "a batch can be neither transactional nor delayed");
      break;
    }
    store::AppendItem& item = add_item(request, topic, queue_id, batch);
    item.message.flag = part.flag;
    item.message.body = part.body;
    item.message.tags_code = model::tags_code(seen.tags);
    item.message.wait_committed = header.wait;
    item.message.properties = part.properties;
    if (seen.has_foreign_pairs)
      item.message.properties = copy_without(part.properties, {.foreign = true}, batch.arena_);
    if (seen.unique_key.empty()) {
      // Each message is an own message to its consumer, so it never inherits the batch's id.
      const std::string_view key = new_unique_key(batch.arena_);
      const std::size_t size = pair_size(property::kUniqueKey, key);
      char* const extra = batch.arena_.allocate(size);
      put_pair(extra, property::kUniqueKey, key);
      item.message.extra_properties = {extra, size};
    }
    if (item.message.properties.size() + item.message.extra_properties.size() + kEncoderRoom >
        model::kMaxPropertiesSize) {
      verdict = refuse(Errc::kMessageIllegal, "the properties are longer than 32767 bytes");
      break;
    }
    if (topic.idempotence() != nullptr)
      verdict = claim(topic, seen.unique_key, part.properties, part.body, batch, row);
    if (!verdict) break;
    bytes += part.body.size() + part.properties.size();
  }
  if (!verdict.has_value()) {
    batch.items_.resize(row.first);
    batch.claims_.shrink(row.first_claim);
    return fail(std::move(verdict.error()));
  }
  if (row.unique_key.empty()) row.unique_key = new_unique_key(batch.arena_);
  batch.bytes_ += bytes;
  batch.requests_.push_back(std::move(row));
  return batch.requests_.size() - 1;
}

void Sender::count_repeat(const SendBatch& batch, const SendBatch::Request& row) {
  const store::AppendItem& first = batch.items_[row.first];
  const bool delayed = first.queue != row.topic->queue(row.queue_id);
  stats_.causes().count({.cause = Cause::kSendRepeated,
                         .group = {},
                         .topic = row.topic->name(),
                         .queue_id = row.queue_id,
                         .offset = delayed ? -1 : first.result.queue_offset.value,
                         .messages = row.count});
}

// Of an idempotent topic the index of its keys knows better.
bool Sender::repeats(const SendBatch& batch, const SendBatch::Request& row) const {
  if (!row.watched || repeats_ == nullptr) return false;
  if (row.claims == 0) return repeats_->see(row.topic->name_hash(), row.unique_key);
  for (std::size_t i = row.first_claim; i < row.first_claim + row.claims; ++i)
    if (batch.claims_[i].decision == Claim::Decision::kStoreAgain) return true;
  return false;
}

void Sender::finish(SendBatch& batch, SendBatch::Request& row) {
  std::uint64_t stored = 0;
  std::uint64_t bytes = 0;
  for (const store::AppendItem& item : std::span(batch.items_).subspan(row.first, row.count)) {
    row.end.value = std::max(row.end.value, item.result.log_offset.value + item.result.size);
    if (item.queue == nullptr) continue;
    ++stored;
    bytes += static_cast<std::uint64_t>(item.result.size);
  }
  if (stored == 0) return;
  if (repeats(batch, row)) count_repeat(batch, row);
  stats_.put(stored, bytes);
  if (row.topic == nullptr) return;
  TopicEntry::Traffic& traffic = row.topic->traffic();
  StatsItem* messages = traffic.put_messages.load(std::memory_order_acquire);
  StatsItem* size = traffic.put_bytes.load(std::memory_order_acquire);
  if (messages == nullptr || size == nullptr) {
    messages = &stats_.item("TOPIC_PUT_NUMS", row.topic->name());
    size = &stats_.item("TOPIC_PUT_SIZE", row.topic->name());
    traffic.put_messages.store(messages, std::memory_order_release);
    traffic.put_bytes.store(size, std::memory_order_release);
  }
  messages->add(stored);
  size->add(bytes, stored);
}

void Sender::commit(SendBatch& batch) {
  if (batch.items_.empty()) {
    batch.appended_ns_ = clock_.monotonic_ns();
    return;
  }
  leave_out(batch);
  const auto all = append(batch, batch.items_);
  for (SendBatch::Request& row : batch.requests_) {
    if (row.count == 0 || row.error) continue;
    if (all.has_value() || row.duplicates == static_cast<std::int32_t>(row.count)) {
      take_results(batch, row);
      if (!row.error) finish(batch, row);
    } else if (all.error().code == Errc::kNotWritable || batch.requests_.size() == 1) {
      stats_.put_failed();
      row.error = all.error();
    } else {
      // One request may be at fault, or the batch as a whole too large: each gets its own chance.
      commit_one(batch, row);
    }
  }
  settle_claims(batch);
  batch.appended_ns_ = clock_.monotonic_ns();
  store_.write_out();
}

void Sender::commit_one(SendBatch& batch, SendBatch::Request& row) {
  take_results(batch, row);
  if (row.error) return;
  const auto items = std::span(batch.items_).subspan(row.first, row.count);
  auto end = append(batch, items);
  if (!end.has_value() && end.error().code == Errc::kBusy) {
    store_.write_out();  // makes room
    end = append(batch, items);
  }
  if (end.has_value()) {
    take_results(batch, row);
    finish(batch, row);
  } else {
    stats_.put_failed();
    row.error = end.error();
  }
}

void Sender::refuse_all(SendBatch& batch, const Error& error) {
  for (SendBatch::Request& row : batch.requests_) row.error = error;
  settle_claims(batch);
}

Result<store::AppendedOffset> Sender::commit_together(SendBatch& batch, const Head& head) {
  leave_out(batch);
  for (const SendBatch::Request& row : batch.requests_) {
    if (!row.error) continue;
    Error error = *row.error;
    refuse_all(batch, error);
    return fail(std::move(error));
  }
  batch.kept_.assign(1, {});
  for (const store::AppendItem& item : batch.items_)
    if (item.queue != nullptr) batch.kept_.push_back(item);
  head(std::span(batch.kept_).subspan(1), batch.kept_.front());
  auto end = store_.append(batch.kept_);
  if (!end) {
    stats_.put_failed();
    refuse_all(batch, end.error());
    return end;
  }
  auto stored = batch.kept_.begin() + 1;
  for (store::AppendItem& item : batch.items_)
    if (item.queue != nullptr) item.result = (stored++)->result;
  for (SendBatch::Request& row : batch.requests_) {
    take_results(batch, row);
    finish(batch, row);
  }
  settle_claims(batch);
  return end;
}

}  // namespace oncemq::broker
