#include "model/group.h"

#include <algorithm>
#include <array>

namespace oncemq::model::group {
namespace {

constexpr std::array<std::string_view, 8> kPredefined = {
    kTools,
    "FILTERSRV_CONSUMER",
    "SELF_TEST_C_GROUP",
    "CID_ONS-HTTP-PROXY",
    "CID_ONSAPI_PULL",
    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_OWNER",
    kTransaction,
};

}  // namespace

bool is_system(std::string_view name) {
  return name.starts_with(kSystemPrefix) ||
         std::find(kPredefined.begin(), kPredefined.end(), name) != kPredefined.end();
}

std::vector<GroupConfig> system_groups() {
  std::vector<GroupConfig> groups;
  groups.reserve(kPredefined.size());
  for (const std::string_view name : kPredefined)
    groups.push_back(GroupConfig{.name = std::string(name)});
  return groups;
}

}  // namespace oncemq::model::group
