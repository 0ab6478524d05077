#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "model/properties.h"
#include "store/checkpoint.h"
#include "store/deleted_topics.h"
#include "store/inspect.h"
#include "store/inspect_folder.h"
#include "store/key_index.h"
#include "store/log_walk.h"
#include "store/queue_files.h"
#include "store/queue_loader.h"
#include "store/queue_table.h"
#include "store/recovery.h"

namespace oncemq::store {

namespace {

// Follows one queue while the log is walked: entries are read a few at a time.
struct QueueProbe {
  LiveQueue* queue = nullptr;
  QueueOffset next{-1};  // -1: no record seen yet
  QueueOffset buffered_from;
  std::vector<QueueEntry> buffered;
};

std::string place_of(const model::RecordView& record) {
  return std::string(record.topic) + "/" + std::to_string(record.queue_id) + " offset " +
         std::to_string(record.queue_offset.value);
}

class Checker {
 public:
  Checker(os::Disk& disk, os::Clock& clock, const StoreOptions& options,
          const InspectProgress& progress)
      : disk_(disk),
        clock_(clock),
        options_(options),
        progress_(progress),
        layout_(options.root),
        marks_(CommitPolicy::kFlushed, 0),
        queue_files_(disk, layout_, options.queue_file_size),
        queues_(context_) {}

  Result<CheckReport> run() {
    auto lock = lock_for_inspection(disk_, layout_);
    if (!lock) return fail(std::move(lock.error()));
    report_.clean = !disk_.stat(layout_.abort_mark()).has_value();
    auto files = LogFiles::view(disk_, layout_);
    if (!files) return fail(std::move(files.error()));
    files_ = std::move(*files);
    report_.log_files = files_->all().size();
    context_ = {.marks = &marks_, .log = files_.get(), .files = &queue_files_};
    ONCE_TRY(read_marks());
    ONCE_TRY(load_parts());
    ONCE_TRY(check_log());
    check_queue_ends();
    check_marks();
    return std::move(report_);
  }

 private:
  void problem(std::string place, std::string what) {
    ++report_.problem_count;
    if (report_.problems.size() < CheckReport::kMaxProblems)
      report_.problems.push_back({std::move(place), std::move(what)});
  }

  Status read_marks() {
    auto checkpoint = read_checkpoint(disk_, layout_.checkpoint());
    if (!checkpoint) return fail(std::move(checkpoint.error()));
    checkpoint_ = *checkpoint;
    if (disk_.stat(layout_.watermark())) {
      auto mark = WatermarkFile::view(disk_, layout_.watermark());
      if (!mark) return fail(std::move(mark.error()));
      mark_ = *mark;
    }
    // After a clean stop everything is there; else what is below the mark.
    if (report_.clean)
      settled_ = INT64_MAX;
    else
      settled_ = mark_ ? mark_->dispatched : 0;
    return {};
  }

  Status load_parts() {
    if (disk_.stat(layout_.queue_dir())) {
      QueueLoader loader(disk_, layout_, queues_, queue_files_, options_.threads);
      ONCE_TRY(loader.from_folders({INT64_MAX}, false));
    }
    for (LiveQueue* queue : queues_.all()) {
      probes_[queue] = {.queue = queue};
      report_.queue_entries +=
          static_cast<std::uint64_t>(queue->next().value - queue->first().value);
    }
    report_.queues = queues_.all().size();
    auto deleted = DeletedTopics::load(disk_, layout_);
    if (!deleted) {
      problem(layout_.deleted_topics(), deleted.error().message);
    } else {
      deleted_ = std::make_unique<DeletedTopics>(std::move(*deleted));
    }
    if (options_.index_enabled && disk_.stat(layout_.index_dir())) {
      auto index = KeyIndex::open(
          disk_, clock_, layout_,
          {.slots = options_.index_slots, .entries = options_.index_entries}, report_.clean);
      if (!index) {
        problem(layout_.index_dir(), index.error().message);
      } else {
        index_ = std::move(*index);
        report_.index_entries = index_->entries();
      }
    }
    return {};
  }

