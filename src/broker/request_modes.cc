#include "broker/request_modes.h"

#include "base/json.h"
#include "model/topic.h"

namespace oncemq::broker {

Status RequestModes::load(std::string_view json) {
  if (json.empty()) return {};
  auto parsed = Json::parse(json);
  if (!parsed.has_value())
    return fail(Errc::kCorrupt, "messageRequestMode.json: " + parsed.error().message);
  MutexLock lock(mutex_);
  for (const auto& [topic, groups] : (*parsed)["messageRequestModeMap"].members())
    for (const auto& [group, mode] : groups.members())
      table_[topic][group] = {mode["mode"].as_string() == "POP",
                              static_cast<std::int32_t>(mode["popShareQueueNum"].as_int())};
  return {};
}

std::string RequestModes::dump() const {
  Json topics = Json::object();
  MutexLock lock(mutex_);
  for (const auto& [topic, groups] : table_) {
    Json rows = Json::object();
    for (const auto& [group, mode] : groups) {
      Json row = Json::object();
      row.set("consumerGroup", group);
      row.set("mode", mode.pop ? "POP" : "PULL");
      row.set("popShareQueueNum", mode.share_queues);
      row.set("topic", topic);
      rows.set(group, std::move(row));
    }
    topics.set(topic, std::move(rows));
  }
  Json file = Json::object();
  file.set("messageRequestModeMap", std::move(topics));
  return file.dump_pretty();
}

RequestModes::Mode RequestModes::find(std::string_view topic, std::string_view group) const {
  if (model::topic::is_retry(topic)) return {};
  MutexLock lock(mutex_);
  if (auto groups = table_.find(topic); groups != table_.end())
    if (auto mode = groups->second.find(group); mode != groups->second.end()) return mode->second;
  return {options_.mode_pop, options_.pop_share_queues};
}

void RequestModes::set(std::string_view topic, std::string_view group, Mode mode) {
  {
    MutexLock lock(mutex_);
    table_[std::string(topic)].insert_or_assign(std::string(group), mode);
  }
  if (dirty_hook_ != nullptr) dirty_hook_();
}

RequestModes::Table RequestModes::all() const {
  MutexLock lock(mutex_);
  return table_;
}

}  // namespace oncemq::broker
