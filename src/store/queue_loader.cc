#include "store/queue_loader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>

#include "os/thread.h"

namespace oncemq::store {

namespace {
constexpr std::size_t kMaxThreads = 4;
constexpr std::size_t kPerThread = 64;  // look-ups that are worth a thread
}  // namespace

Status QueueLoader::for_each(std::size_t count,
                             const std::function<Status(std::size_t)>& work) const {
  const std::size_t workers =
      parallel_
          ? std::min<std::size_t>({os::processor_count(), kMaxThreads, count / kPerThread + 1})
          : 1;
  std::atomic<std::size_t> taken{0};
  std::vector<Status> outcome(workers);
  const auto take = [&](std::size_t worker) {
    for (std::size_t i = taken++; i < count; i = taken++) {
      if (Status done = work(i); !done) {
        outcome[worker] = std::move(done);
        return;
      }
    }
  };
  {
    std::vector<os::Thread> threads;
    for (std::size_t i = 1; i < workers; ++i)
      threads.emplace_back("load-" + std::to_string(i), [&take, i] { take(i); });
    take(0);
  }
  for (Status& status : outcome)
    if (!status) return std::move(status);
  return {};
}

Result<std::vector<QueueLoader::Folder>> QueueLoader::folders() {
  auto topics = disk_.list(layout_.queue_dir());
  if (!topics) return fail(std::move(topics.error()));
  std::erase_if(*topics, [](const os::DirEntry& entry) { return !entry.is_directory; });
  std::vector<std::vector<Folder>> found(topics->size());
  ONCE_TRY(for_each(topics->size(), [&](std::size_t i) -> Status {
    const std::string& topic = (*topics)[i].name;
    const auto ids = disk_.list(layout_.queue_dir() + "/" + topic);
    if (!ids) return fail(ids.error());
    for (const os::DirEntry& id : *ids) {
      std::int32_t number = 0;
      const char* end = id.name.data() + id.name.size();
      const auto parsed = std::from_chars(id.name.data(), end, number);
      if (id.is_directory && parsed.ec == std::errc{} && parsed.ptr == end && number >= 0)
        found[i].push_back({topic, number});
    }
    return {};
  }));
  std::vector<Folder> all;
  for (std::vector<Folder>& of_topic : found)
    std::move(of_topic.begin(), of_topic.end(), std::back_inserter(all));
  std::sort(all.begin(), all.end());
  return all;
}

Result<bool> QueueLoader::from_snapshot(const QueueSnapshot& snapshot, bool exact) {
  auto present = folders();
  if (!present) return fail(std::move(present.error()));
  std::vector<Folder> wanted;
  for (const QueueSnapshot::Queue& queue : snapshot.queues)
    if (queue.end > queue.first) wanted.push_back({queue.topic, queue.queue_id});
  std::sort(wanted.begin(), wanted.end());
  if (exact ? *present != wanted
            : !std::includes(present->begin(), present->end(), wanted.begin(), wanted.end()))
    return false;
  for (const QueueSnapshot::Queue& queue : snapshot.queues)
    queues_.get(queue.topic, queue.queue_id).load({queue.first}, {queue.end});
  return true;
}

Status QueueLoader::from_folders(LogOffset cut, bool cut_files) {
  auto present = folders();
  if (!present) return fail(std::move(present.error()));
  std::vector<LiveQueue*> queues;
  for (const Folder& folder : *present)
    queues.push_back(&queues_.get(folder.topic, folder.queue_id));
  ONCE_TRY(
      for_each(queues.size(), [&](std::size_t i) { return load(*queues[i], cut, cut_files); }));
  if (cut_files) files_.mark_all_dirty();
  return {};
}

Status QueueLoader::load(LiveQueue& queue, LogOffset cut, bool cut_files) const {
  auto starts = files_.starts(queue);
  if (!starts) {
    if (starts.error().code == Errc::kNotFound) return {};
    return fail(std::move(starts.error()));
  }
  const std::int64_t per_file = files_.entries_per_file();
  std::array<QueueEntry, 1> entry;
  const auto kept = [&](std::int64_t offset) -> Result<bool> {
    auto got = files_.read(queue, {offset}, entry);
    if (!got) return fail(std::move(got.error()));
    return *got == 1 && is_entry(entry[0]) && entry[0].log_offset < cut;
  };
  // Back to the file in which the kept entries end, then to the place. Below `cut` the files are
  // durable and whole, so there is exactly one such place.
  std::int64_t low = starts->back().value;
  for (; starts->size() > 1; low = starts->back().value) {
    auto keep = kept(low);
    if (!keep) return fail(std::move(keep.error()));
    if (*keep) break;
    starts->pop_back();
  }
  std::int64_t high = low + per_file;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    auto keep = kept(middle);
    if (!keep) return fail(std::move(keep.error()));
    if (*keep)
      low = middle + 1;
    else
      high = middle;
  }
  queue.load(starts->front(), {low});
  // Whatever stands behind must not be taken for an entry one day.
  return cut_files ? files_.cut(queue, {low}) : Status{};
}

}  // namespace oncemq::store
