#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/json.h"
#include "base/log.h"
#include "broker/popper.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace {

constexpr std::uint64_t kDumpBytes = 16U << 20;
constexpr std::int64_t kDumpMs = 60'000;
// Dead letters of one queue and tick; also how far back a copy is looked for, with room.
constexpr std::size_t kBuryMax = 32;
constexpr std::int64_t kBuriedLook = 128;
constexpr std::int64_t kBuryRetryMs = 1'000;
// The service thread comes by itself at least so often.
constexpr std::int64_t kIdleMs = 100;
constexpr std::int64_t kNever = PopSlots::kNever;
constexpr std::int64_t kTokenMax = 1LL << 60;  // as in pop_record.cc

}  // namespace

// ---- start and dump

Status Popper::load(std::string_view json) {
  const std::int64_t wall = clock_.wall_ms();
  const std::int64_t now = begin_ms();
  std::int64_t token = 0;
  const auto apply = [&](const PopOperation& operation) {
    token = std::max(token, operation.token);
    if (operation.kind == PopOperation::Kind::kForget) {
      // The log may name more queues that are gone than there may be.
      const auto gone = slots_.find(operation.group, operation.topic, operation.queue_id);
      if (gone == nullptr) return;
      {
        MutexLock lock(gone->mutex);
        slots_.end(*gone);
      }
      slots_.erase(gone);
      return;
    }
    auto owner = slots_.party(operation.group, operation.topic, [] { return true; });
    if (!owner.has_value()) return;
    auto place = slots_.slot(*owner, store_.queue(operation.topic, operation.queue_id), 0);
    if (!place.has_value()) return;
    MutexLock lock((*place)->mutex);
    (*place)->queue.apply(operation, wall, now);
    (*place)->live.store(true, std::memory_order_release);
  };
  model::QueueOffset from;
  if (!json.empty()) {
    auto parsed = Json::parse(json);
    if (!parsed.has_value())
      return fail(Errc::kCorrupt, "onceMqPop.json: " + parsed.error().message);
    from.value = (*parsed)["position"].as_int();
    token = std::clamp<std::int64_t>((*parsed)["token"].as_int(), 0, kTokenMax);
    set_settled({std::clamp<std::int64_t>((*parsed)["settled"].as_int(), 0, kTokenMax)});
    const std::string hex = (*parsed)["operations"].as_string();
    std::vector<std::byte> body(hex.size() / 2);
    if (!read_hex(hex, body))
      return fail(Errc::kCorrupt, "onceMqPop.json: operations are no hexadecimal text");
    if (!body.empty()) {
      const Status whole = read_pop_record(body, apply);
      if (!whole.has_value())
        return fail(Errc::kCorrupt, "onceMqPop.json: " + whole.error().message);
    }
  }
  const std::size_t messages = log_.replay(from, apply);
  // A machine that died has lost the end of the log: new operations will stand below `from`, where
  // nobody would look for them before the next dump.
  dump_stale_ = log_.position() < from;
  // Above every token of before, also those of queues that were forgotten.
  last_token_.store(token + 1, std::memory_order_relaxed);

  for (const PopSlots::SlotRef& slot : slots_.all()) {
    if (!slot->live.load(std::memory_order_relaxed)) continue;
    const std::int32_t id = slot->messages.queue_id();
    MutexLock lock(slot->mutex);
    // A machine that died may have lost the end of the queue; what comes there now is new.
    (void)slot->queue.cut(slot->messages.min(), slot->messages.max());
    slot->restored = slot->queue.rows() > 0;
    // The offset file is saved by the clock, so it may be behind; what is ahead of us is somebody
    // else's, and the next pop follows it - unless it lies behind the end of what a machine lost.
    const std::int64_t low = slot->queue.low().value;
    const auto stored = offsets_.query(slot->party->group, slot->party->topic, id);
    const bool ahead =
        stored.has_value() && stored->value > low && stored->value <= slot->messages.max().value;
    slot->written = ahead ? low : -1;
    if (slot->written < 0) changed(*slot);
    count(*slot, slot->queue.rows(), slot->queue.memory_bytes());
    slots_.look_at(*slot, 0);
  }
  if (messages > 0) log::info("broker", "POP: {} messages of operations read again", messages);
  dumped_ms_ = clock_.monotonic_ms();
  return {};
}

