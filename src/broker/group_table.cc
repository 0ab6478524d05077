#include "broker/group_table.h"

#include <algorithm>
#include <utility>

#include "base/heap_bytes.h"
#include "model/config_json.h"

namespace oncemq::broker {

void GroupEntry::assign(const model::GroupConfig& config) {
  consume_enable_.store(config.consume_enable, std::memory_order_relaxed);
  broadcast_enable_.store(config.consume_broadcast_enable, std::memory_order_relaxed);
  notify_ids_.store(config.notify_consumer_ids_changed_enable, std::memory_order_relaxed);
  retry_queues_.store(config.retry_queues, std::memory_order_relaxed);
  retry_max_times_.store(config.retry_max_times, std::memory_order_relaxed);
  sys_flag_.store(config.sys_flag, std::memory_order_relaxed);
  broker_id_.store(config.broker_id, std::memory_order_relaxed);
  slow_id_.store(config.which_broker_when_slow, std::memory_order_relaxed);
  alive_.store(true, std::memory_order_release);
}

GroupTable::GroupTable(const Options& options, const Switches& switches, TopicTable& topics,
                       os::Clock& clock)
    : options_(options), switches_(switches), topics_(topics), clock_(clock) {}

void GroupTable::set_dirty_hook(std::function<void()> hook) {
  dirty_hook_ = std::move(hook);
}

Status GroupTable::load(std::string_view json) {
  model::GroupTableFile file;
  if (!json.empty()) {
    auto parsed = Json::parse(json);
    if (!parsed.has_value())
      return fail(Errc::kCorrupt, "subscriptionGroup.json: " + parsed.error().message);
    auto table = model::group_table_from_json(*parsed);
    if (!table.has_value())
      return fail(Errc::kCorrupt, "subscriptionGroup.json: " + table.error().message);
    file = std::move(*table);
  }
  {
    WriteLock lock(mutex_);
    version_ = file.version;
    for (auto& [name, config] : file.groups) {
      config.name = name;
      put_locked(config);
    }
    for (const model::GroupConfig& config : model::group::system_groups())
      if (!rows_.contains(config.name)) put_locked(config);
    for (const auto& [group, topics] : file.forbidden)
      for (const auto& [topic, bits] : topics) forbidden_[group][topic] = bits;
    any_forbidden_.store(!forbidden_.empty(), std::memory_order_release);
    version_.bump(clock_.wall_ms());
  }
  // A folder that another broker wrote may know groups that never needed their retry topic.
  for (const auto& [name, config] : file.groups)
    ONCE_TRY(ensure_retry_topic(name, config.retry_queues));
  return {};
}

std::string GroupTable::dump() const {
  const GroupSnapshot now = snapshot();
  model::GroupTableMap groups;
  for (const model::GroupConfig& config : now.groups) groups.emplace(config.name, config);
  return model::group_table_to_json(groups, now.forbidden, now.version).dump_pretty();
}

std::size_t GroupTable::memory_bytes() const {
  constexpr std::size_t kOne =
      kHashNodeBytes<Rows> + heap_bytes(sizeof(GroupEntry)) + 3 * kNameHeapBytes;
  ReadLock lock(mutex_);
  return rows_.size() * kOne;
}

const GroupEntry* GroupTable::find(std::string_view name) const {
  ReadLock lock(mutex_);
  auto found = rows_.find(name);
  if (found == rows_.end() || !found->second.entry->alive()) return nullptr;
  return found->second.entry.get();
}

std::optional<model::GroupConfig> GroupTable::config(std::string_view name) const {
  ReadLock lock(mutex_);
  auto found = rows_.find(name);
  if (found == rows_.end() || !found->second.entry->alive()) return std::nullopt;
  return found->second.config;
}

GroupSnapshot GroupTable::snapshot() const {
  GroupSnapshot snapshot;
  {
    ReadLock lock(mutex_);
    snapshot.version = version_;
    snapshot.groups.reserve(alive_);
    for (const auto& [name, row] : rows_)
      if (row.entry->alive()) snapshot.groups.push_back(row.config);
    for (const auto& [group, topics] : forbidden_) snapshot.forbidden.emplace(group, topics);
  }
  std::sort(snapshot.groups.begin(), snapshot.groups.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return snapshot;
}

std::size_t GroupTable::size() const {
  ReadLock lock(mutex_);
  return alive_;
}

const GroupEntry* GroupTable::put_locked(const model::GroupConfig& config) {
  Row& row = rows_[config.name];
  if (row.entry == nullptr) row.entry = std::make_unique<GroupEntry>(config.name);
  if (!row.entry->alive()) ++alive_;
  row.config = config;
  row.entry->assign(config);
  return row.entry.get();
}

Status GroupTable::ensure_retry_topic(std::string_view group, std::int32_t queues) {
  if (model::group::is_system(group) || queues <= 0) return {};
  model::TopicConfig topic;
  topic.name = model::topic::retry_topic(group);
  topic.read_queues = queues;
  topic.write_queues = queues;
  auto ensured = topics_.ensure(topic);
  if (!ensured.has_value()) return fail(std::move(ensured.error()));
  return {};
}

Result<const GroupEntry*> GroupTable::find_or_create(std::string_view name) {
  if (const GroupEntry* entry = find(name); entry != nullptr) return entry;
  if (!switches_.auto_create_group.load(std::memory_order_relaxed) &&
      !model::group::is_system(name))
    return fail(Errc::kGroupNotFound, "consumer group " + std::string(name) + " does not exist");
  ONCE_TRY(model::check_group_name(name));
  model::GroupConfig config;
  config.name = std::string(name);
  return put(config, false);
}

Result<const GroupEntry*> GroupTable::put(const model::GroupConfig& config, bool replace) {
  const GroupEntry* entry = nullptr;
  {
    WriteLock lock(mutex_);
    auto found = rows_.find(config.name);
    const bool creating = found == rows_.end() || !found->second.entry->alive();
    if (!creating && !replace) return found->second.entry.get();
    if (creating && alive_ >= options_.groups_max)
      return fail(Errc::kBusy, "the broker has as many consumer groups as it may");
    model::GroupConfig wanted = config;
    wanted.attributes = creating ? decltype(wanted.attributes){} : found->second.config.attributes;
    for (const auto& [change, value] : config.attributes) {
      if (change.size() < 2 || (change.front() != '+' && change.front() != '-'))
        return fail(Errc::kInvalidArgument,
                    "an attribute change begins with + or -, not " + change);
      if (change.front() == '+')
        wanted.attributes[change.substr(1)] = value;
      else
        wanted.attributes.erase(change.substr(1));
    }
    if (!creating && found->second.config == wanted) return found->second.entry.get();
    entry = put_locked(wanted);
    version_.bump(clock_.wall_ms());
  }
  if (dirty_hook_ != nullptr) dirty_hook_();
  ONCE_TRY(ensure_retry_topic(config.name, config.retry_queues));
  return entry;
}

Status GroupTable::update(const model::GroupConfig& config) {
  ONCE_TRY(model::check_group_name(config.name));
  if (config.retry_queues < 0 || config.retry_queues > 1024)
    return fail(Errc::kInvalidArgument, "retryQueueNums must be between 0 and 1024");
  auto entry = put(config, true);
  if (!entry.has_value()) return fail(std::move(entry.error()));
  return {};
}

Status GroupTable::remove(std::string_view name) {
  if (model::group::is_system(name))
    return fail(Errc::kInvalidArgument, "group " + std::string(name) + " belongs to the broker");
  {
    WriteLock lock(mutex_);
    auto found = rows_.find(name);
    if (found == rows_.end() || !found->second.entry->alive()) return {};
    found->second.entry->alive_.store(false, std::memory_order_release);
    --alive_;
    if (auto row = forbidden_.find(name); row != forbidden_.end()) forbidden_.erase(row);
    any_forbidden_.store(!forbidden_.empty(), std::memory_order_release);
    version_.bump(clock_.wall_ms());
  }
  if (dirty_hook_ != nullptr) dirty_hook_();
  return {};
}

bool GroupTable::readable(std::string_view group, std::string_view topic) const {
  if (!any_forbidden_.load(std::memory_order_acquire)) return true;
  ReadLock lock(mutex_);
  auto found = forbidden_.find(group);
  if (found == forbidden_.end()) return true;
  auto row = found->second.find(std::string(topic));
  return row == found->second.end() || (row->second & model::perm::kRead) == 0;
}

void GroupTable::set_readable(std::string_view group, std::string_view topic, bool readable) {
  {
    WriteLock lock(mutex_);
    std::int32_t& bits = forbidden_[std::string(group)][std::string(topic)];
    if (readable)
      bits &= ~model::perm::kRead;
    else
      bits |= model::perm::kRead;
    if (bits == 0) {
      auto row = forbidden_.find(group);
      row->second.erase(std::string(topic));
      if (row->second.empty()) forbidden_.erase(row);
    }
    any_forbidden_.store(!forbidden_.empty(), std::memory_order_release);
    version_.bump(clock_.wall_ms());
  }
  if (dirty_hook_ != nullptr) dirty_hook_();
}

}  // namespace oncemq::broker
