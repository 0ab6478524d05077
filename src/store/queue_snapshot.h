#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/disk.h"
#include "store/layout.h"

namespace oncemq::store {

// Where every queue stood when the dispatcher was at `position`: a start then needs one file in
// place of a look into each queue's folder. Valid after a clean stop, and while the machine has not
// been restarted, because then the queue files hold all that was written; the log behind `position`
// is dispatched again. `once/queues`, with a CRC; a broken or missing one costs time only.
struct QueueSnapshot {
  struct Queue {
    std::string topic;
    std::int32_t queue_id = 0;
    std::int64_t first = 0;  // oldest entry in the files
    std::int64_t end = 0;    // behind the newest
    bool operator==(const Queue&) const = default;
  };
  std::string session;  // os::Disk::session() of the writer
  bool clean = false;   // written by an orderly stop, after everything was durable
  std::int64_t position = 0;
  std::vector<Queue> queues;

  // Nothing when it is missing or not whole.
  static std::optional<QueueSnapshot> load(os::Disk& disk, const Layout& layout);
  // Durable when `clean`. kNoSpace | kIo.
  Status save(os::Disk& disk, const Layout& layout) const;
  // OK when there is none.
  static Status remove(os::Disk& disk, const Layout& layout);
};

}  // namespace oncemq::store
