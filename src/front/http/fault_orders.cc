// Faults on purpose: what requests 31041 to 31043 do.
#include <charconv>

#include "front/http/api_order.h"
#include "front/remoting/faults.h"

namespace oncemq::front {
namespace {

Result<broker::Faults*> allowed(const ApiContext& context) {
  broker::Faults* const faults = context.parts.broker->faults();
  if (faults == nullptr) return fail(faults_refusal());
  return faults;
}

Json fault_json(const broker::FaultView& view) {
  Json json = Json::object();
  json.set("id", static_cast<std::int64_t>(view.id));
  json.set("fault", broker::fault_name(view.order.kind));
  json.set("does", broker::fault_sentence(view.order.kind));
  json.set("topic", view.order.topic);
  json.set("group", view.order.group);
  json.set("probability", view.order.probability);
  json.set("count", view.order.count);
  json.set("struck", static_cast<std::int64_t>(view.struck));
  json.set("state", broker::fault_state_name(view.state));
  if (view.left_ms > 0) json.set("leftMs", view.left_ms);
  return json;
}

Result<Json> faults(const ApiContext& context, const ApiQuestion&) {
  const auto faults = allowed(context);
  if (!faults) return fail(faults.error());
  Json list = Json::array();
  for (const broker::FaultView& view : (*faults)->list()) list.push(fault_json(view));
  return Json::object().set("faults", std::move(list));
}

Result<ApiDone> add(const ApiContext& context, ApiOrder& order) {
  const auto faults = allowed(context);
  if (!faults) return fail(faults.error());
  BodyFields& body = order.body;
  body.require("fault");
  body.require("topic");
  broker::FaultOrder fault;
  if (const auto name = body.text("fault")) {
    const auto kind = broker::parse_fault(*name);
    if (kind)
      fault.kind = *kind;
    else
      body.refuse("fault", kind.error().message);
  }
  fault.topic = body.text("topic").value_or("");
  fault.group = body.text("group").value_or("");
  fault.probability = body.fraction("probability").value_or(1);
  fault.count = body.number("count", 1, broker::Faults::kCountMax).value_or(0);
  fault.for_ms = body.number("forMs", 1, broker::Faults::kForMaxMs).value_or(0);
  ONCE_TRY(body.finish());
  ONCE_TRY(broker::Faults::check(fault));
  if (order.dry_run) return ApiDone{.json = order_json(order, Json::object())};
  const auto id = (*faults)->add(std::move(fault));
  if (!id) return fail(id.error());
  return ApiDone{
      .json = order_json(order, Json::object().set("id", static_cast<std::int64_t>(*id))),
      .status = 201};
}

Result<ApiDone> clear(const ApiContext& context, ApiOrder& order) {
  const auto faults = allowed(context);
  if (!faults) return fail(faults.error());
  ONCE_TRY(order.body.finish());
  const std::string& text = order.path[1];
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(Errc::kInvalidArgument, "a fault is named by its number");
  if (!order.dry_run) ONCE_TRY((*faults)->clear(id));
  return ApiDone{.json =
                     order_json(order, Json::object().set("id", static_cast<std::int64_t>(id)))};
}

Result<ApiDone> clear_all(const ApiContext& context, ApiOrder& order) {
  const auto faults = allowed(context);
  if (!faults) return fail(faults.error());
  ONCE_TRY(order.body.finish());
  std::int64_t cleared = 0;
  for (const broker::FaultView& view : (*faults)->list())
    cleared += view.state == broker::FaultState::kActive ? 1 : 0;
  if (!order.dry_run) cleared = static_cast<std::int64_t>((*faults)->clear_all());
  return ApiDone{.json = order_json(order, Json::object().set("cleared", cleared))};
}

constexpr ApiRoute kRoutes[] = {
    {"faults", faults, "faults on purpose, with how often they struck (--allow-faults)"},
};
constexpr ApiOrderRoute kOrderRoutes[] = {
    {HttpMethod::kPost, "faults", add,
     "adds a fault; fault, topic, group, probability, count, forMs"},
    {HttpMethod::kDelete, "faults/{}", clear, "ends a fault"},
    {HttpMethod::kDelete, "faults", clear_all, "ends all faults"},
};

}  // namespace

std::span<const ApiRoute> api_fault_routes() {
  return kRoutes;
}
std::span<const ApiOrderRoute> fault_order_routes() {
  return kOrderRoutes;
}

}  // namespace oncemq::front
