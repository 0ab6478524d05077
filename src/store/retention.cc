#include "store/retention.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"

namespace oncemq::store {

namespace {

std::vector<int> parse_hours(std::string_view text) {
  std::vector<int> hours;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    int hour = -1;
    std::from_chars(text.data(), text.data() + end, hour);
    if (hour >= 0 && hour < 24) hours.push_back(hour);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return hours;
}

double used_of(const os::DiskSpace& space) {
  return space.total == 0 ? 0
                          : static_cast<double>(space.total - std::min(space.free, space.total)) /
                                static_cast<double>(space.total);
}

double ratio(std::int32_t percent, std::int32_t low, std::int32_t high) {
  return static_cast<double>(std::clamp(percent, low, high)) / 100.0;
}

}  // namespace

Retention::Retention(os::Disk& disk, os::Clock& clock, const Layout& layout,
                     const StoreOptions& options, LogFiles& files, const Watermarks& marks,
                     QueueTable& queues, QueueFiles& queue_files, KeyIndex* index, WriteGate& gate,
                     Dispatcher& dispatcher)
    : disk_(disk),
      clock_(clock),
      layout_(layout),
      options_(options),
      files_(files),
      marks_(marks),
      queues_(queues),
      queue_files_(queue_files),
      index_(index),
      gate_(gate),
      dispatcher_(dispatcher),
      hours_(parse_hours(options.delete_when)) {}

void Retention::run() {
  const std::int64_t now = clock_.monotonic_ms();
  // While sends are refused for lack of room, every call looks again.
  if (now < next_ms_ && !gate_.has(Refusal::kDiskFull)) return;
  next_ms_ = now + kIntervalMs;
  pass(false);
}

void Retention::clean_now() {
  pass(true);
}

void Retention::pass(bool manual) {
  Pressure pressure = measure();
  if (manual || pressure.over_limit || in_delete_hour()) {
    const auto removed = clean_log(pressure.force && options_.clean_forcibly);
    if (!removed)
      log::warn("store", "cannot delete old log files: {}", removed.error().message);
    else if (*removed > 0)
      (void)measure();
  }
  if (const auto done = clean_derived(); !done)
    log::warn("store", "cannot delete old queue or index files: {}", done.error().message);
}

Retention::Pressure Retention::measure() {
  const auto log = disk_.space(layout_.log_dir());
  const auto queues = disk_.space(layout_.queue_dir());
  if (!log) return {};
  const double used = used_of(*log);
  const double queues_used = queues ? used_of(*queues) : used;
  log_used_ = used;
  queues_used_ = queues_used;
  const double worst = std::max(used, queues_used);
  const double force = ratio(options_.disk_force_clean_percent, 30, 85);
  const bool floor = log->free < options_.free_space_floor;
  if (worst > ratio(options_.disk_warning_percent, 35, 90) || floor) {
    gate_.refuse(
        Refusal::kDiskFull,
        {Errc::kNotWritable, "the disk is full: " + std::to_string(static_cast<int>(worst * 100)) +
                                 " % used, " + std::to_string(log->free >> 20) + " MiB free"});
  } else if (gate_.has(Refusal::kDiskFull) && worst <= force) {
    gate_.lift(Refusal::kDiskFull);
  }
  return {.over_limit = floor || worst > ratio(options_.disk_max_used_percent, 10, 95),
          .force = floor || worst > force};
}

bool Retention::in_delete_hour() const {
  const int hour = clock_.local(clock_.wall_ms()).hour;
  return std::find(hours_.begin(), hours_.end(), hour) != hours_.end();
}

Result<int> Retention::clean_log(bool force) {
  const std::int64_t oldest =
      clock_.wall_ms() - std::int64_t{options_.file_reserved_hours} * 3'600'000;
  const auto files = files_.all();
  LogOffset keep = files_.min_offset();
  LogOffset wanted = keep;
  int removed = 0;
  for (std::size_t i = 0; i + 1 < files.size() && i < kBatch; ++i) {
    if (files[i]->end().value > marks_.durable().value) break;
    const auto entry = disk_.stat(files[i]->path());
    if (!entry) return fail(entry.error());
    if (!force && entry->modified_ms > oldest) break;
    wanted = files[i]->end();
    if (wanted.value > hold_.load()) continue;
    keep = wanted;
    ++removed;
  }
  held_back_ = wanted > keep ? wanted.value : 0;
  if (removed == 0) return 0;
  ONCE_TRY(files_.remove_before(keep));
  log::info("store", "deleted {} log files; the log now begins at {}", removed, keep.value);
  return removed;
}

Status Retention::clean_derived() {
  const LogOffset min = files_.min_offset();
  if (min == cleaned_for_) return {};
  ONCE_TRY(trim_queues());
  if (index_ != nullptr) ONCE_TRY(index_->remove_below(min));
  cleaned_for_ = min;
  return {};
}

Status Retention::trim_queues() {
  const std::int64_t per_file = queue_files_.entries_per_file();
  // The beginning of the file that the minimum lies in; the last file stays in any case.
  const auto first_kept = [&](const LiveQueue& queue) {
    const std::int64_t last = std::max<std::int64_t>(queue.persisted().value - 1, 0);
    return QueueOffset{std::min(queue.min().value, last) / per_file * per_file};
  };
  std::vector<LiveQueue*> longer;
  for (LiveQueue* queue : queues_.all())
    if (queue->first() < first_kept(*queue)) longer.push_back(queue);
  if (longer.empty()) return {};
  return dispatcher_.trim(longer, [&]() -> Status {
    for (LiveQueue* queue : longer) {
      const QueueOffset keep = first_kept(*queue);
      const auto removed = queue_files_.remove_below(*queue, keep);
      if (!removed) return fail(removed.error());
      queue->set_first(keep);
    }
    return {};
  });
}

}  // namespace oncemq::store
