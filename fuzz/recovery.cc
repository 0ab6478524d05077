// A start of the store on a folder that decayed or was forged. Either it says what is broken and
// changes nothing, or what it serves are whole messages of the right queue, nothing durable is cut,
// and a further start finds the same. Bounded in time and memory by the runner's limits.
#include "store/recovery.h"

#include <map>
#include <optional>
#include <string>

#include "base/log.h"
#include "fuzz/support/decayed_folder.h"
#include "store/disk_store.h"
#include "store/log_walk.h"

using namespace oncemq;
using namespace oncemq::fuzz;

namespace {

constexpr int kMaxReads = 500;  // per queue; forged files may reach as far as they like

using Files = std::map<std::string, std::vector<std::byte>>;
// Body and place of every message that a queue serves, by queue and offset.
using Served = std::map<std::pair<std::string, std::int64_t>, std::string>;

Files log_of(os::MemoryDisk& disk) {
  Files files;
  for (const std::string& path : disk.files()) {
    if (!path.starts_with("store/commitlog/")) continue;
    std::vector<std::byte> bytes(static_cast<std::size_t>(disk.stat(path)->size));
    ONCE_CHECK((*disk.open(path, os::OpenMode::kRead))->read_at(0, bytes).has_value());
    files[path] = std::move(bytes);
  }
  return files;
}

std::optional<store::DurableMark> mark_of(os::MemoryDisk& disk) {
  std::array<std::byte, 4> text{};
  if (auto lock = disk.open("store/lock", os::OpenMode::kRead))
    if ((*lock)->read_at(0, text).value_or(0) == 4 && as_text(text) == "lock") return std::nullopt;
  auto mark = store::WatermarkFile::view(disk, "store/once/watermark");
  return mark ? *mark : std::nullopt;
}

// Whether nothing in the log is damaged.
bool is_whole(os::Disk& disk) {
  const auto files = store::LogFiles::view(disk, store::Layout("store"));
  if (!files) return true;  // no log
  const auto walk = store::walk_log(
      **files, [](const model::RecordView&, Bytes) { return Status{}; }, nullptr);
  return walk && walk->damages.empty() && walk->end_what.empty();
}

struct Opened {
  std::unique_ptr<store::DiskStore> store;
  std::vector<Error> fatal;
};

Result<std::unique_ptr<Opened>> open_folder(os::Disk& disk) {
  auto result = std::make_unique<Opened>();
  auto opened =
      store::DiskStore::open(disk, fuzz_clock(), tiny_store(),
                             [fatal = &result->fatal](const Error& e) { fatal->push_back(e); });
  if (!opened) return fail(std::move(opened.error()));
  result->store = std::move(*opened);
  result->store->start(nullptr);
  return result;
}

void look_at(store::MessageStore& store, store::ConsumeQueue& queue, Served& served) {
  const std::string name = queue.topic() + "/" + std::to_string(queue.queue_id());
  ONCE_CHECK(queue.min() <= queue.max() && queue.max() <= queue.next());
  store::QueueOffset next = queue.min();
  for (int reads = 0; next < queue.max() && reads < kMaxReads; ++reads) {
    const store::ReadResult read =
        store.read({.queue = &queue, .offset = next, .max_messages = 7, .max_bytes = 1 << 20});
    if (read.status == store::ReadStatus::kEntryMissing && read.next == next) {
      store.housekeep();  // what is lost is made again, or given up
      continue;
    }
    ONCE_CHECK(read.next > next, "a reader comes forward");
    std::int32_t messages = 0;
    store::QueueOffset at = next;
    for (const store::LogSpan& span : read.spans) {
      for (Bytes rest = span.bytes; !rest.empty(); ++messages) {
        const auto decoded = model::decode_record(rest, model::Verify::kFull);
        ONCE_CHECK(decoded && decoded->kind == model::RecordKind::kMessage,
                   "served bytes that are no record");
        const model::RecordView& record = decoded->record;
        ONCE_CHECK(record.topic == queue.topic() && record.queue_id == queue.queue_id(),
                   "served a message of another queue");
        ONCE_CHECK(record.queue_offset >= at && record.queue_offset < read.next,
                   "served a message of another offset");
        served[{name, record.queue_offset.value}] =
            std::to_string(record.log_offset.value) + " " + std::string(as_text(record.body));
        at = record.queue_offset + 1;
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    ONCE_CHECK(messages == read.messages);
    next = read.next;
  }
}

Served look(store::MessageStore& store) {
  Served served;
  store.for_each_queue([&](store::ConsumeQueue& queue) {
    look_at(store, queue, served);
    const std::int64_t now = fuzz_clock().wall_ms();
    for (const auto boundary : {store::Boundary::kLower, store::Boundary::kUpper})
      ONCE_CHECK(store.offset_by_time(queue, now, boundary) <= queue.max());
    (void)store.store_time(queue, queue.min());
  });
  for (int i = 0; i < 60; i += 3) {
    const std::string key = "U" + std::to_string(i);
    for (const std::string_view topic : kTopics)
      for (const store::LogSpan& span : store.query({.topic = topic, .key = key}))
        ONCE_CHECK(model::decode_record(span.bytes, model::Verify::kFull).has_value());
  }
  (void)store.stats();
  return served;
}

// Whether `after` still serves everything that `before` served; it may serve more.
bool keeps(const Served& before, const Served& after) {
  for (const auto& [place, message] : before) {
    const auto found = after.find(place);
    if (found == after.end() || found->second != message) return false;
  }
  return true;
}

// The log from its beginning to `end` as it was.
void expect_kept(const Files& before, const Files& after, std::int64_t end) {
  for (const auto& [path, bytes] : before) {
    const auto start = store::parse_file_name(path.substr(path.rfind('/') + 1));
    if (!start || *start >= end) continue;
    const auto found = after.find(path);
    ONCE_CHECK(found != after.end(), "a file of the log is gone");
    const auto size = std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(end - *start));
    ONCE_CHECK(found->second.size() >= size &&
                   std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size),
                              found->second.begin()),
               "bytes of the log were changed");
  }
}

