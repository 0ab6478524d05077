#include "base/log.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::log {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_level(Level::kInfo);
    set_sink([this](Level, std::string_view line) { lines_.emplace_back(line); });
  }
  void TearDown() override {
    set_sink({});
    set_level(Level::kWarn);
  }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, FormatsBehindTheArea) {
  info("store", "{} files in {} ms", 3, std::string("12"));
  EXPECT_THAT(lines_, ElementsAre("store: 3 files in 12 ms"));
}

TEST_F(LogTest, LevelDecides) {
  debug("net", "not yet");
  EXPECT_THAT(lines_, IsEmpty());
  set_level(Level::kDebug);
  debug("net", "now");
  set_level(Level::kError);
  warn("net", "no more");
  error("net", "but this");
  set_level(Level::kOff);
  error("net", "nothing");
  EXPECT_THAT(lines_, ElementsAre("net: now", "net: but this"));
}

TEST_F(LogTest, NobodyForgesALine) {
  warn("front", "topic '{}'", "a\nerror store: all is lost\r\x1b[0m");
  EXPECT_THAT(lines_, ElementsAre("front: topic 'a?error store: all is lost??[0m'"));
}

TEST_F(LogTest, NobodySteersATerminal) {
  // ESC, CSI as C1 in UTF-8 and as a lone byte, a right-to-left override, a line separator; what is
  // only foreign stays.
  warn("front", "{}",
       "a\x1b[2Jb\xc2\x9b"
       "2Jc\x9b"
       "d\xe2\x80\xae"
       "e\xe2\x80\xa8"
       "f");
  warn("front", "{}", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_THAT(lines_, ElementsAre("front: a?[2Jb??2Jc?d???e???f",
                                  "front: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
}

TEST_F(LogTest, LimitedCountsWhatItSuppressed) {
  Limited limited(1000);
  for (int i = 0; i < 4; ++i) limited.warn(100 + i, "net", "event {}", i);
  limited.warn(1099, "net", "event {}", 4);
  EXPECT_THAT(lines_, ElementsAre("net: event 0"));
  limited.warn(1100, "net", "event {}", 5);
  EXPECT_THAT(lines_, ElementsAre("net: event 0", "net: 4 more like the next line were not logged",
                                  "net: event 5"));
}

TEST(Log, GoesToStderrWithTimeAndLevel) {
  ::testing::internal::CaptureStderr();
  warn("store", "disk {} % full", 91);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("[0-9-]+ [0-9:.]+ warning store: disk 91 % full\n"));
}

TEST(Log, LevelNames) {
  EXPECT_EQ(parse_level("warn"), Level::kWarn);
  EXPECT_EQ(parse_level("off"), Level::kOff);
  EXPECT_EQ(parse_level("loud"), std::nullopt);
}

}  // namespace
}  // namespace oncemq::log
