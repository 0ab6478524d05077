#include "model/group.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

TEST(Group, SystemGroupsAreSystem) {
  const auto groups = group::system_groups();
  EXPECT_EQ(groups.size(), 8U);
  for (const GroupConfig& config : groups) EXPECT_TRUE(group::is_system(config.name));
  EXPECT_TRUE(std::any_of(groups.begin(), groups.end(),
                          [](const auto& config) { return config.name == group::kTools; }));
}

TEST(Group, PrefixIsReserved) {
  EXPECT_TRUE(group::is_system("CID_RMQ_SYS_ANYTHING"));
  EXPECT_FALSE(group::is_system("CID_mine"));
  EXPECT_FALSE(group::is_system("TOOLS_CONSUMER2"));
}

}  // namespace
}  // namespace oncemq::model