// A message goes in and comes out; then an orderly stop and start.
void expect_alive(os::MemoryDisk& disk, Opened& opened, const Served& served, bool whole) {
  store::DiskStore& store = *opened.store;
  const std::string body = "afterwards";
  store::AppendItem item;
  item.message = {.topic = "T", .queue_id = 0, .body = as_bytes(body)};
  item.queue = &store.queue("T", 0);
  ONCE_CHECK(store.append(std::span(&item, 1)).has_value());
  store.write_out();
  (void)store.step();
  (void)store.step();
  ONCE_CHECK(opened.fatal.empty());
  const Served with = look(store);
  ONCE_CHECK(keeps(served, with), "a message vanished");
  const auto got = store.read({.queue = item.queue, .offset = item.result.queue_offset});
  ONCE_CHECK(got.messages == 1, "a new message is not served");
  ONCE_CHECK(store.close().has_value());
  opened.store.reset();
  auto again = open_folder(disk);
  if (!again && again.error().code == Errc::kCorrupt && !whole) return;
  ONCE_CHECK(again.has_value(), "a folder that was closed does not open");
  ONCE_CHECK(keeps(with, look(*(*again)->store)), "a message vanished by a clean restart");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log::set_level(log::Level::kOff);
  Script script(Bytes(reinterpret_cast<const std::byte*>(data), std::min<std::size_t>(size, 512)));
  const auto disk = decayed_folder(script);
  const Files before = log_of(*disk);
  const auto mark = mark_of(*disk);

  auto first = open_folder(*disk);
  if (!first) {
    ONCE_CHECK(first.error().code == Errc::kCorrupt || first.error().code == Errc::kIo);
    ONCE_CHECK(!first.error().message.empty());
    for (const auto& [path, bytes] : before)
      if (!bytes.empty()) expect_kept({{path, bytes}}, log_of(*disk), INT64_MAX);
    return 0;
  }
  const std::int64_t end = (*first)->store->marks().appended().value;
  const std::int64_t begin = (*first)->store->min_offset().value;
  ONCE_CHECK(!mark || end >= mark->durable, "what was durable is cut");
  const Files recovered = log_of(*disk);
  expect_kept(before, recovered, end);
  const Served served = look(*(*first)->store);

  // A further start, whatever happened to the machine, finds the same log, and serves at least the
  // same: it may make again what of queues the first left alone. Only where the log itself is
  // damaged it may refuse: when it has to read what the first could leave alone.
  const bool whole = is_whole(*disk);
  for (const os::Crash kind : {os::Crash::kProcess, os::Crash::kDropUnsynced}) {
    const auto image = disk->crash(kind);
    auto second = open_folder(*image);
    if (!second && second.error().code == Errc::kCorrupt && !whole) continue;
    ONCE_CHECK(second.has_value(), "a recovered folder does not open");
    ONCE_CHECK((*second)->store->marks().appended().value == end);
    ONCE_CHECK((*second)->store->min_offset().value == begin);
    expect_kept(recovered, log_of(*image), end);
    ONCE_CHECK(keeps(served, look(*(*second)->store)), "a message vanished by a second recovery");
  }
  expect_alive(*disk, **first, served, whole);
  return 0;
}
