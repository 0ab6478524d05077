#pragma once

namespace CLI {
class App;
}

namespace oncemq::cli {

// Adds the command "bench" with its three kinds. When one was given, `exit_code` is set while the
// command line is parsed: 0, 1 (ended early, or something was lost), 2 (could not begin).
void add_bench(CLI::App& app, int& exit_code);

}  // namespace oncemq::cli
