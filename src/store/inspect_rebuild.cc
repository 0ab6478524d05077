#include <algorithm>
#include <memory>
#include <vector>

#include "store/disk_store.h"
#include "store/inspect.h"
#include "store/inspect_folder.h"
#include "store/log_walk.h"

namespace oncemq::store {

namespace {

constexpr std::string_view kLostTopic = "LOST";
constexpr std::size_t kLostOverhead = 91;

// A record that takes exactly the damaged bytes and that every broker steps over: a rolled-back one
// stands in no queue and in no index.
std::vector<std::byte> lost_record(const LogDamage& damage, std::int64_t timestamp) {
  const auto size = static_cast<std::size_t>(damage.end - damage.begin);
  const std::size_t topic = std::min(kLostTopic.size(), size - kLostOverhead);
  const std::vector<std::byte> body(size - kLostOverhead - topic);
  model::Message message;
  message.topic = kLostTopic.substr(0, topic);
  message.sys_flag = model::sysflag::kTransactionRollback;
  message.body = body;
  std::vector<std::byte> bytes(size);
  const std::size_t written = model::encode_record(
      message, {.queue_offset = {0}, .log_offset = damage.begin, .store_timestamp = timestamp},
      {.append_property_crc = false}, bytes);
  return written == size ? bytes : std::vector<std::byte>{};
}

Status bridge(LogFiles& files, const LogDamage& damage, std::int64_t timestamp) {
  const std::shared_ptr<LogFile> file = files.find(damage.begin);
  if (!file) return fail(Errc::kInternal, "damage outside the log");
  const auto at = static_cast<std::uint64_t>(damage.begin - file->start());
  std::vector<std::byte> bytes;
  if (damage.to_file_end) {
    bytes.resize(model::kBlankSize);
    store_be<std::int32_t>(bytes.data(), static_cast<std::int32_t>(file->end() - damage.begin));
    store_be<std::uint32_t>(bytes.data() + 4, model::kMagicBlank);
  } else if (damage.end - damage.begin > static_cast<std::int64_t>(kLostOverhead)) {
    bytes = lost_record(damage, timestamp);
  }
  if (bytes.empty())
    return fail(Errc::kNotSupported, "the damage at " + std::to_string(damage.begin.value) +
                                         " is too short to be bridged");
  ONCE_TRY(file->file().write_at(at, bytes));
  return file->file().sync_data();
}

}  // namespace

Result<RebuildReport> rebuild_store(os::Disk& disk, os::Clock& clock, const StoreOptions& options,
                                    bool accept_loss, const InspectProgress& progress) {
  const Layout layout(options.root);
  RebuildReport report;
  StoreOptions opened = options;
  opened.threads = false;
  {
    auto lock = lock_for_inspection(disk, layout);
    if (!lock) return fail(std::move(lock.error()));
    auto files = LogFiles::view(disk, layout);
    if (!files) return fail(std::move(files.error()));
    std::int64_t timestamp = 0;
    auto walk = walk_log(
        **files, [](const model::RecordView&, Bytes) { return Status{}; },
        [&](std::uint64_t done, std::uint64_t total) {
          if (progress) progress("log", done, total);
        });
    if (!walk) return fail(std::move(walk.error()));
    report.records = walk->records;
    opened.log_file_size = (*files)->file_size();
    for (const LogDamage& damage : walk->damages) {
      report.lost_bytes += static_cast<std::uint64_t>(damage.end - damage.begin);
      report.losses.push_back(
          {damage.file + " at log offset " + std::to_string(damage.begin.value),
           std::to_string(damage.end - damage.begin) + " bytes: " + damage.what});
    }
    if (!walk->damages.empty() && !accept_loss)
      return fail(Errc::kCorrupt, "the commit log is damaged in " +
                                      std::to_string(walk->damages.size()) + " places, first " +
                                      report.losses.front().place + ", " +
                                      std::to_string(report.lost_bytes) +
                                      " bytes in all; with --accept-loss they are given up");
    for (const LogDamage& damage : walk->damages) {
      // Store times must not decrease: that of the record before.
      LogCursor before(**files, (*files)->start_of(damage.begin), damage.begin,
                       model::Verify::kNone);
      while (before.step() == LogCursor::Step::kRecord) timestamp = before.record().store_timestamp;
      ONCE_TRY(bridge(**files, damage, timestamp));
    }
    // Nothing that speaks of the old queues may lead recovery; it reads the log from its beginning.
    auto mark = disk.open(layout.abort_mark(), os::OpenMode::kCreate);
    if (!mark) return fail(std::move(mark.error()));
    ONCE_TRY(disk.sync_dir(layout.root));
    for (const std::string& path :
         {layout.watermark(), layout.queue_snapshot(), layout.checkpoint()}) {
      if (auto gone = disk.remove(path); !gone && gone.error().code != Errc::kNotFound)
        return fail(std::move(gone.error()));
    }
    ONCE_TRY(disk.remove_tree(layout.queue_dir()));
    ONCE_TRY(disk.remove_tree(layout.index_dir()));
  }
  if (progress) progress("queues and index", 0, report.records);
  auto store = DiskStore::open(disk, clock, opened, nullptr);
  if (!store) return fail(std::move(store.error()));
  (*store)->start(nullptr);
  (*store)->for_each_queue([&](ConsumeQueue&) { ++report.queues; });
  ONCE_TRY((*store)->close());
  if (progress) progress("queues and index", report.records, report.records);
  return report;
}

Json RebuildReport::to_json() const {
  Json list = Json::array();
  for (const StoreProblem& one : losses)
    list.push(Json::object().set("place", Json(one.place)).set("what", Json(one.what)));
  Json json = Json::object();
  json.set("records", Json(static_cast<std::int64_t>(records)))
      .set("queues", Json(static_cast<std::int64_t>(queues)))
      .set("lostBytes", Json(static_cast<std::int64_t>(lost_bytes)))
      .set("losses", std::move(list));
  return json;
}

}  // namespace oncemq::store
