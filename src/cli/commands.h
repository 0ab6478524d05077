#pragma once

namespace CLI {
class App;
}

namespace oncemq::cli {

// Adds the commands "topic", "group", "message", "dlq", "transaction", "idempotency",
// "duplicates", "fault", "cluster", "config" and "once". When one was given, `exit_code` is set
// while the command line is parsed, but for "once", which is only checked: see docs/cli.md.
void add_commands(CLI::App& app, int& exit_code);

}  // namespace oncemq::cli
