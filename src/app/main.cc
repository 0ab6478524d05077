// The program: reads the command line and hands over to what it names.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/beside.h"
#include "app/exit_codes.h"
#include "app/serve.h"
#include "app/settings_file.h"
#include "app/store_command.h"
#include "cli/bench.h"
#include "cli/commands.h"
#include "cli/once.h"
#include "cli/outbox.h"
#include "cli/reference.h"
#include "front/http/metric_table.h"
#include "model/settings.h"
#include "os/clock.h"
#include "os/real_disk.h"
#include "wire/remoting/schema/all_requests.h"

namespace {

using namespace oncemq;

constexpr const char* kServeFooter =
    "Exit codes: 0 stopped by SIGTERM or SIGINT, 2 command line, 65 the data folder is damaged,\n"
    "69 a port is taken, 73 another process uses the data folder, 74 the disk failed,\n"
    "78 a key or value is not possible, 1 anything else.";

struct ServeArguments {
  std::string data;
  std::string file;
  std::string roles;
  std::vector<std::string> set;
  bool allow_faults = false;
  bool print_config = false;
  bool check_config = false;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "oncemq: %s\n", error.message.c_str());
  return app::kExitConfiguration;
}

// File first, then the command line.
Status read_settings(const ServeArguments& arguments, app::ServeOptions& options) {
  if (!arguments.file.empty()) {
    os::RealDisk disk;
    auto notes = app::read_settings_file(disk, arguments.file, options.settings);
    if (!notes) return fail(std::move(notes.error()));
    options.notes = std::move(*notes);
    options.settings_file = arguments.file;
  }
  for (const std::string& assignment : arguments.set) {
    auto notes = model::apply_properties(options.settings, assignment, "--set");
    if (!notes) return fail(std::move(notes.error()));
    options.notes.insert(options.notes.end(), notes->begin(), notes->end());
  }
  if (!arguments.data.empty()) options.settings.store_root = arguments.data;
  if (!arguments.roles.empty())
    ONCE_TRY(model::apply_setting(options.settings, "roles", arguments.roles));
  if (arguments.allow_faults) options.settings.allow_faults = true;
  return model::check_settings(options.settings);
}

int run_serve(const ServeArguments& arguments, std::int64_t started_ns) {
  app::ServeOptions options{.started_ns = started_ns};
  if (const Status status = read_settings(arguments, options); !status)
    return refuse(status.error());
  if (arguments.print_config) {
    std::fputs(model::print_settings(options.settings).c_str(), stdout);
    return app::kExitOk;
  }
  if (arguments.check_config) {
    for (const std::string& note : options.notes) std::printf("note: %s\n", note.c_str());
    std::puts("configuration is fine");
    return app::kExitOk;
  }
  return app::serve(std::move(options));
}

// The pages of docs/ that are made from the program's tables.
std::string page_of_docs(const std::string& page) {
  if (page == "compat") return wire::compat_markdown();
  if (page == "config") return model::settings_markdown();
  if (page == "metrics") return front::metrics_markdown();
  int unused = 0;
  CLI::App verbs;
  cli::add_commands(verbs, unused);
  return page == "cli" ? cli::commands_markdown(verbs) : cli::commands_man(verbs);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t started_ns = os::SystemClock().monotonic_ns();
  CLI::App program("OnceMQ, a message broker for RocketMQ clients", "oncemq");
  program.require_subcommand(1);
  program.set_version_flag("--version", "oncemq " ONCEMQ_VERSION);

  ServeArguments serve;
  CLI::App* serve_command = program.add_subcommand("serve", "run broker and name service");
  serve_command->add_option("--data", serve.data, "data folder (storePathRootDir), ./data");
  serve_command->add_option("-c,--config", serve.file, "configuration file, as broker.conf");
  serve_command->add_option("--set", serve.set, "key=value; wins over the file")
      ->allow_extra_args(false);
  serve_command->add_option("--roles", serve.roles, "namesrv, broker or both, separated by ','");
  serve_command->add_flag("--allow-faults", serve.allow_faults,
                          "duplicates on purpose may be ordered (allowFaults): for tests only");
  serve_command->add_flag("--print-config", serve.print_config, "print what would be in force");
  serve_command->add_flag("--check-config", serve.check_config, "check the configuration only");
  serve_command->footer(kServeFooter);

  CLI::App* version_command = program.add_subcommand("version", "print the version");

  int command_exit = app::kExitOk;
  cli::add_bench(program, command_exit);
  cli::add_commands(program, command_exit);
  app::add_store_command(program, command_exit);

  std::string page;
  CLI::App* docs_command = program.add_subcommand("docs", "print a page of docs/ from the code");
  docs_command->add_option("page", page, "compat, config, metrics, cli, or man: oncemq-commands(1)")
      ->required()
      ->check(CLI::IsMember({"compat", "config", "metrics", "cli", "man"}));

  std::string shell;
  CLI::App* completion_command =
      program.add_subcommand("completion", "print a script that completes commands and options");
  completion_command->add_option("shell", shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const std::string hint = cli::hint(program, {argv + std::min(argc, 1), argv + argc});
    if (error.get_exit_code() != 0 && !hint.empty()) {
      std::fprintf(stderr, "oncemq: %s\n", hint.c_str());
      return app::kExitUsage;
    }
    const int code = program.exit(error);
    return code == 0 ? app::kExitOk : app::kExitUsage;
  }

  if (*serve_command) return run_serve(serve, started_ns);
  if (program.got_subcommand(cli::kOnce)) return app::run_beside("oncemq-once", argv);
  if (program.got_subcommand(cli::kOutbox)) return app::run_beside("oncemq-outbox", argv);
  if (*version_command) std::puts("oncemq " ONCEMQ_VERSION);
  if (*completion_command) std::fputs(cli::completion(program, shell).c_str(), stdout);
  if (*docs_command) std::fputs(page_of_docs(page).c_str(), stdout);
  return command_exit;
}
