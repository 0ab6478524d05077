#include "route/kv_config.h"

#include "base/json.h"

namespace oncemq::route {
namespace {

constexpr std::string_view kFile = "kvConfig.json";
constexpr std::uint64_t kFileMax = 64ULL << 20;

}  // namespace

Result<std::unique_ptr<KvConfig>> KvConfig::open(os::Disk& disk, std::string folder) {
  ONCE_TRY(disk.make_dirs(folder));
  std::unique_ptr<KvConfig> config(new KvConfig(disk, std::move(folder)));
  const std::string path = config->folder_ + "/" + std::string(kFile);
  auto file = disk.open(path, os::OpenMode::kRead);
  if (!file) {
    if (file.error().code == Errc::kNotFound) return config;
    return fail(std::move(file.error()));
  }
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  if (*size > kFileMax) return fail(Errc::kCorrupt, path + " is too large to be a kv config");
  std::string text(*size, '\0');
  auto read = (*file)->read_at(0, {reinterpret_cast<std::byte*>(text.data()), text.size()});
  if (!read) return fail(std::move(read.error()));
  text.resize(*read);

  auto json = Json::parse(text);
  if (!json || !(*json)["configTable"].is_object()) {
    return fail(Errc::kCorrupt, path + " does not parse as a kv config" +
                                    (json ? std::string() : ": " + json.error().message));
  }
  MutexLock lock(config->mutex_);
  for (const auto& [name_space, pairs] : (*json)["configTable"].members()) {
    for (const auto& [key, value] : pairs.members())
      config->tables_[name_space][key] = value.as_string();
  }
  return config;
}

Status KvConfig::put(std::string_view name_space, std::string_view key, std::string_view value) {
  std::int64_t version = 0;
  {
    MutexLock lock(mutex_);
    tables_[std::string(name_space)][std::string(key)] = std::string(value);
    version = ++version_;
  }
  return persist(version);
}

Status KvConfig::erase(std::string_view name_space, std::string_view key) {
  std::int64_t version = 0;
  {
    MutexLock lock(mutex_);
    const auto table = tables_.find(name_space);
    if (table == tables_.end()) return {};
    const auto pair = table->second.find(key);
    if (pair == table->second.end()) return {};
    table->second.erase(pair);
    if (table->second.empty()) tables_.erase(table);
    version = ++version_;
  }
  return persist(version);
}

std::optional<std::string> KvConfig::get(std::string_view name_space, std::string_view key) const {
  MutexLock lock(mutex_);
  const auto table = tables_.find(name_space);
  if (table == tables_.end()) return std::nullopt;
  const auto pair = table->second.find(key);
  if (pair == table->second.end()) return std::nullopt;
  return pair->second;
}

std::optional<KvConfig::Table> KvConfig::list(std::string_view name_space) const {
  MutexLock lock(mutex_);
  const auto table = tables_.find(name_space);
  if (table == tables_.end()) return std::nullopt;
  return table->second;
}

// One writer at a time, outside the lock; whoever waited for it finds its own change in the
// writer's snapshot or writes next.
Status KvConfig::persist(std::int64_t version) {
  std::int64_t snapshot_version = 0;
  std::string text;
  {
    MutexLock lock(mutex_);
    while (writing_) written_.wait(mutex_);
    if (persisted_ >= version) return {};
    writing_ = true;
    snapshot_version = version_;
    Json all = Json::object();
    for (const auto& [name_space, pairs] : tables_) {
      Json table = Json::object();
      for (const auto& [key, value] : pairs) table.set(key, Json(value));
      all.set(name_space, std::move(table));
    }
    Json root = Json::object();
    root.set("configTable", std::move(all));
    text = root.dump_pretty();
  }
  Status status = write(text);
  {
    MutexLock lock(mutex_);
    writing_ = false;
    if (status) persisted_ = snapshot_version;
  }
  written_.notify_all();
  return status;
}

Status KvConfig::write(const std::string& text) {
  const std::string path = folder_ + "/" + std::string(kFile);
  const std::string temporary = path + ".tmp";
  {
    auto file = disk_.open(temporary, os::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    ONCE_TRY((*file)->truncate(0));
    ONCE_TRY((*file)->write_at(0, as_bytes(text)));
    ONCE_TRY((*file)->sync_data());
  }
  ONCE_TRY(disk_.rename(temporary, path));
  return disk_.sync_dir(folder_);
}

}  // namespace oncemq::route
