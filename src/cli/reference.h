#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

// What is printed from the tree of commands: the pages about it, completion, and hints.
namespace oncemq::cli {

// docs/cli.md.
std::string commands_markdown(const CLI::App& app);
// docs/oncemq-commands.1, in man's language.
std::string commands_man(const CLI::App& app);

// A script that completes commands and options. `shell` is bash, zsh or fish; empty for others.
std::string completion(const CLI::App& app, std::string_view shell);

// "unknown command 'tpoic', did you mean 'topic'?" for the first word that no command or option
// has; empty when all words are known.
std::string hint(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace oncemq::cli
