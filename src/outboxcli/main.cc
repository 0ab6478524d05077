// The program behind `oncemq outbox`. The other one has read the command line before and refused
// what is wrong with it; here the same tree of commands reads it again.
#include <CLI/CLI.hpp>

#include "cli/verb.h"
#include "os/process.h"
#include "outboxcli/verbs.h"

int main(int argc, char** argv) {
  using namespace oncemq;
  CLI::App program("The part of OnceMQ that relays outboxes: see oncemq outbox --help", "oncemq");
  program.require_subcommand(1);
  program.set_version_flag("--version", "oncemq " ONCEMQ_VERSION);
  int exit_code = cli::kExitOk;
  cli::add_outbox(program, exit_code, outboxcli::verbs());
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? cli::kExitOk : cli::kExitUsage;
  }
  return exit_code;
}
