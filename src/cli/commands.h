#pragma once

namespace CLI {
class App;
}

namespace oncemq::cli {

// Adds the commands "topic", "group", "message", "dlq", "transaction", "idempotency",
// "duplicates", "fault", "cluster", "config", "once" and "outbox". When one was given, `exit_code`
// is set while the command line is parsed, but for the last two, which are only checked: see
// docs/cli.md.
void add_commands(CLI::App& app, int& exit_code);

}  // namespace oncemq::cli
