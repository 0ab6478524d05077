#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/disk.h"
#include "store/layout.h"
#include "store/queue_files.h"
#include "store/queue_snapshot.h"
#include "store/queue_table.h"

namespace oncemq::store {

// Finds out at start where each queue ends. Thread rule: confined; works with a few threads of its
// own ("load-N"), as most of it is waiting for look-ups in folders.
class QueueLoader {
 public:
  QueueLoader(os::Disk& disk, const Layout& layout, QueueTable& queues, QueueFiles& files,
              bool parallel)
      : disk_(disk), layout_(layout), queues_(queues), files_(files), parallel_(parallel) {}

  // By looking into every folder: a queue ends in front of its first entry at or behind `cut`, or
  // its first hole. `cut_files`: what stands behind is removed.
  Status from_folders(LogOffset cut, bool cut_files);
  // From the snapshot. False, and nothing loaded, when folders of it are missing (or, `exact`,
  // there are others).
  Result<bool> from_snapshot(const QueueSnapshot& snapshot, bool exact);

 private:
  struct Folder {
    std::string topic;
    std::int32_t queue_id = 0;
    auto operator<=>(const Folder&) const = default;
  };

  Result<std::vector<Folder>> folders();
  Status for_each(std::size_t count, const std::function<Status(std::size_t)>& work) const;
  Status load(LiveQueue& queue, LogOffset cut, bool cut_files) const;

  os::Disk& disk_;
  const Layout& layout_;
  QueueTable& queues_;
  QueueFiles& files_;
  const bool parallel_;
};

}  // namespace oncemq::store