  Status check_log() {
    auto walk = walk_log(
        *files_,
        [this](const model::RecordView& record, Bytes bytes) {
          check_queue_entry(record, static_cast<std::int32_t>(bytes.size()));
          check_keys(record);
          return Status{};
        },
        [this](std::uint64_t done, std::uint64_t total) {
          if (progress_) progress_("log", done, total);
        });
    if (!walk) return fail(std::move(walk.error()));
    report_.log_begin = walk->begin.value;
    report_.log_end = walk->end.value;
    report_.records = walk->records;
    report_.record_bytes = walk->bytes;
    last_timestamp_ = walk->last_timestamp;
    for (const LogDamage& damage : walk->damages) {
      const std::string what = damage.what + "; records go on at " +
                               std::to_string(damage.end.value) + ", " +
                               std::to_string(damage.end - damage.begin) + " bytes later";
      if (!report_.clean && mark_ && damage.begin.value >= mark_->durable)
        report_.notes.push_back("offset " + std::to_string(damage.begin.value) + ": " + what +
                                " (behind the durable mark: the next start cuts there)");
      else
        problem(damage.file + " at log offset " + std::to_string(damage.begin.value), what);
    }
    // Behind damage they are its consequence.
    if (walk->damages.empty())
      for (StoreProblem& gap : gaps_) problem(std::move(gap.place), std::move(gap.what));
    if (!walk->end_what.empty()) {
      const std::string what = "ends at " + std::to_string(walk->end.value) + ": " + walk->end_what;
      if (!report_.clean && (!mark_ || walk->end.value >= mark_->durable))
        report_.notes.push_back("the log " + what);
      else
        problem(layout_.log_dir(), what);
    }
    return {};
  }

  bool expected(const model::RecordView& record) const {
    const std::int32_t type = record.transaction_type();
    return (type == model::sysflag::kTransactionNone ||
            type == model::sysflag::kTransactionCommit) &&
           !(deleted_ && deleted_->covers(record.topic, record.log_offset.value));
  }

  void check_queue_entry(const model::RecordView& record, std::int32_t size) {
    if (!expected(record)) return;
    LiveQueue* queue = queues_.find(record.topic, record.queue_id);
    if (queue == nullptr) {
      if (record.log_offset.value < settled_) problem(place_of(record), "the queue has no files");
      return;
    }
    QueueProbe& probe = probes_[queue];
    if (probe.next.value >= 0 && record.queue_offset != probe.next &&
        !known_loss(probe, record.queue_offset))
      gaps_.push_back({place_of(record), "record at " + std::to_string(record.log_offset.value) +
                                             " should have queue offset " +
                                             std::to_string(probe.next.value)});
    probe.next = record.queue_offset + 1;
    const auto entry = entry_at(probe, record.queue_offset);
    if (!entry || !is_entry(*entry)) {
      if (record.log_offset.value < settled_)
        problem(place_of(record),
                "no entry for the record at " + std::to_string(record.log_offset.value));
      return;
    }
    if (entry->log_offset != record.log_offset || entry->size != size)
      problem(place_of(record), "entry says log offset " + std::to_string(entry->log_offset.value) +
                                    " size " + std::to_string(entry->size) + ", the record is at " +
                                    std::to_string(record.log_offset.value) + " size " +
                                    std::to_string(size));
    else if (entry->tags_code != tags_code_of(record, options_.delay_levels_ms))
      problem(place_of(record), "entry has tags code " + std::to_string(entry->tags_code) +
                                    ", the record " +
                                    std::to_string(tags_code_of(record, options_.delay_levels_ms)));
  }

  // The places in between belong to messages that a rebuild gave up.
  bool known_loss(QueueProbe& probe, QueueOffset until) {
    for (QueueOffset at = probe.next; at < until; at += 1) {
      const auto entry = entry_at(probe, at);
      if (!entry || entry->size != kGapSize) return false;
    }
    return probe.next < until;
  }

  std::optional<QueueEntry> entry_at(QueueProbe& probe, QueueOffset offset) {
    const auto in_buffer = [&] {
      return offset >= probe.buffered_from &&
             offset - probe.buffered_from < static_cast<std::int64_t>(probe.buffered.size());
    };
    if (!in_buffer()) {
      constexpr std::size_t kAhead = 16;
      probe.buffered.resize(kAhead);
      const auto got = queue_files_.read(*probe.queue, offset, probe.buffered);
      probe.buffered.resize(got ? *got : 0);
      probe.buffered_from = offset;
      if (!in_buffer()) return std::nullopt;
    }
    return probe.buffered[static_cast<std::size_t>(offset - probe.buffered_from)];
  }

