#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "os/disk.h"
#include "store/consume_queue.h"
#include "store/layout.h"

namespace oncemq::store {

inline constexpr std::size_t kEntrySize = 20;
// What stands in front of the first entry of a queue whose history is gone (store.md §5).
inline constexpr std::int32_t kFillerSize = 0x7fffffff;

// The place of a record that is lost: readers step over it.
inline constexpr std::int32_t kGapSize = 1;

void store_entry(std::byte* to, const QueueEntry& entry);
QueueEntry load_entry(const std::byte* from);
// Bytes that are an entry, also the filler; otherwise a hole or the end.
inline bool is_entry(const QueueEntry& entry) {
  return entry.log_offset.value >= 0 && entry.log_offset.value <= kMaxLogOffset && entry.size > 0;
}
inline bool is_filler(const QueueEntry& entry) {
  return entry.log_offset.value == 0 && entry.size == kFillerSize;
}

// The files of all consume queues: consumequeue/<topic>/<queue id>/<20 digits>, sparse and of full
// size. Descriptors are kept in a list of the most recently used, at most kMaxOpen. Thread rule:
// monitor; writes, cuts, syncs and removals come from one thread at a time (dispatcher role).
class QueueFiles {
 public:
  static constexpr std::size_t kMaxOpen = 256;
  static constexpr std::size_t kSyncAll = 64;      // files from which on one sync of all is cheaper
  static constexpr std::size_t kStartFactor = 16;  // files begun in the time that one sync takes

  QueueFiles(os::Disk& disk, Layout layout, std::uint64_t file_size)
      : disk_(disk), layout_(std::move(layout)), file_size_(file_size) {}

  std::int64_t entries_per_file() const {
    return static_cast<std::int64_t>(file_size_ / kEntrySize);
  }
  std::uint64_t file_size() const { return file_size_; }
  const Layout& layout() const { return layout_; }
  os::Disk& disk() { return disk_; }

  // Entries as they are stored, from `from` to at most the end of its file. 0 when there is no such
  // file. kIo.
  Result<std::size_t> read(const ConsumeQueue& queue, QueueOffset from, std::span<QueueEntry> into);
  // Writes entries at their places, making folders and files where needed. `first`: nothing of the
  // queue is on disk yet, so what stands before is filled. kNoSpace | kIo.
  Status write(const ConsumeQueue& queue, QueueOffset from, std::span<const QueueEntry> entries,
               bool first);
  // Everything from `from` on becomes zero or is removed, not yet durably: mark_all_dirty()
  // (recovery; different queues at the same time). kIo.
  Status cut(const ConsumeQueue& queue, QueueOffset from);
  // The next pass of syncing takes everything, known to be written or not.
  void mark_all_dirty() { all_dirty_ = true; }
  // A file of the queue, or an entry in it, is not where it was written. True while a repair is to
  // be waited for; false after one that did not help. Any thread.
  bool report_lost(const ConsumeQueue& queue) ONCE_EXCLUDES(mutex_);
  // The queue that waits longest for its repair, null when there is none; repaired() takes it off.
  const ConsumeQueue* lost() ONCE_EXCLUDES(mutex_);
  void repaired(const ConsumeQueue& queue) ONCE_EXCLUDES(mutex_);

  // Files that lie wholly below `keep` are removed. Returns how many. kIo.
  Result<std::size_t> remove_below(const ConsumeQueue& queue, QueueOffset keep);
  Status remove_topic(std::string_view topic);
  Status remove_all();
  // First queue offsets of the files, ascending; other names are passed over. kNotFound: no file.
  Result<std::vector<QueueOffset>> starts(const ConsumeQueue& queue);

  // What was written and not synced. sync_some() syncs up to `limit` files and new folders; true
  // when nothing is left of what was dirty at begin_sync(). Of more than kSyncAll it has the kernel
  // begin to write `limit` at each call, so that the one sync of all at the end is short. kIo |
  // kNoSpace.
  void begin_sync();
  // What was written of one queue, and its folders, at once. kIo | kNoSpace.
  Status sync(const ConsumeQueue& queue);
  Result<bool> sync_some(std::size_t limit);
  // How much a sync of everything would have to wait for, in files and folders; SIZE_MAX: unknown.
  std::size_t unsynced() const;

 private:
  struct Key {
    const ConsumeQueue* queue = nullptr;
    std::int64_t start = 0;  // first byte of the file in its queue
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<const void*>{}(key.queue) * 31 + std::hash<std::int64_t>{}(key.start);
    }
  };
  struct Opened {
    Key key;
    std::shared_ptr<os::File> file;  // shared: in use by a reader while it leaves the list
  };

  std::string folder(const ConsumeQueue& queue) const;
  Key key_of(const ConsumeQueue& queue, QueueOffset offset) const;
  // Null without an error when it does not exist.
  Result<std::shared_ptr<os::File>> open(const Key& key);
  Result<std::shared_ptr<os::File>> make_file(const Key& key);
  Status fill(os::File& file, std::size_t size);
  void remember(const Key& key, const std::shared_ptr<os::File>& file);
  void forget(const ConsumeQueue* queue, const std::string* topic);
  Status cut_file(const std::string& path, std::uint64_t from);

  os::Disk& disk_;
  const Layout layout_;
  const std::uint64_t file_size_;

  Mutex mutex_;
  std::list<Opened> recent_ ONCE_GUARDED_BY(mutex_);  // front: used last
  std::unordered_map<Key, std::list<Opened>::iterator, KeyHash> open_ ONCE_GUARDED_BY(mutex_);

  // Queues, which outlive this; as many as somebody lost files of.
  std::vector<const ConsumeQueue*> lost_ ONCE_GUARDED_BY(mutex_);
  std::unordered_set<const ConsumeQueue*> repaired_ ONCE_GUARDED_BY(mutex_);

  // Dispatcher role only.
  std::vector<std::byte> buffer_;
  std::unordered_set<Key, KeyHash> dirty_;
  std::unordered_set<std::string> dirty_folders_;
  bool all_dirty_ = false;
  bool syncing_all_ = false;
  std::size_t begun_ = 0;  // of syncing_, from its start: the kernel writes them (syncing_all_)
  std::vector<Key> syncing_;
  std::vector<std::string> syncing_folders_;
};

}  // namespace oncemq::store
