#include "oncecli/report.h"

#include <gtest/gtest.h>

namespace oncemq::oncecli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Report report() {
  Report report{.table = "ledger", .status = {}, .horizon = hours(20)};
  report.status.version = 1;
  report.status.window = hours(16);
  report.status.period = hours(2);
  report.status.now_ms = milliseconds(hours(50)).count();
  report.status.periods = {
      {.number = 1,
       .began_at_ms = 1,
       .ended_at_ms = 2,
       .records = 7,
       .bytes = 3 << 20,
       .due = true},
      {.number = 2, .began_at_ms = 2, .ended_at_ms = 4, .records = 3, .bytes = 100},
      {.number = 3, .began_at_ms = report.status.now_ms - 1000, .records = 1, .bytes = 2048}};
  return report;
}

TEST(OnceReportTest, DurationsHaveTwoUnits) {
  EXPECT_EQ(duration_text(milliseconds(0)), "0s");
  EXPECT_EQ(duration_text(milliseconds(-5)), "0s");  // clocks may differ
  EXPECT_EQ(duration_text(milliseconds(59'999)), "59s");
  EXPECT_EQ(duration_text(minutes(5)), "5m");
  EXPECT_EQ(duration_text(minutes(5) + seconds(3)), "5m 3s");
  EXPECT_EQ(duration_text(hours(153) + minutes(31)), "6d 9h");
  EXPECT_EQ(duration_text(hours(168)), "7d");
}

TEST(OnceReportTest, SaysWhatThereIsAndWhatIsWrong) {
  Report told = report();
  told.status.not_durable = "fsync is off";
  const std::string text = report_text(told);
  for (const char* words :
       {"version 1 in ledger", "16h, in periods of 2h", "11 records, 3.0 MiB", "2d 1h ago",
        "1 periods: oncemq once clean URL", "come back for 20h: oncemq once init URL --window 1d",
        "refused: fsync is off", "due", "remembered", "current", "100 B", "2.0 KiB"})
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
  const Json json = report_json(told);
  EXPECT_FALSE(json["longEnough"].as_bool());
  EXPECT_FALSE(json["durable"].as_bool());
  EXPECT_EQ(json["notDurable"].as_string(), "fsync is off");
  EXPECT_EQ(json["periods"].items().size(), 3U);
  EXPECT_TRUE(json["periods"].items()[0]["due"].as_bool());
}

TEST(OnceReportTest, WhatIsNotKnownIsNoNumber) {
  Report told = report();
  told.status.periods[1].bytes = -1;
  EXPECT_NE(report_text(told).find("11 records, -\n"), std::string::npos) << report_text(told);
  told.status.periods.clear();
  EXPECT_NE(report_text(told).find("0 records, 0 B"), std::string::npos) << report_text(told);
  EXPECT_EQ(report_json(told)["oldestMs"].as_int(), 0);
}

TEST(OnceReportTest, CleaningIsTold) {
  EXPECT_EQ(cleaned_text({}), "nothing was over\n");
  EXPECT_EQ(cleaned_text({.busy = true}), "");
  EXPECT_EQ(cleaned_text({.rotated = true, .dropped = {3, 4}}),
            "period 3 dropped\nperiod 4 dropped\na new period began\n");
}

TEST(OnceReportTest, AdviceIsGivenWhereItHelps) {
  EXPECT_EQ(advice("something else"), "");
  EXPECT_NE(advice("attempt to write a readonly database").find("right to write"),
            std::string::npos);
}

}  // namespace
}  // namespace oncemq::oncecli
