#include "cli/bench.h"

#include <string>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace oncemq::cli {
namespace {

// The exit code of a command line, or -1 when it does not parse.
int run(const std::string& line) {
  CLI::App app;
  int exit_code = 0;
  add_bench(app, exit_code);
  try {
    app.parse(line);
  } catch (const CLI::ParseError&) {
    return -1;
  }
  return exit_code;
}

TEST(BenchCommand, WantsAKindAndSomebodyToMeasure) {
  EXPECT_EQ(run("bench"), -1);
  EXPECT_EQ(run("bench sleep"), -1);
  EXPECT_EQ(run("bench send"), 2);
  EXPECT_EQ(run("bench send --broker 127.0.0.1:1 --quiet"), 2);
  EXPECT_EQ(run("bench consume --namesrv nonsense"), 2);
}

TEST(BenchCommand, RefusesWhatMakesNoSense) {
  EXPECT_EQ(run("bench send --broker a:1 --namesrv b:2"), -1);
  EXPECT_EQ(run("bench send --broker a:1 --window 0"), -1);
  EXPECT_EQ(run("bench send --broker a:1 --header xml"), -1);
  EXPECT_EQ(run("bench send --broker a:1 --sync perhaps"), -1);
  EXPECT_EQ(run("bench consume --broker a:1 --rate 5"), -1);  // only what it can use
  EXPECT_EQ(run("bench send --broker a:1 --pull-batch 5"), -1);
  EXPECT_EQ(run("bench send --broker a:1 --delay-spread-ms 5"), -1);  // of what?
  EXPECT_EQ(run("bench send --broker a:1 --delay-ms 5 --batch 2"), -1);
  EXPECT_EQ(run("bench send --broker a:1 --delay-ms 3456000001"), -1);
}

TEST(BenchCommand, APopAsksForNoMoreThanBrokersGive) {
  EXPECT_EQ(run("bench pop --broker a:1 --pull-batch 33"), -1);
  EXPECT_EQ(run("bench pop --broker 127.0.0.1:1 --quiet --pull-batch 32"), 1);  // nobody there
  EXPECT_EQ(run("bench consume --broker 127.0.0.1:1 --quiet --pull-batch 33"), 2);
}

}  // namespace
}  // namespace oncemq::cli
