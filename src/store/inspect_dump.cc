#include <array>
#include <memory>

#include "model/properties.h"
#include "store/inspect.h"
#include "store/inspect_folder.h"
#include "store/log_cursor.h"
#include "store/queue_files.h"
#include "store/queue_loader.h"
#include "store/queue_table.h"
#include "store/recovery.h"

namespace oncemq::store {

namespace {

Json record_json(const model::RecordView& record, std::size_t size) {
  Json properties = Json::object();
  model::PropertyCursor cursor(record.properties);
  std::string_view name;
  std::string_view value;
  while (cursor.next(name, value)) properties.set(name, Json(value));
  Json json = Json::object();
  json.set("logOffset", Json(record.log_offset.value))
      .set("size", Json(static_cast<std::int64_t>(size)))
      .set("topic", Json(record.topic))
      .set("queueId", Json(record.queue_id))
      .set("queueOffset", Json(record.queue_offset.value))
      .set("sysFlag", Json(record.sys_flag))
      .set("flag", Json(record.flag))
      .set("bornTimestamp", Json(record.born_timestamp))
      .set("bornHost", Json(record.born_host.to_string()))
      .set("storeTimestamp", Json(record.store_timestamp))
      .set("storeHost", Json(record.store_host.to_string()))
      .set("reconsumeTimes", Json(record.reconsume_times))
      .set("preparedTransactionOffset", Json(record.prepared_transaction_offset.value))
      .set("bodySize", Json(static_cast<std::int64_t>(record.body.size())))
      .set("properties", std::move(properties));
  return json;
}

}  // namespace

Status dump_records(os::Disk& disk, const StoreOptions& options, const DumpRange& range,
                    const std::function<void(const Json&)>& line) {
  const Layout layout(options.root);
  auto lock = lock_for_inspection(disk, layout);
  if (!lock) return fail(std::move(lock.error()));
  auto files = LogFiles::view(disk, layout);
  if (!files) return fail(std::move(files.error()));
  const LogOffset from = std::max(LogOffset{range.from}, (*files)->min_offset());
  LogCursor cursor(**files, from, {INT64_MAX}, model::Verify::kFull);
  for (std::uint64_t left = range.count; left > 0; --left) {
    const LogCursor::Step step = cursor.step();
    if (step == LogCursor::Step::kEnd) return {};
    if (step != LogCursor::Step::kRecord)
      return fail(cursor.error().code, "no record at " + std::to_string(cursor.position().value) +
                                           ": " + cursor.error().message);
    line(record_json(cursor.record(), cursor.bytes().size()));
  }
  return {};
}

Status dump_queue(os::Disk& disk, const StoreOptions& options, std::string_view topic,
                  std::int32_t queue_id, const DumpRange& range,
                  const std::function<void(const Json&)>& line) {
  const Layout layout(options.root);
  auto lock = lock_for_inspection(disk, layout);
  if (!lock) return fail(std::move(lock.error()));
  const Watermarks marks(CommitPolicy::kFlushed, 0);
  QueueFiles files(disk, layout, options.queue_file_size);
  const QueueContext context{.marks = &marks, .log = nullptr, .files = &files};
  QueueTable queues(context);
  const LiveQueue& queue = queues.get(topic, queue_id);
  auto present = files.starts(queue);
  if (!present) return fail(std::move(present.error()));
  QueueOffset at = std::max(QueueOffset{range.from}, present->front());
  std::array<QueueEntry, 1> entry;
  for (std::uint64_t left = range.count; left > 0; --left, at += 1) {
    auto got = files.read(queue, at, entry);
    if (!got) return fail(std::move(got.error()));
    if (*got == 0 || !is_entry(entry[0])) return {};
    line(Json::object()
             .set("queueOffset", Json(at.value))
             .set("logOffset", Json(entry[0].log_offset.value))
             .set("size", Json(entry[0].size))
             .set("tagsCode", Json(entry[0].tags_code)));
  }
  return {};
}

}  // namespace oncemq::store
