#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/log_cursor.h"
#include "store/log_files.h"

namespace oncemq::store {

// Bytes of the log in which no record stands, though records follow.
struct LogDamage {
  LogOffset begin;
  LogOffset end;             // where records go on
  std::string file;          // that `begin` lies in
  std::string what;          // what was found at `begin`
  bool to_file_end = false;  // the rest of the file is lost; records go on in the next one
};

struct LogWalk {
  LogOffset begin;
  LogOffset end;         // behind the last record
  std::string end_what;  // why there is none behind: empty for zeros
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::int64_t last_timestamp = 0;
  std::vector<LogDamage> damages;
};

// Reads the whole log with all checks and goes on behind damage, where the next record says that it
// belongs. `visit` sees each record; an error of it ends the walk. `progress`: bytes done and in
// total. kIo: the disk cannot read. Thread rule: confined.
Result<LogWalk> walk_log(const LogFiles& files,
                         const std::function<Status(const model::RecordView&, Bytes)>& visit,
                         const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace oncemq::store