std::string Popper::dump() {
  // The position first: what is staged meanwhile is read again, and does nothing the second time.
  (void)log_.flush();
  const std::uint64_t bytes = log_.bytes();
  const std::int64_t position = log_.position().value;
  const std::int64_t settled = this->settled().value;
  const std::int64_t wall = clock_.wall_ms();
  const std::int64_t now = clock_.monotonic_ms();
  PopRecordWriter writer;
  for (const PopSlots::SlotRef& slot : slots_.all()) {
    if (!slot->live.load(std::memory_order_acquire)) continue;
    MutexLock lock(slot->mutex);
    if (slot->removed) continue;
    slot->queue.write({.group = slot->party->group,
                       .topic = slot->party->topic,
                       .queue_id = slot->messages.queue_id()},
                      wall, now, writer);
  }
  dump_stale_ = false;
  dumped_bytes_ = bytes;
  dumped_ms_ = now;
  Json file = Json::object();
  file.set("position", position);
  file.set("settled", settled);
  file.set("token", last_token_.load(std::memory_order_relaxed));
  file.set("operations", to_hex(as_bytes(writer.body())));
  return file.dump();
}

bool Popper::wants_dump() const {
  const std::uint64_t fresh = log_.bytes() - dumped_bytes_;
  return dump_stale_ || fresh >= kDumpBytes ||
         (fresh > 0 && clock_.monotonic_ms() - dumped_ms_ >= kDumpMs);
}

void Popper::flush() {
  // A refusal is remembered by what waits: it goes with the next tick, or its deadline passes.
  if (log_.flush().has_value()) store_.write_out();
}

std::int64_t Popper::end_of(std::uint64_t operation) const {
  const PopLog::Progress progress = log_.progress();
  return operation <= progress.appended ? progress.end.value : kNever;
}

bool Popper::committed(std::uint64_t operation) const {
  return operation == 0 || end_of(operation) <= store_.marks().committed().value;
}

// ---- periodic work

std::int64_t Popper::tick() {
  const std::int64_t now = clock_.monotonic_ms();
  bool any = false;
  for (; const auto slot = slots_.take_due(now); any = true) ripen(*slot, now);
  if (any) flush();
  return std::min({now + kIdleMs, parked_.expire(), slots_.next_due()});
}

void Popper::ripen(PopSlot& slot, std::int64_t now_ms) {
  const std::int32_t limit = deliveries_max(groups_.find(slot.party->group));
  std::vector<PopOperation::Row> dead;
  bool wake = false;
  {
    MutexLock lock(slot.mutex);
    if (slot.removed) return;
    slot.due_ms = kNever;
    slot.queue.ripen(now_ms);
    dead = slot.queue.condemn(limit, kBuryMax);
    wake = slot.queue.ready() > dead.size();
    changed(slot);
  }
  if (wake) parked_.wake(slot.party->wakes.load(std::memory_order_relaxed), slot.messages);
  if (dead.empty()) return;
  const bool buried = bury(slot, dead);
  // At once, so that a kill leaves at most these copies without their operation (kBuriedLook).
  flush();
  MutexLock lock(slot.mutex);
  // There may be more, or the store took nothing.
  const std::int64_t again = buried ? now_ms : now_ms + kBuryRetryMs;
  if (buried && dead.size() < kBuryMax) return;
  slots_.look_at(slot, again);
}

