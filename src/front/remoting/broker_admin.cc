#include "front/remoting/broker_admin.h"

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "front/remoting/loop_edge.h"
#include "model/conf_file.h"
#include "model/config_json.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"

namespace oncemq::front {
namespace {

wire::StatsItem item_of(const broker::StatsSpan& span) {
  return {.average = span.average, .sum = static_cast<std::int64_t>(span.sum), .tps = span.tps};
}

// compat: keys that no request may set (upstream's configBlackList of broker and name server).
bool is_locked(std::string_view key) {
  constexpr std::string_view kLocked[] = {"brokerConfigPath", "configBlackList", "configStorePath",
                                          "kvConfigPath", "rocketmqHome"};
  return std::find(std::begin(kLocked), std::end(kLocked), key) != std::end(kLocked);
}

}  // namespace

Status change_settings(model::LiveSettings& settings, const SaveSettings& save,
                       std::span<const model::SettingAssignment> assignments) {
  for (const auto& assignment : assignments)
    if (is_locked(assignment.name))
      return fail(Errc::kNoPermission, "Can not update config in black list.");
  ONCE_TRY(settings.update(assignments));
  return save ? save(assignments) : Status{};
}

void update_settings(Call call, const EdgeParts& parts, std::string_view lines) {
  const auto assignments = model::parse_properties(lines);
  if (!assignments) return call.refuse(assignments.error());
  const Status status = change_settings(parts.settings, parts.save_settings, *assignments);
  if (status) return call.ok();
  // compat: an unknown key is a system error; one that may not be changed is "no permission"
  // (upstream AdminBrokerProcessor.updateBrokerConfig).
  if (status.error().code == Errc::kNotFound || status.error().code == Errc::kInvalidArgument)
    return call.refuse(wire::ResponseCode::kSystemError, status.error().message);
  call.refuse(status.error());
}

BrokerAdminFamily::BrokerAdminFamily(const EdgeParts& parts)
    : parts_(parts), broker_(*parts.broker) {}

void BrokerAdminFamily::handle(Call call, const Request<wire::UpdateBrokerConfig>& request) {
  update_settings(std::move(call), parts_, as_text(request.command.body));
}

void BrokerAdminFamily::handle(Call call, const Request<wire::GetBrokerConfig>&) {
  const std::string version =
      model::to_json(model::DataVersion{.counter = parts_.settings.version()}).dump();
  call.reply(wire::GetBrokerConfig::Reply{.version = version},
             model::print_settings(parts_.settings.get()));
}

void BrokerAdminFamily::handle(Call call, const Request<wire::GetBrokerRuntimeInfo>&) {
  wire::KvTable body{.table = broker_.runtime_info().table()};
  body.table.insert_or_assign("brokerVersionDesc",
                              std::string(wire::version::name(wire::version::kOurs)));
  body.table.insert_or_assign("brokerVersion", std::to_string(wire::version::kOurs));
  // There are no thread pools; tools want to read the keys as numbers.
  for (const std::string_view pool : {"send", "pull", "litePull", "query", "ack"}) {
    for (const std::string_view key :
         {"ThreadPoolQueueSize", "ThreadPoolQueueCapacity", "ThreadPoolQueueHeadWaitTimeMills"}) {
      body.table.emplace(std::string(pool) + std::string(key), "0");
    }
  }
  body.table.emplace("EndTransactionQueueSize", "0");
  body.table.emplace("EndTransactionThreadPoolQueueCapacity", "0");
  call.ok(wire::encode_body(body));
}

void BrokerAdminFamily::handle(Call call, const Request<wire::ViewBrokerStatsData>& request) {
  const auto& header = request.header;
  const auto view = broker_.stats().view(header.stats_name, header.stats_key);
  if (!view) {
    return call.refuse(wire::ResponseCode::kSystemError,
                       "The stats <" + std::string(header.stats_name) + "> <" +
                           std::string(header.stats_key) + "> not exist");
  }
  call.ok(wire::encode_body(wire::BrokerStatsData{
      .day = item_of(view->day), .hour = item_of(view->hour), .minute = item_of(view->minute)}));
}

void BrokerAdminFamily::handle(Call call, const Request<wire::CleanExpiredConsumeQueue>&) {
  broker_.admin().delete_expired_log();
  call.ok();
}

void BrokerAdminFamily::handle(Call call, const Request<wire::DeleteExpiredCommitLog>&) {
  broker_.admin().delete_expired_log();
  call.ok();
}

}  // namespace oncemq::front
