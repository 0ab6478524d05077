#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/disk.h"
#include "store/layout.h"
#include "store/state_file.h"

namespace oncemq::store {

// Up to where in the log the records of a topic are forgotten, because it was deleted. Without it
// an unclean start, which makes queues again from the log, would bring them back. Kept in
// `once/deleted_topics.json`. Bound: topics deleted within the log's retention. Thread rule:
// confined to the dispatcher role.
class DeletedTopics {
 public:
  // kCorrupt when the file does not parse, kIo.
  static Result<DeletedTopics> load(os::Disk& disk, const Layout& layout);

  bool covers(std::string_view topic, std::int64_t log_offset) const {
    if (until_.empty()) return false;
    const auto at = until_.find(topic);
    return at != until_.end() && log_offset < at->second;
  }
  // Records of the topic below `until` are forgotten; entries that only speak of what lies below
  // `log_min` are dropped. Durable on return. kNoSpace | kIo.
  Status forget(std::string_view topic, std::int64_t until, std::int64_t log_min);

 private:
  explicit DeletedTopics(StateFile file) : file_(std::move(file)) {}

  StateFile file_;
  std::map<std::string, std::int64_t, std::less<>> until_;
};

}  // namespace oncemq::store
