#include "os/process_usage.h"

#include <vector>

#include <gtest/gtest.h>

#include "os/thread.h"

namespace oncemq::os {
namespace {

TEST(ProcessUsage, SeesItsOwnMemoryGrow) {
  const auto before = process_usage(process_id());
  ASSERT_TRUE(before);
  const std::vector<char> touched(64 << 20, 'x');
  const auto after = process_usage(process_id());
  ASSERT_TRUE(after);
  EXPECT_GE(after->rss_bytes, before->rss_bytes + (32U << 20)) << touched.size();
  EXPECT_GE(after->private_bytes, before->private_bytes + (32U << 20));
  EXPECT_LE(after->private_bytes, after->rss_bytes);
  EXPECT_GE(after->cpu_seconds, before->cpu_seconds);
}

TEST(ProcessUsage, TellsThatThereIsNoSuchProcess) {
  EXPECT_EQ(process_usage(-7).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace oncemq::os
