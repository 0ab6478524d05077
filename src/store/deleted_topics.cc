#include "store/deleted_topics.h"

#include "base/json.h"

namespace oncemq::store {

Result<DeletedTopics> DeletedTopics::load(os::Disk& disk, const Layout& layout) {
  DeletedTopics topics(StateFile(disk, layout.deleted_topics()));
  auto text = topics.file_.load();
  if (!text) return fail(std::move(text.error()));
  if (text->empty()) return topics;
  auto json = Json::parse(*text);
  if (!json || !(*json)["deleted"].is_object())
    return fail(Errc::kCorrupt, layout.deleted_topics() + " has no table of topics");
  for (const auto& [topic, until] : (*json)["deleted"].members())
    topics.until_[topic] = until.as_int();
  return topics;
}

Status DeletedTopics::forget(std::string_view topic, std::int64_t until, std::int64_t log_min) {
  std::erase_if(until_, [&](const auto& entry) { return entry.second <= log_min; });
  if (until > log_min) until_[std::string(topic)] = until;
  Json deleted = Json::object();
  for (const auto& [name, end] : until_) deleted.set(name, Json(end));
  Json root = Json::object();
  root.set("deleted", std::move(deleted));
  return file_.save(root.dump());
}

}  // namespace oncemq::store
