#include "outboxcli/report.h"

#include <gtest/gtest.h>

namespace oncemq::outboxcli {
namespace {

outbox::TableStatus status() {
  return {.name = "a1b2",
          .waiting = 3,
          .oldest_ms = 4'500,
          .published = 12,
          .parked = 1,
          .refused = 1,
          .holder = "host-7",
          .troubles = {{.id = "41",
                        .topic = "paid",
                        .aggregate = "o1",
                        .attempts = 8,
                        .reason = "no room",
                        .parked = true},
                       {.id = "42", .topic = "shipped", .attempts = 1, .reason = "no right"}}};
}

TEST(OutboxReportTest, PeopleSeeWhatWaitsAndWhy) {
  const std::string text = report_text(status());
  for (const char* words : {"a1b2", "4500 ms", "host-7", "41", "parked", "paid", "o1", "no room",
                            "42", "refused", "no right"})
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
  const std::string quiet = report_text({.name = "a1b2"});
  EXPECT_NE(quiet.find("none works"), std::string::npos);
  EXPECT_EQ(quiet.find("reason"), std::string::npos);
}

TEST(OutboxReportTest, ProgramsGetNumbers) {
  const Json json = report_json(status());
  EXPECT_EQ(json["waiting"].as_int(), 3);
  EXPECT_EQ(json["oldestMs"].as_int(), 4'500);
  EXPECT_EQ(json["published"].as_int(), 12);
  EXPECT_EQ(json["holder"].as_string(), "host-7");
  ASSERT_EQ(json["troubles"].items().size(), 2U);
  EXPECT_EQ(json["troubles"].items()[0]["row"].as_string(), "41");
  EXPECT_TRUE(json["troubles"].items()[0]["parked"].as_bool());
  EXPECT_FALSE(json["troubles"].items()[1]["parked"].as_bool());
}

}  // namespace
}  // namespace oncemq::outboxcli
