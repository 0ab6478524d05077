#pragma once

namespace CLI {
class App;
}

namespace oncemq::app {

// Adds `store check|dump|rebuild DIR`: a folder that no broker uses, looked at from outside.
// `exit_code` is set when one of them ran and must live until the command line was parsed.
void add_store_command(CLI::App& program, int& exit_code);

}  // namespace oncemq::app
