#include "cli/reference.h"

#include <algorithm>
#include <functional>

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace oncemq::cli {
namespace {

using Commands = std::vector<const CLI::App*>;
using Options = std::vector<const CLI::Option*>;

Commands commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// Without --help, which every command has.
Options options_of(const CLI::App& app, bool positional) {
  return app.get_options([&](const CLI::Option* option) {
    return option->get_positional() == positional && !option->check_name("--help");
  });
}

// Commands without children, with the words that lead to them.
void each_verb(const CLI::App& app, const std::string& path,
               const std::function<void(const std::string&, const CLI::App&)>& visit) {
  for (const CLI::App* command : commands_of(app)) {
    const std::string words = path.empty() ? command->get_name() : path + " " + command->get_name();
    if (commands_of(*command).empty())
      visit(words, *command);
    else
      each_verb(*command, words, visit);
  }
}

std::string usage_of(const std::string& path, const CLI::App& verb) {
  std::string text = "oncemq " + path;
  for (const CLI::Option* option : options_of(verb, true)) {
    std::string name = option->get_name(true);
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    });
    text += option->get_required() ? " " + name : " [" + name + "]";
  }
  return text;
}

std::string names_of(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames())
    names += (names.empty() ? "--" : ", --") + name;
  return names;
}

std::string about(const CLI::Option& option) {
  std::string text = option.get_description();
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (!option.get_default_str().empty()) add("default " + option.get_default_str());
  return text;
}

std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

std::size_t distance(std::string_view a, std::string_view b) {
  return edit_distance(a.substr(0, 100), b);
}

std::string nearest(const std::string& word, const std::vector<std::string>& names) {
  std::string best;
  for (const std::string& name : names)
    if (best.empty() || distance(word, name) < distance(word, best)) best = name;
  return best;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// Each place in the tree with the words that may follow it: "topic" -> "list show ...".
void each_place(const CLI::App& app, const std::string& path,
                const std::function<void(const std::string&, const std::string&)>& visit) {
  std::vector<std::string> words = command_names(app);
  for (std::string& name : option_names(app)) words.push_back(std::move(name));
  visit(path, joined(words));
  for (const CLI::App* command : commands_of(app))
    each_place(*command, path.empty() ? command->get_name() : path + " " + command->get_name(),
               visit);
}

std::string bash_completion(const CLI::App& app) {
  std::string text =
      "# bash completion for oncemq: . <(oncemq completion bash)\n"
      "_oncemq() {\n"
      "  local word path=\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    [[ $word == -* ]] && break\n"
      "    path=\"${path:+$path }$word\"\n"
      "  done\n"
      "  local words=\n"
      "  while :; do\n"
      "    case \"$path\" in\n";
  each_place(app, "", [&](const std::string& path, const std::string& words) {
    text += "      \"" + path + "\") words=\"" + words + "\" ;;\n";
  });
  text +=
      "    esac\n"
      "    [[ -n $words || -z $path ]] && break\n"
      "    [[ $path == *' '* ]] && path=${path% *} || path=\n"
      "  done\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
      "}\n"
      "complete -o default -F _oncemq oncemq\n";
  return text;
}

std::string fish_completion(const CLI::App& app) {
  std::string text = "# fish completion for oncemq: oncemq completion fish | source\n";
  const auto line = [&](const std::string& condition, const std::string& what,
                        std::string description) {
    std::erase(description, '\'');
    text += "complete -c oncemq -f -n '" + condition + "' " + what + " -d '" + description + "'\n";
  };
  for (const CLI::App* command : commands_of(app))
    line("__fish_use_subcommand", "-a " + command->get_name(), command->get_description());
  for (const CLI::App* command : commands_of(app)) {
    const std::string in = "__fish_seen_subcommand_from " + command->get_name();
    for (const CLI::App* verb : commands_of(*command)) {
      line(in + "; and not __fish_seen_subcommand_from " + joined(command_names(*command)),
           "-a " + verb->get_name(), verb->get_description());
      for (const CLI::Option* option : options_of(*verb, false))
        for (const std::string& name : option->get_lnames())
          line(in + "; and __fish_seen_subcommand_from " + verb->get_name(), "-l " + name,
               option->get_description());
    }
  }
  return text;
}

}  // namespace

