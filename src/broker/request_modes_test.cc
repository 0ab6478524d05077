#include "broker/request_modes.h"

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

TEST(RequestModes, KeepsWhatWasSetAndKnowsItsFile) {
  Options options;
  RequestModes modes(options);
  int changes = 0;
  modes.set_dirty_hook([&] { ++changes; });
  EXPECT_FALSE(modes.find("T", "g").pop);
  modes.set("T", "g", {.pop = true, .share_queues = 2});
  EXPECT_EQ(changes, 1);
  RequestModes again(options);
  ASSERT_TRUE(again.load(modes.dump()).has_value());
  EXPECT_EQ(again.find("T", "g"), (RequestModes::Mode{.pop = true, .share_queues = 2}));
  EXPECT_FALSE(again.find("T", "h").pop);
  EXPECT_FALSE(again.find("%RETRY%g", "g").pop);
  EXPECT_EQ(again.load("[").error().code, Errc::kCorrupt);
}

TEST(RequestModes, DefaultIsTheBrokers) {
  Options options;
  options.mode_pop = true;
  const RequestModes modes(options);
  EXPECT_TRUE(modes.find("T", "g").pop);
  EXPECT_FALSE(modes.find("%RETRY%g", "g").pop);
}

}  // namespace
}  // namespace oncemq::broker
