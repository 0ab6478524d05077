#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace oncemq::model {

// As subscriptionGroup.json and the admin requests carry it (upstream SubscriptionGroupConfig).
// Thread rule: external.
struct GroupConfig {
  std::string name;
  bool consume_enable = true;
  bool consume_from_min_enable = true;
  bool consume_broadcast_enable = true;
  bool consume_message_orderly = false;
  std::int32_t retry_queues = 1;
  std::int32_t retry_max_times = 16;
  std::string retry_policy_json =
      R"({"type":"CUSTOMIZED"})";  // kept verbatim; nothing here reads it yet
  std::int64_t broker_id = 0;
  std::int64_t which_broker_when_slow = 1;
  bool notify_consumer_ids_changed_enable = true;
  std::int32_t sys_flag = 0;
  std::int32_t consume_timeout_minutes = 15;
  std::map<std::string, std::string> attributes;
  std::string subscription_json;  // subscriptionDataSet verbatim, empty when absent

  bool operator==(const GroupConfig&) const = default;
};

namespace group {
inline constexpr std::string_view kSystemPrefix = "CID_RMQ_SYS_";
inline constexpr std::string_view kTools = "TOOLS_CONSUMER";
inline constexpr std::string_view kTransaction = "CID_RMQ_SYS_TRANS";
// Groups that exist at start (remoting.md §15.2).
bool is_system(std::string_view name);
std::vector<GroupConfig> system_groups();
}  // namespace group

enum class ConsumeType : std::int8_t { kActively = 0, kPassively = 1, kPop = 2 };
enum class MessageModel : std::int8_t { kBroadcasting = 0, kClustering = 1 };

}  // namespace oncemq::model
