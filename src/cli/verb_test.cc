#include "cli/verb.h"

#include <cstdlib>

#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/commands.h"

namespace oncemq::cli {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

TEST(ParseTime, Words) {
  const std::pair<const char*, std::int64_t> words[] = {
      {"now", kNow},
      {"now-90m", kNow - 5'400'000},
      {"now-2d", kNow - 172'800'000},
      {"now-1h", kNow - 3'600'000},
      {"now-5s", kNow - 5'000},
      {"0", 0},
      {"1700000000123", 1'700'000'000'123},
      {"1970-01-02", 86'400'000},
      {"2026-01-31 12:30", 1'769'862'600'000},
      {"2026-01-31T12:30:15Z", 1'769'862'615'000},
  };
  for (const auto& [text, ms] : words) {
    const auto time = parse_time(text, kNow);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(*time, ms) << text;
  }
}

TEST(ParseTime, Refusals) {
  for (const char* text :
       {"", "yesterday", "now-", "now-5", "now-5w", "now--5m", "now-99999999999d", "-1", "12x",
        "2026-13-01", "2026-02-30", "2026-01-31 25:00", "2026-01-31 12:60", "1969-12-31",
        "2026-01-31 12:30:15 and more", "99999999999999999999"})
    EXPECT_FALSE(parse_time(text, kNow).has_value()) << text;
}

TEST(Verb, WithoutATerminalOnlyYesGoesOn) {
  Common common;
  common.yes = true;
  EXPECT_TRUE(confirm(common, "delete all").has_value());
  if (::isatty(0) == 0) {
    common.yes = false;
    const Status refused = confirm(common, "delete all");
    ASSERT_FALSE(refused.has_value());
    EXPECT_TRUE(is_usage(refused.error()));
  }
}

// Two verbs that write into one struct, as in a family, with a variable for "--by" too.
struct EnvironmentTest : ::testing::Test {
  EnvironmentTest() {
    EXPECT_EQ(::setenv("ONCEMQ_NAMESRV", "fromEnvironment:1", 1), 0);
    EXPECT_EQ(::setenv("ONCEMQ_TEST_USER", "ann", 1), 0);
    for (const char* name : {"list", "wipe"}) {
      CLI::App* const verb = app.add_subcommand(name);
      add_common(*verb, common, false, false);
      or_variable(verb->add_option("--by", by), "ONCEMQ_TEST_USER", by, common);
      verb->callback([this, verb] { take_environment(*verb, common); });
    }
  }
  ~EnvironmentTest() override {
    ::unsetenv("ONCEMQ_NAMESRV");
    ::unsetenv("ONCEMQ_TEST_USER");
  }

  CLI::App app;
  Common common;
  std::string by = "nobody";
};

TEST_F(EnvironmentTest, OptionWins) {
  app.parse("list --namesrv given:2 --by bob");
  EXPECT_EQ(common.name_server, "given:2");
  EXPECT_EQ(by, "bob");
}

TEST_F(EnvironmentTest, OtherwiseTheVariable) {
  app.parse("wipe --by bob");
  EXPECT_EQ(common.name_server, "fromEnvironment:1");
  EXPECT_EQ(by, "bob");
  app.parse("list");
  EXPECT_EQ(by, "ann");
}

TEST_F(EnvironmentTest, OtherwiseTheDefault) {
  ASSERT_EQ(::unsetenv("ONCEMQ_NAMESRV"), 0);
  ASSERT_EQ(::setenv("ONCEMQ_TEST_USER", "", 1), 0);
  app.parse("list");
  EXPECT_EQ(common.name_server, "127.0.0.1:9876");
  EXPECT_EQ(by, "nobody");
}

// What stands in for an option is told by take_environment alone: CLI11's own way would let verbs
// that were not called write, so nobody uses it.
TEST(Verb, NoOptionAsksCli11ForAVariable) {
  CLI::App app;
  int code = 0;
  add_commands(app, code);
  const auto any = [](const CLI::App*) { return true; };
  for (const CLI::App* family : app.get_subcommands(any))
    for (const CLI::App* verb : family->get_subcommands(any))
      for (const CLI::Option* option : verb->get_options())
        EXPECT_EQ(option->get_envname(), "") << verb->get_name() << ' ' << option->get_name();
}

TEST(Verb, UsageErrorsAreTold) {
  EXPECT_TRUE(is_usage(usage("no")));
  EXPECT_FALSE(is_usage({Errc::kInvalidArgument, "the broker says no"}));
}

}  // namespace
}  // namespace oncemq::cli
