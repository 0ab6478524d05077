#include "front/http/admin_api.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "front/http/order_guard.h"

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
    case Errc::kTopicExists:
    case Errc::kKeyConflict:
    case Errc::kFenced:
    case Errc::kInUse:
      return 409;
    case Errc::kBusy:
    case Errc::kNotReady:
    case Errc::kNotWritable:
    case Errc::kNoSpace:
    case Errc::kClientTimeout:
    case Errc::kFlushTimeout:
    case Errc::kReplicaTimeout:
    case Errc::kReplicaMissing:
      return 503;
    case Errc::kInternal:
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

const std::vector<ApiOrderRoute>& order_routes() {
  static const std::vector<ApiOrderRoute> list = [] {
    std::vector<ApiOrderRoute> all;
    for (const auto family :
         {topic_order_routes(), group_order_routes(), transaction_order_routes(),
          dead_letter_order_routes(), config_order_routes(), fault_order_routes()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return list;
}

std::string full_path(std::string_view pattern) {
  std::string path(kRoot);
  if (!pattern.empty()) path.append("/").append(pattern);
  return path;
}

Result<Json> index(const ApiContext&, const ApiQuestion&) {
  Json list = Json::array();
  for (const ApiRoute& route : routes())
    list.push(Json::object()
                  .set("method", "GET")
                  .set("path", full_path(route.pattern))
                  .set("shows", route.help));
  for (const ApiOrderRoute& route : order_routes())
    list.push(Json::object()
                  .set("method", method_name(route.method))
                  .set("path", full_path(route.pattern))
                  .set("does", route.help));
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
  for (const auto family : {api_topic_routes(), api_group_routes(), api_message_routes(),
                            api_transaction_routes(), api_fault_routes()})
    list.insert(list.end(), family.begin(), family.end());
  return list;
}

}  // namespace

Json order_json(const ApiOrder& order, Json json) {
  return json.set(order.dry_run ? "dryRun" : "done", true);
}

namespace {

HttpResponse refusal_of(const Error& error) {
  return HttpResponse::error(status_of(error.code), errc_name(error.code), error.message,
                             hint_of(error.code));
}

// What a path can be asked or ordered with, "GET, HEAD, POST"; empty: nothing is there.
std::string allowed(const std::vector<std::string>& path) {
  std::string methods;
  for (const ApiRoute& route : routes())
    if (methods.empty() && matches(route.pattern, path)) methods = "GET, HEAD";
  for (const ApiOrderRoute& route : order_routes())
    if (matches(route.pattern, path))
      methods.append(methods.empty() ? "" : ", ").append(method_name(route.method));
  return methods;
}

bool names(std::string_view methods, std::string_view method) {
  while (!methods.empty()) {
    const std::size_t end = std::min(methods.find(", "), methods.size());
    if (methods.substr(0, end) == method) return true;
    methods.remove_prefix(std::min(end + 2, methods.size()));
  }
  return false;
}

// The only parameter of an order. One that is misspelt must not make it earnest.
Result<bool> dry_run_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return false;
  const std::string_view query = target.substr(mark + 1);
  if (query == "dryRun=true") return true;
  if (query == "dryRun=false") return false;
  return fail(Errc::kInvalidArgument,
              "an order has one parameter, dryRun=true or dryRun=false; all else is in the body");
}

constexpr std::size_t kLoggedBytes = 512;  // of a body

}  // namespace

HttpResponse AdminApi::ask(const HttpRequest& request, std::vector<std::string> path) const {
  const ApiQuestion question{std::move(path), request.target};
  for (const ApiRoute& route : routes()) {
    if (!matches(route.pattern, question.path)) continue;
    if (route.needs_broker && context_.parts.broker == nullptr)
      return refusal_of({Errc::kNotSupported, "this process is no broker (roles)"});
    const auto json = route.handler(context_, question);
    return json ? HttpResponse::json(*json) : refusal_of(json.error());
  }
  return refusal_of({Errc::kNotFound, "there is no " + std::string(request.path())});
}

Result<ApiDone> AdminApi::carry_out(const HttpRequest& request,
                                    std::vector<std::string> path) const {
  const auto route = std::ranges::find_if(order_routes(), [&](const ApiOrderRoute& row) {
    return row.method == request.method && matches(row.pattern, path);
  });
  ONCE_CHECK(route != order_routes().end(), "the method was looked up");
  if (route->needs_broker && context_.parts.broker == nullptr)
    return fail(Errc::kNotSupported, "this process is no broker (roles)");
  const auto dry_run = dry_run_of(request.target);
  if (!dry_run) return fail(dry_run.error());
  auto body = BodyFields::parse(request.body);
  if (!body) return fail(std::move(body.error()));
  ApiOrder order{
      .path = std::move(path), .body = *body, .by = request.peer.to_string(), .dry_run = *dry_run};
  return route->handler(context_, order);
}

void AdminApi::order(const HttpRequest& request, std::vector<std::string> path, HttpReply reply) {
  Result<ApiDone> done = carry_out(request, std::move(path));
  const Error* refusal = !done ? &done.error() : done->refusal ? &*done->refusal : nullptr;
  HttpResponse answer =
      refusal != nullptr ? refusal_of(*refusal) : HttpResponse::json(done->json, done->status);
  log::info("http", "{} orders {} {} {}: {}", request.peer.to_string(), method_name(request.method),
            request.target, std::string_view(request.body).substr(0, kLoggedBytes),
            refusal != nullptr ? refusal->message : std::to_string(answer.status));
  if (!done) return reply.send(answer);
  switch (done->when) {
    case ApiDone::When::kNow:
      return reply.send(answer);
    case ApiDone::When::kCommitted:
      return held_.hold(*context_.parts.store, done->end, reply, std::move(answer));
    case ApiDone::When::kSaved:
      context_.parts.broker->when_saved(
          [&loop = loop_, reply, answer = std::move(answer)](const Status& saved) {
            loop.post([reply, answer = saved ? answer : refusal_of(saved.error())] {
              reply.send(answer);
            });
          });
  }
}

void AdminApi::serve(const HttpRequest& request, HttpReply reply) {
  const std::string_view rest = request.path().substr(kRoot.size());
  const bool reads = request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
  if (!reads) {
    if (const auto refusal = refuse_order(request, context_.settings.get().http_admin_remote)) {
      refused_.warn(context_.clock.monotonic_ms(), "http", "refused {} {} of {} (Origin '{}'): {}",
                    method_name(request.method), request.target, request.peer.to_string(),
                    request.origin, refusal->status);
      return reply.send(*refusal);
    }
  }
  auto path = path_segments(rest.empty() ? "/" : rest);
  if (!path) return reply.send(refusal_of(path.error()));
  const std::string methods = allowed(*path);
  if (methods.empty())
    return reply.send(refusal_of({Errc::kNotFound, "there is no " + std::string(request.path())}));
  if (!names(methods, method_name(request.method))) {
    HttpResponse refusal =
        HttpResponse::error(405, "method_not_allowed", "this path is not asked with that method");
    refusal.allow = methods;
    return reply.send(refusal);
  }
  if (reads) return reply.send(ask(request, std::move(*path)));
  order(request, std::move(*path), reply);
}

}  // namespace oncemq::front
