#include "tests/crash/world.h"

#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "model/properties.h"
#include "model/record_codec.h"
#include "store/consume_queue.h"

namespace oncemq::crash {
namespace {

constexpr std::string_view kTopics[] = {"orders", "payments"};
constexpr std::int32_t kQueues = 2;

// Reads one queue from its minimum to its maximum.
FoundQueue look_at(store::MessageStore& store, store::ConsumeQueue& queue,
                   std::vector<std::string>& trouble) {
  FoundQueue result{.topic = queue.topic(),
                    .queue_id = queue.queue_id(),
                    .min = queue.min().value,
                    .max = queue.max().value,
                    .messages = {}};
  store::QueueOffset next = queue.min();
  while (next < queue.max()) {
    const store::ReadResult read =
        store.read({.queue = &queue, .offset = next, .max_messages = 7, .max_bytes = 1 << 20});
    if (read.status != store::ReadStatus::kFound) {
      trouble.push_back("read: " + queue.topic() + "/" + std::to_string(queue.queue_id()) + " at " +
                        std::to_string(next.value) + " has status " +
                        std::to_string(static_cast<int>(read.status)));
      break;
    }
    for (const store::LogSpan& span : read.spans) {
      for (Bytes rest = span.bytes; !rest.empty();) {
        const auto decoded = model::decode_record(rest, model::Verify::kFull);
        if (!decoded || decoded->kind != model::RecordKind::kMessage) {
          trouble.push_back("read: bytes that are no record were served");
          return result;
        }
        result.messages.push_back({.body = std::string(as_text(decoded->record.body)),
                                   .place = {.log_offset = decoded->record.log_offset.value,
                                             .queue_offset = decoded->record.queue_offset.value}});
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    if (read.next <= next) {
      trouble.push_back("read: no progress");
      break;
    }
    next = read.next;
  }
  return result;
}

std::size_t count_messages(const Found& found) {
  std::size_t count = 0;
  for (const FoundQueue& queue : found) count += queue.messages.size();
  return count;
}

void append_all(std::vector<std::string>& to, std::vector<std::string> from, const char* when) {
  for (std::string& line : from) to.push_back(when + std::move(line));
}

}  // namespace

store::StoreOptions small_store(store::CommitPolicy policy) {
  store::StoreOptions options;
  options.root = "store";
  options.policy = policy;
  options.log_file_size = 8192;
  options.queue_file_size = 400;
  options.index_slots = 16;
  options.index_entries = 40;
  options.zero_ahead_bytes = policy == store::CommitPolicy::kDurable ? 2048 : 0;
  options.free_space_floor = 0;
  options.threads = false;
  return options;
}

Result<std::unique_ptr<Running>> start_store(os::Disk& disk, os::Clock& clock,
                                             const store::StoreOptions& options) {
  auto running = std::make_unique<Running>();
  auto opened = store::MessageStore::open(
      disk, clock, options,
      [fatal = &running->fatal](const Error& error) { fatal->push_back(error); });
  if (!opened) return fail(std::move(opened.error()));
  running->store = std::move(*opened);
  running->store->start([](store::CommittedOffset, std::span<store::ConsumeQueue* const>) {});
  return running;
}

Found look(store::MessageStore& store, std::vector<std::string>& trouble) {
  Found found;
  store.for_each_queue(
      [&](store::ConsumeQueue& queue) { found.push_back(look_at(store, queue, trouble)); });
  return found;
}

std::vector<std::string> not_found_by_key(store::MessageStore& store, const Found& found) {
  std::vector<std::string> missing;
  for (const FoundQueue& queue : found) {
    for (const FoundMessage& message : queue.messages) {
      const std::string_view id = id_of(message.body);
      bool hit = false;
      for (const store::LogSpan& span : store.query({.topic = queue.topic, .key = id, .max = 64})) {
        const auto decoded = model::decode_record(span.bytes, model::Verify::kFull);
        hit = hit || (decoded && as_text(decoded->record.body) == message.body);
      }
      if (!hit) missing.push_back("index: " + std::string(id) + " is not found by its key");
    }
  }
  return missing;
}

void Clients::tick() {
  send_batch();
  take_acknowledgements();
  if (chance_.below(2) == 0) store_.step();
  take_acknowledgements();
  if (chance_.below(3) == 0) read_somewhere();
}

void Clients::drain() {
  store_.write_out();
  for (int round = 0; round < 20 && !waiting_.empty(); ++round) {
    store_.step();
    take_acknowledgements();
  }
}

void Clients::send_batch() {
  const std::size_t count = 1 + chance_.below(4);
  std::vector<std::string> ids(count);
  std::vector<std::string> bodies(count);
  std::vector<std::string> properties(count);
  std::vector<store::AppendItem> items(count);
  for (std::size_t at = 0; at < count; ++at) {
    const std::string topic(kTopics[chance_.below(std::size(kTopics))]);
    const auto queue_id = static_cast<std::int32_t>(chance_.below(kQueues));
    const std::size_t size = 30 + (chance_.below(6) == 0 ? chance_.below(1500) : chance_.below(60));
    ids[at] = prefix_ + std::to_string(sent_++);
    bodies[at] = body_of(ids[at], size);
    model::append_property(properties[at], model::property::kKeys, ids[at]);
    items[at].message = {.topic = kTopics[topic == kTopics[0] ? 0 : 1],
                         .queue_id = queue_id,
                         .body = as_bytes(bodies[at]),
                         .properties = properties[at]};
    items[at].queue = &store_.queue(topic, queue_id);
    history_.sending(ids[at],
                     {.topic = topic, .queue_id = queue_id, .body_size = bodies[at].size()});
  }
  const auto end = store_.append(items);
  for (std::size_t at = 0; at < count; ++at) {
    if (!end) {
      history_.refused(ids[at]);
      ++refused_;
      continue;
    }
    history_.appended(ids[at], {.log_offset = items[at].result.log_offset.value,
                                .queue_offset = items[at].result.queue_offset.value});
    waiting_.push_back({.id = ids[at], .end = end->value});
  }
  store_.write_out();
}

void Clients::take_acknowledgements() {
  const std::int64_t safe = acknowledge_ == Acknowledge::kCommitted
                                ? store_.marks().committed().value
                                : store_.marks().flushed().value;
  std::erase_if(waiting_, [&](const Waiting& one) {
    if (one.end > safe) return false;
    history_.acknowledged(one.id);
    return true;
  });
}

void Clients::read_somewhere() {
  std::vector<std::string> ignored;
  store::ConsumeQueue* queue = store_.find_queue(kTopics[chance_.below(std::size(kTopics))],
                                                 static_cast<std::int32_t>(chance_.below(kQueues)));
  if (queue == nullptr) return;
  for (const FoundMessage& message : look_at(store_, *queue, ignored).messages)
    history_.seen(std::string(id_of(message.body)));
}

std::vector<std::string> judge(std::unique_ptr<os::MemoryDisk> image, const Case& the_case,
                               std::size_t* found_count) {
  std::vector<std::string> broken;
  auto running = start_store(*image, the_case.clock, the_case.options);
  if (!running) return {"open: " + running.error().message};
  auto found = look(*(*running)->store, broken);
  if (found_count != nullptr) *found_count = count_messages(found);
  append_all(broken, the_case.history.violations(found, the_case.promise), "");
  append_all(broken, not_found_by_key(*(*running)->store, found), "");
  if (!broken.empty()) return broken;

  // Life goes on, and what this restart has decided is final.
  History later = the_case.history;
  later.settle(found);
  Clients clients(*(*running)->store, later, the_case.chance,
                  "after" + std::to_string(the_case.chance.below(1'000'000)) + "-");
  for (std::uint64_t ticks = the_case.chance.below(4); ticks > 0; --ticks) clients.tick();
  for (const Error& error : (*running)->fatal) broken.push_back("fatal: " + error.message);
  std::unique_ptr<os::MemoryDisk> next;
  if (the_case.chance.below(3) == 0) {
    clients.drain();
    if (const auto closed = (*running)->store->close(); !closed)
      broken.push_back("close: " + closed.error().message);
    running->reset();
    next = image->crash(os::Crash::kDropUnsynced);
  } else {
    const bool covers_all = the_case.options.policy == store::CommitPolicy::kDurable;
    next = covers_all ? image->crash(os::Crash::kRandom, &the_case.chance)
                      : image->crash(os::Crash::kProcess);
    running->reset();
  }
  auto again = start_store(*next, the_case.clock, the_case.options);
  if (!again) {
    broken.push_back("second open: " + again.error().message);
    return broken;
  }
  std::vector<std::string> second;
  found = look(*(*again)->store, second);
  append_all(second, later.violations(found, Promise::kAll), "");
  append_all(second, not_found_by_key(*(*again)->store, found), "");
  append_all(broken, second, "second look: ");
  return broken;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t at = 0; at < lines.size() && at < 12; ++at) text += "\n  " + lines[at];
  if (lines.size() > 12) text += "\n  and " + std::to_string(lines.size() - 12) + " more";
  return text;
}

void quiet() {
  if (std::getenv("ONCEMQ_CRASH_LOG") == nullptr) log::set_level(log::Level::kOff);
}

std::uint64_t effort() {
  const char* text = std::getenv("ONCEMQ_CRASH_EFFORT");
  const long factor = text == nullptr ? 1 : std::strtol(text, nullptr, 10);
  return factor > 0 ? static_cast<std::uint64_t>(factor) : 1;
}

}  // namespace oncemq::crash
