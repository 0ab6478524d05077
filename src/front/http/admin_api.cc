#include "front/http/admin_api.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace oncemq::front {
namespace {

constexpr std::string_view kRoot = "/api/v1";

int status_of(Errc code) {
  switch (code) {
    case Errc::kBadBytes:
    case Errc::kInvalidArgument:
    case Errc::kMessageIllegal:
    case Errc::kSubscriptionBroken:
    case Errc::kBroadcastGroup:
      return 400;
    case Errc::kNoPermission:
      return 403;
    case Errc::kTopicNotFound:
    case Errc::kGroupNotFound:
    case Errc::kMessageNotFound:
    case Errc::kOffsetNotFound:
    case Errc::kNotFound:
    case Errc::kConsumerOffline:
    case Errc::kSubscriptionMissing:
    case Errc::kFilterMissing:
    case Errc::kNotSupported:
      return 404;
    case Errc::kBusy:
    case Errc::kNotReady:
    case Errc::kNotWritable:
    case Errc::kNoSpace:
    case Errc::kInUse:
    case Errc::kClientTimeout:
    case Errc::kFlushTimeout:
    case Errc::kReplicaTimeout:
    case Errc::kReplicaMissing:
      return 503;
    case Errc::kInternal:
    case Errc::kTopicExists:
    case Errc::kSubscriptionStale:
    case Errc::kFilterStale:
    case Errc::kIo:
    case Errc::kCorrupt:
      return 500;
  }
  return 500;
}

// What to do about it; empty when the message says it all.
std::string_view hint_of(Errc code) {
  switch (code) {
    case Errc::kTopicNotFound:
      return "GET /api/v1/topics lists the topics; '%' in a name is written %25";
    case Errc::kGroupNotFound:
      return "GET /api/v1/groups lists the groups; '%' in a name is written %25";
    case Errc::kNotFound:
      return "GET /api/v1 lists what can be asked";
    case Errc::kMessageNotFound:
      return "it may have been deleted with its log file (fileReservedTime)";
    default:
      return {};
  }
}

bool matches(std::string_view pattern, const std::vector<std::string>& path) {
  std::size_t at = 0;
  while (!pattern.empty()) {
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    const std::string_view word = pattern.substr(0, end);
    if (at == path.size() || (word != "{}" && word != path[at])) return false;
    if (path[at].empty()) return false;
    ++at;
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return at == path.size();
}

std::vector<ApiRoute> all_routes();

// In the order in which they are listed and tried.
const std::vector<ApiRoute>& routes() {
  static const std::vector<ApiRoute> list = all_routes();
  return list;
}

Result<Json> index(const ApiContext&, const ApiQuestion&) {
  Json list = Json::array();
  for (const ApiRoute& route : routes()) {
    std::string path(kRoot);
    if (!route.pattern.empty()) path.append("/").append(route.pattern);
    list.push(Json::object().set("path", path).set("shows", route.help));
  }
  return Json::object().set("paths", std::move(list));
}

Result<Json> cluster(const ApiContext& context, const ApiQuestion&) {
  Json json = Json::object();
  json.set("version", ONCEMQ_VERSION);
  json.set("roles", context.settings.get().roles);
  json.set("startupMs", context.parts.startup_ms);
  if (context.parts.server != nullptr)
    json.set("connections",
             static_cast<std::int64_t>(context.parts.server->shared().connections.load()));
  if (context.parts.broker == nullptr) return json;
  json.set("cluster", context.parts.options->cluster);
  json.set("broker", context.parts.options->name);
  json.set("brokerId", context.parts.options->id);
  json.set("address", context.parts.options->address.to_string());
  json.set("topics", static_cast<std::int64_t>(context.parts.broker->topics().size()));
  json.set("groups", static_cast<std::int64_t>(context.parts.broker->groups().size()));
  const store::StoreStats stats = context.parts.store->stats();
  Json store = Json::object();
  store.set("appended", stats.appended.value);
  store.set("flushed", stats.flushed.value);
  store.set("durable", stats.durable.value);
  store.set("committed", stats.committed.value);
  store.set("minOffset", stats.min_offset.value);
  store.set("logFiles", static_cast<std::int64_t>(stats.log_files));
  store.set("dispatchBehindBytes", stats.dispatch_behind_bytes);
  store.set("diskUsedRatio", stats.disk_used_ratio);
  const auto refusal = context.parts.store->refusal();
  store.set("writable", !refusal.has_value());
  if (refusal) store.set("refusal", refusal->message);
  json.set("store", std::move(store));
  return json;
}

Result<Json> config(const ApiContext& context, const ApiQuestion&) {
  Json json = Json::object();
  for (const model::SettingRow& row : model::setting_rows())
    if (row.has_meaning())
      json.members().emplace_back(std::string(row.name),
                                  Json(model::setting_text(context.settings.get(), row)));
  return json;
}

std::vector<ApiRoute> all_routes() {
  std::vector<ApiRoute> list = {
      {"", index, "this list", false},
      {"cluster", cluster, "who this broker is and how its store stands", false},
      {"config", config, "the settings in force", false},
  };
  for (const auto family : {api_topic_routes(), api_group_routes(), api_message_routes()})
    list.insert(list.end(), family.begin(), family.end());
  return list;
}

}  // namespace

HttpResponse AdminApi::answer(const HttpRequest& request) const {
  const auto run = [&]() -> Result<Json> {
    auto path = path_segments(
        request.path().substr(kRoot.size()).empty() ? "/" : request.path().substr(kRoot.size()));
    if (!path) return fail(std::move(path.error()));
    const ApiQuestion question{std::move(*path), request.target};
    for (const ApiRoute& route : routes()) {
      if (!matches(route.pattern, question.path)) continue;
      if (route.needs_broker && context_.parts.broker == nullptr)
        return fail(Errc::kNotSupported, "this process is no broker (roles)");
      return route.handler(context_, question);
    }
    return fail(Errc::kNotFound, "there is no " + std::string(request.path()));
  };
  auto json = run();
  if (json) return HttpResponse::json(*json);
  const Error& error = json.error();
  return HttpResponse::error(status_of(error.code), errc_name(error.code), error.message,
                             hint_of(error.code));
}

}  // namespace oncemq::front
