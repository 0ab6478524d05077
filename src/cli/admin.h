#pragma once

namespace CLI {
class App;
}

namespace oncemq::cli {

// Adds the commands "cluster", "topic", "group" and "message". When one was given, `exit_code` is
// set while the command line is parsed: 0, or 1 when the cluster refused or could not be reached.
void add_admin(CLI::App& app, int& exit_code);

}  // namespace oncemq::cli
