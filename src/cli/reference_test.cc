#include "cli/reference.h"

#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "cli/commands.h"

namespace oncemq::cli {
namespace {

class ReferenceTest : public ::testing::Test {
 protected:
  ReferenceTest() { add_commands(app, exit_code); }
  static std::string file(const std::string& name) {
    std::ifstream in(ONCEMQ_SOURCE_DIR "/docs/" + name);
    std::stringstream content;
    content << in.rdbuf();
    return content.str();
  }
  // The exit code of a command line that is refused before anything is done.
  void expect_refused(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());
    CLI::App fresh;
    int code = -1;
    add_commands(fresh, code);
    EXPECT_THROW(fresh.parse(std::move(words)), CLI::ParseError);
    EXPECT_EQ(code, -1);  // no verb ran
  }
  CLI::App app;
  int exit_code = -1;
};

TEST_F(ReferenceTest, CommittedPagesAreCurrent) {
  EXPECT_EQ(file("cli.md"), commands_markdown(app))
      << "print it anew: build/release/oncemq docs cli > docs/cli.md";
  EXPECT_EQ(file("oncemq-commands.1"), commands_man(app))
      << "print it anew: build/release/oncemq docs man > docs/oncemq-commands.1";
}

TEST_F(ReferenceTest, HintsNameTheNearest) {
  EXPECT_EQ(hint(app, {"tpoic"}), "unknown command 'tpoic', did you mean 'topic'?");
  EXPECT_EQ(hint(app, {"dlq", "relpay", "g"}), "unknown command 'relpay', did you mean 'replay'?");
  EXPECT_EQ(hint(app, {"topic", "delete", "t", "--dryrun"}),
            "unknown option '--dryrun', did you mean '--dry-run'?");
  EXPECT_EQ(hint(app, {"topic", "stat", "t"}), "");  // an alias
  EXPECT_EQ(hint(app, {"topic", "create", "t", "--queues=4"}), "");
  EXPECT_EQ(hint(app, {}), "");
}

TEST_F(ReferenceTest, CompletionKnowsEveryPlace) {
  const std::string bash = completion(app, "bash");
  EXPECT_NE(bash.find("\"dlq replay\") words=\""), std::string::npos);
  EXPECT_NE(bash.find("--dry-run"), std::string::npos);
  EXPECT_NE(completion(app, "zsh").find("bashcompinit"), std::string::npos);
  EXPECT_NE(completion(app, "fish").find("-a replay"), std::string::npos);
  EXPECT_EQ(completion(app, "tcsh"), "");
}

TEST_F(ReferenceTest, HostileWordsAreRefused) {
  for (const char* name : {"", "a b", "a/b", "../x", "a\nb", "\x1b[31m"}) {
    expect_refused({"topic", "create", name});
    expect_refused({"group", "show", name});
    expect_refused({"dlq", "replay", name});
  }
  expect_refused({"topic", "create", std::string(300, 'x')});
  expect_refused({"topic", "create", "t", "--queues", "0"});
  expect_refused({"topic", "create", "t", "--queues", "1e9"});
  expect_refused({"topic", "create", "t", "--perm", "5"});
  expect_refused({"topic", "create", "t", "surplus"});
  expect_refused({"message", "print", "t", "--count", "-1"});
  expect_refused({"message", "query", "t", "k", "--begin", "yesterday"});
  expect_refused({"group", "reset", "g", "t", "--offset", "-5"});
  expect_refused({"dlq", "replay", "g", "--to", "everywhere"});
  expect_refused({"dlq", "replay", "g", "--rate", "0"});
  expect_refused({"dlq", "show", "g", "--begin", "2026-02-30"});
  for (const char* verb : {"show", "replay", "purge", "export"}) {
    expect_refused({"dlq", verb, "g", "--where", "amount >"});
    expect_refused({"dlq", verb, "g", "--where", ""});
  }
  expect_refused({"dlq"});
  expect_refused({"config", "set", "key"});
}

}  // namespace
}  // namespace oncemq::cli
