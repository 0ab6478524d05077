// The order that changes settings: what request 25 does.
#include <utility>

#include "front/http/api_order.h"
#include "model/settings.h"

namespace oncemq::front {
namespace {

Result<ApiDone> set(const ApiContext& context, ApiOrder& order) {
  std::vector<model::SettingAssignment> assignments;
  for (auto& [name, value] : order.body.all())
    assignments.push_back({.name = std::move(name), .value = std::move(value)});
  ONCE_TRY(order.body.finish());
  if (assignments.empty())
    return fail(Errc::kInvalidArgument,
                "the body has no settings, as in {\"logLevel\": \"debug\"}");
  model::Settings would = context.settings.get();
  for (const model::SettingAssignment& a : assignments) {
    // A key that does not exist is a wrong member of the body, not a missing thing.
    if (const Status good = model::apply_setting(would, a.name, a.value); !good)
      return fail(Errc::kInvalidArgument, good.error().message);
    if (model::find_setting(a.name)->change != model::Change::kDynamic)
      return fail(Errc::kNoPermission,
                  "'" + a.name + "' takes effect at the next start: set it in the file");
  }
  if (!order.dry_run) ONCE_TRY(context.parts.change_settings(assignments));
  Json settings = Json::object();
  for (const model::SettingAssignment& a : assignments)
    if (const model::SettingRow* row = model::find_setting(a.name); row->has_meaning())
      settings.set(a.name, model::setting_text(would, *row));
  return ApiDone{.json = order_json(order, Json::object().set("settings", std::move(settings)))};
}

constexpr ApiOrderRoute kRoutes[] = {
    {HttpMethod::kPut, "config", set,
     "changes settings, now and in the file given with -c; members are keys of broker.conf", false},
};

}  // namespace

std::span<const ApiOrderRoute> config_order_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