// First the copy, then the operation: both are in the log in this order, so a crash between them
// leaves the row, and the copy is found by in_dead_letters().
bool Popper::bury(PopSlot& slot, const std::vector<PopOperation::Row>& rows) {
  bool restored = false;
  {
    MutexLock lock(slot.mutex);
    if (slot.removed) return true;
    restored = slot.restored;
  }
  PopOperation dead{.kind = PopOperation::Kind::kDead};
  batch_.clear();
  std::vector<std::pair<std::size_t, model::QueueOffset>> staged;
  for (const PopOperation::Row& row : rows) {
    const store::ReadResult read =
        store_.read({.queue = &slot.messages, .offset = row.offset, .max_messages = 1});
    const bool found =
        read.status == store::ReadStatus::kFound && read.next.value == row.offset.value + 1;
    if (!found || (restored && in_dead_letters(slot, read.last_log_offset))) {
      dead.rows.push_back({row.offset, 0});
      continue;
    }
    auto request = send_back_.stage({.group = slot.party->group,
                                     .offset = read.last_log_offset,
                                     .delay_level = -1,
                                     .deliveries = row.deliveries,
                                     .dead_cause = "retries"},
                                    batch_);
    if (request.has_value()) {
      staged.emplace_back(*request, row.offset);
    } else if (request.error().code == Errc::kGroupNotFound ||
               request.error().code == Errc::kMessageNotFound) {
      dead.rows.push_back({row.offset, 0});
    } else {
      log::warn("broker", "cannot put a message of {} into the DLQ: {}", slot.party->topic,
                request.error().message);
    }
  }
  sender_.commit(batch_);
  for (const auto& [request, offset] : staged)
    if (!batch_.outcome(request).error.has_value()) dead.rows.push_back({offset, 0});
  batch_.clear();
  std::sort(dead.rows.begin(), dead.rows.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  MutexLock lock(slot.mutex);
  if (slot.removed) return true;
  for (const PopOperation::Row& row : dead.rows) slot.queue.remove(row.offset);
  if (!dead.rows.empty()) stage(slot, dead);
  changed(slot);
  return dead.rows.size() == rows.size();
}

bool Popper::in_dead_letters(const PopSlot& slot, model::LogOffset offset) const {
  store::ConsumeQueue* queue = store_.find_queue(model::topic::dlq_topic(slot.party->group), 0);
  auto span = store_.read_record(offset);
  if (queue == nullptr || !span.has_value()) return false;
  auto failed = model::decode_record(span->bytes, model::Verify::kNone);
  if (!failed.has_value() || failed->kind != model::RecordKind::kMessage) return false;
  const model::RecordView& record = failed->record;
  const auto known = model::find_property(record.properties, model::property::kOriginMessageId);
  const std::string id = known.has_value()
                             ? std::string(*known)
                             : model::offset_message_id(record.store_host, record.log_offset);
  model::QueueOffset at{std::max(queue->min().value, queue->max().value - kBuriedLook)};
  while (at < queue->max()) {
    const store::ReadResult read = store_.read({.queue = queue, .offset = at});
    if (read.next <= at) return false;
    for (const store::LogSpan& copy : read.spans) {
      Bytes rest = copy.bytes;
      while (!rest.empty()) {
        auto decoded = model::decode_record(rest, model::Verify::kNone);
        if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) break;
        if (model::find_property(decoded->record.properties, model::property::kOriginMessageId) ==
            id)
          return true;
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    at = read.next;
  }
  return false;
}

// ---- operators

void Popper::reset(std::string_view group, std::string_view topic) {
  const PopSlots::PartyRef party = slots_.find(group, topic);
  if (party == nullptr) return;
  for (const PopSlots::SlotRef& slot : PopSlots::of(*party)) {
    if (!slot->live.load(std::memory_order_acquire)) continue;
    {
      MutexLock lock(slot->mutex);
      if (slot->removed) continue;
      adopt(*slot, {});
      changed(*slot);
    }
    parked_.wake(party->id, slot->messages);
  }
  flush();
}

void Popper::forget_topic(std::string_view topic) {
  forget([&](const PopParty& party) { return party.topic == topic; });
}

void Popper::forget_group(std::string_view group) {
  forget([&](const PopParty& party) { return party.group == group; });
}

// Each queue's operation is staged before the name is free, so in the log it stands behind all of
// the old rows and before all of the new ones.
void Popper::forget(const PopSlots::Wanted& wanted) {
  for (const PopSlots::PartyRef& party : slots_.parties_if(wanted)) {
    const auto slots = PopSlots::take_slots(*party);
    if (!slots.has_value()) continue;
    for (const PopSlots::SlotRef& slot : *slots) {
      MutexLock lock(slot->mutex);
      drop(*slot);
    }
    slots_.erase(party);
    for (const PopSlots::SlotRef& slot : *slots)
      while (parked_.wake(party->id, slot->messages)) {
      }
  }
  flush();
}

void Popper::drop(PopSlot& slot) {
  if (slot.live.load(std::memory_order_relaxed)) {
    PopOperation forget{.kind = PopOperation::Kind::kForget};
    stage(slot, forget);
  }
  slot.live.store(false, std::memory_order_release);
  count(slot, 0, 0);
  // A change may have given a token above the last one: new rows begin behind it.
  (void)new_token(slot.queue.last_token());
  slot.queue.set({});
  slots_.end(slot);
}

}  // namespace oncemq::broker