  void check_keys(const model::RecordView& record) {
    if (!index_ || record.log_offset.value >= settled_) return;
    const auto key = model::find_property(record.properties, model::property::kUniqueKey);
    if (!key || key->empty() || record.transaction_type() == model::sysflag::kTransactionRollback)
      return;
    const auto found = index_->find(record.topic, *key, SIZE_MAX, record.store_timestamp - 1000,
                                    record.store_timestamp);
    if (std::find(found.begin(), found.end(), record.log_offset) == found.end())
      problem(place_of(record), "the key index does not lead to the record at " +
                                    std::to_string(record.log_offset.value));
  }

  // Entries behind the last record of the log.
  void check_queue_ends() {
    for (const auto& [queue, probe] : probes_) {
      const QueueOffset end = queue->next();
      if (probe.next.value >= 0 && end <= probe.next) continue;
      if (end == queue->first()) continue;
      std::array<QueueEntry, 1> last;
      const auto got = queue_files_.read(*queue, end + -1, last);
      if (!got || *got == 0 || last[0].log_offset.value < report_.log_begin || is_filler(last[0]))
        continue;  // of records that retention has deleted
      const std::string what =
          fmt::format("entries up to offset {} point at {}, where the log has no such record",
                      end.value, last[0].log_offset.value);
      const std::string place = fmt::format("{}/{}", queue->topic(), queue->queue_id());
      if (report_.clean || last[0].log_offset.value < settled_)
        problem(place, what);
      else
        report_.notes.push_back(fmt::format("{}: {}", place, what));
    }
  }

  void check_marks() {
    if (mark_ && mark_->durable > report_.log_end)
      problem(layout_.watermark(), "the log was durable up to " + std::to_string(mark_->durable) +
                                       ", but ends at " + std::to_string(report_.log_end));
    const std::int64_t newest =
        std::max({checkpoint_.log_ms, checkpoint_.queues_ms, checkpoint_.index_ms});
    if (report_.records > 0 && newest > last_timestamp_ &&
        !(mark_ && newest <= mark_->store_timestamp))
      problem(layout_.checkpoint(), "claims " + std::to_string(newest) +
                                        " ms, the youngest record is of " +
                                        std::to_string(last_timestamp_) + " ms");
  }

  os::Disk& disk_;
  os::Clock& clock_;
  const StoreOptions& options_;
  const InspectProgress& progress_;
  const Layout layout_;
  CheckReport report_;
  Watermarks marks_;
  QueueContext context_;
  std::unique_ptr<LogFiles> files_;
  QueueFiles queue_files_;
  QueueTable queues_;
  std::unique_ptr<KeyIndex> index_;
  std::unique_ptr<DeletedTopics> deleted_;
  Checkpoint checkpoint_;
  std::optional<DurableMark> mark_;
  std::int64_t settled_ = 0;  // entries and keys of records below must be there
  std::int64_t last_timestamp_ = 0;
  std::map<LiveQueue*, QueueProbe> probes_;
  std::vector<StoreProblem> gaps_;
};

}  // namespace

Result<CheckReport> check_store(os::Disk& disk, os::Clock& clock, const StoreOptions& options,
                                const InspectProgress& progress) {
  return Checker(disk, clock, options, progress).run();
}

Json CheckReport::to_json() const {
  const auto number = [](std::uint64_t value) { return Json(static_cast<std::int64_t>(value)); };
  Json list = Json::array();
  for (const StoreProblem& one : problems)
    list.push(Json::object().set("place", Json(one.place)).set("what", Json(one.what)));
  Json remarks = Json::array();
  for (const std::string& note : notes) remarks.push(Json(note));
  Json json = Json::object();
  json.set("sound", Json(sound()))
      .set("cleanStop", Json(clean))
      .set("logBegin", Json(log_begin))
      .set("logEnd", Json(log_end))
      .set("logFiles", number(log_files))
      .set("records", number(records))
      .set("recordBytes", number(record_bytes))
      .set("queues", number(queues))
      .set("queueEntries", number(queue_entries))
      .set("indexEntries", number(index_entries))
      .set("problemCount", number(problem_count))
      .set("problems", std::move(list))
      .set("notes", std::move(remarks));
  return json;
}

}  // namespace oncemq::store
