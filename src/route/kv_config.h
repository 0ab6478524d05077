#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "os/disk.h"

namespace oncemq::route {

// Small settings that clients and tools keep at the name server, by namespace and key. On disk as
// upstream's KVConfigManager writes them: `{"configTable":{namespace:{key:value}}}`; a change is
// durable when its call returns. A crash leaves the old file or the new one. Thread rule: monitor.
class KvConfig {
 public:
  using Table = std::map<std::string, std::string, std::less<>>;

  // Reads `<folder>/kvConfig.json`, making the folder when missing. kCorrupt when the file does not
  // parse: a table that we cannot read is never replaced by an empty one. kIo | kNoSpace.
  static Result<std::unique_ptr<KvConfig>> open(os::Disk& disk, std::string folder);

  // kIo | kNoSpace: the change is in force but not durable.
  Status put(std::string_view name_space, std::string_view key, std::string_view value);
  // OK when there was nothing.
  Status erase(std::string_view name_space, std::string_view key);
  std::optional<std::string> get(std::string_view name_space, std::string_view key) const;
  // Nothing when the namespace has no keys.
  std::optional<Table> list(std::string_view name_space) const;

 private:
  KvConfig(os::Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}
  Status persist(std::int64_t version) ONCE_EXCLUDES(mutex_);
  Status write(const std::string& text);

  os::Disk& disk_;
  const std::string folder_;
  mutable Mutex mutex_;
  CondVar written_;
  std::map<std::string, Table, std::less<>> tables_ ONCE_GUARDED_BY(mutex_);
  std::int64_t version_ ONCE_GUARDED_BY(mutex_) = 0;
  std::int64_t persisted_ ONCE_GUARDED_BY(mutex_) = 0;
  bool writing_ ONCE_GUARDED_BY(mutex_) = false;
};

}  // namespace oncemq::route
