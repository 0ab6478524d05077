#pragma once

namespace CLI {
class App;
}

namespace oncemq::cli {

// Adds the commands "topic", "group", "message", "dlq", "transaction", "idempotency", "fault",
// "cluster" and "config". When one was given, `exit_code` is set while the command line is parsed:
// see docs/cli.md.
void add_commands(CLI::App& app, int& exit_code);

}  // namespace oncemq::cli
