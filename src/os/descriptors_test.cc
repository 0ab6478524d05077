#include "os/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace oncemq::os {
namespace {

TEST(Descriptors, TheSoftLimitFollowsTheHardOne) {
  rlimit saved{};
  getrlimit(RLIMIT_NOFILE, &saved);
  const rlimit low{.rlim_cur = 200, .rlim_max = saved.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);
  EXPECT_EQ(raise_descriptor_limit(), saved.rlim_max);
  EXPECT_EQ(raise_descriptor_limit(), saved.rlim_max);  // nothing left to do
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_EQ(now.rlim_cur, saved.rlim_max);
  setrlimit(RLIMIT_NOFILE, &saved);
}

}  // namespace
}  // namespace oncemq::os