std::string commands_markdown(const CLI::App& app) {
  std::string text =
      "# The command line\n\n"
      "Every verb but those of `once` and `outbox` asks a name server (`--namesrv`, or the "
      "variable "
      "`ONCEMQ_NAMESRV`; "
      "127.0.0.1:9876\n"
      "when neither is given) and works with Apache's brokers too, except `dlq replay` and `dlq "
      "purge`.\n"
      "Tables for people, `--json` for programs. Times are UTC: `now`, `now-90m` (d, h, m, s),\n"
      "`2026-01-31`, `'2026-01-31 12:30:15'`, or milliseconds since 1970.\n\n"
      "What deletes, moves offsets or replays asks first; `--yes` answers, and is needed when "
      "standard\n"
      "input is no terminal. `--dry-run` says what would be done and does nothing.\n\n"
      "| exit code | |\n| --: | --- |\n"
      "| 0 | done |\n"
      "| 1 | the cluster refused or could not be reached; what was done before is printed |\n"
      "| 2 | the command line is wrong; nothing was done |\n\n"
      "`oncemq once` and `oncemq outbox` are run by programs of their own, `oncemq-once` and\n"
      "`oncemq-outbox` beside it or in `libexec/oncemq`, so that nothing else here loads a "
      "database's library.\n\n"
      "`. <(oncemq completion bash)` completes commands and options; zsh and fish likewise.\n\n"
      "This page is printed from the tree of commands: `oncemq docs cli`.\n";
  each_verb(app, "", [&](const std::string& path, const CLI::App& verb) {
    text +=
        "\n## " + path + "\n\n`" + usage_of(path, verb) + "` – " + verb.get_description() + ".\n";
    const Options options = options_of(verb, false);
    if (!options.empty()) text += "\n| option | |\n| --- | --- |\n";
    for (const CLI::Option* option : options)
      text += "| `" + names_of(*option) + "` | " + about(*option) + " |\n";
  });
  return text;
}

std::string commands_man(const CLI::App& app) {
  std::string text =
      ".TH ONCEMQ\\-COMMANDS 1 \"\" \"OnceMQ\" \"User Commands\"\n"
      ".SH NAME\noncemq\\-commands \\- administration of a cluster from the command line\n"
      ".SH COMMANDS\n";
  each_verb(app, "", [&](const std::string& path, const CLI::App& verb) {
    text += ".SS " + escaped(path) + "\n.B " + escaped(usage_of(path, verb)) + "\n.PP\n" +
            escaped(verb.get_description()) + ".\n";
    for (const CLI::Option* option : options_of(verb, false))
      text += ".TP\n.B " + escaped(names_of(*option)) + "\n" + escaped(about(*option)) + "\n";
  });
  text +=
      ".SH EXIT STATUS\n"
      ".TP\n.B 0\nDone.\n"
      ".TP\n.B 1\nThe cluster refused or could not be reached.\n"
      ".TP\n.B 2\nThe command line is wrong; nothing was done.\n"
      ".SH SEE ALSO\n.BR oncemq (1)\n";
  return text;
}

std::string completion(const CLI::App& app, std::string_view shell) {
  if (shell == "bash") return bash_completion(app);
  if (shell == "zsh")
    return "#compdef oncemq\n# zsh completion for oncemq: . <(oncemq completion zsh)\n"
           "autoload -U +X bashcompinit && bashcompinit\n" +
           bash_completion(app);
  if (shell == "fish") return fish_completion(app);
  return {};
}

std::string hint(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (const std::string& word : words) {
    if (word.starts_with('-')) {
      const std::string name = word.substr(0, word.find('='));
      const bool known = std::ranges::any_of(
          at->get_options(), [&](const CLI::Option* option) { return option->check_name(name); });
      if (!known && name.starts_with("--") && name.size() > 2)
        return "unknown option '" + name.substr(0, 80) + "', did you mean '" +
               nearest(name, option_names(*at)) + "'?";
      continue;
    }
    const Commands commands = commands_of(*at);
    const auto found = std::ranges::find_if(
        commands, [&](const CLI::App* command) { return command->check_name(word); });
    if (found != commands.end())
      at = *found;
    else if (!commands.empty())
      return "unknown command '" + word.substr(0, 80) + "', did you mean '" +
             nearest(word, command_names(*at)) + "'?";
  }
  return {};
}

}  // namespace oncemq::cli
