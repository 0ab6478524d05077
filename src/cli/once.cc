#include "cli/once.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace oncemq::cli {
namespace {

CLI::Validator duration(std::int64_t min_ms) {
  return CLI::Validator(
      [min_ms](std::string& text) {
        const auto ms = parse_duration_ms(text);
        if (!ms) return "'" + text.substr(0, 80) + "' is no duration: 7d, 36h, 90m, 30s";
        return *ms < min_ms ? "'" + text + "' is too short" : std::string();
      },
      "");
}

CLI::App* add_verb(CLI::App& family, int& exit_code, const char* name, const char* help,
                   const std::shared_ptr<OnceAsked>& asked, const OnceVerbs::Run& run) {
  CLI::App* const verb = family.add_subcommand(name, help);
  verb->add_option("url", asked->url,
                   "postgresql://USER@HOST/DATABASE or sqlite:PATH; a password is better in "
                   "PGPASSWORD or ~/.pgpass")
      ->required();
  verb->add_option("--table", asked->table, "what the names of the tables begin with")
      ->capture_default_str();
  verb->add_flag("--json", asked->json, "for programs");
  verb->callback([asked, run, &exit_code] {
    if (run != nullptr) exit_code = run(*asked);
  });
  return verb;
}

// What the window is compared with.
void add_horizon(CLI::App& verb, OnceAsked& asked) {
  verb.add_option("--log-retention", asked.log_retention,
                  "how long the broker keeps messages (fileReservedTime), 72h")
      ->check(duration(0));
  verb.add_option("--letter-retention", asked.letter_retention,
                  "how long dead letters may be replayed, 72h")
      ->check(duration(0));
  verb.add_option("--attempts", asked.attempts, "retryMaxTimes of the group, 16")
      ->check(CLI::Range(0, 1'000'000));
}

}  // namespace

void add_once(CLI::App& app, int& exit_code, const OnceVerbs& verbs) {
  CLI::App* const family = app.add_subcommand(
      kOnce, "the tables that make effects in your database happen once (docs/once.md)");
  family->require_subcommand(1);
  const auto asked = std::make_shared<OnceAsked>();  // shared by the callbacks

  CLI::App* const init =
      add_verb(*family, exit_code, "init",
               "make the tables, or set the window of those that are there", asked, verbs.init);
  init->add_option("--window", asked->window,
                   "how long keys are remembered at least, for example 7d, the default")
      ->check(duration(1'000));
  add_horizon(*init, *asked);
  init->add_flag("--dry-run", asked->dry_run, "say what would be done");

  CLI::App* const status =
      add_verb(*family, exit_code, "status",
               "window, periods, what is due to be dropped, and whether the promise can hold here",
               asked, verbs.status);
  add_horizon(*status, *asked);

  CLI::App* const clean =
      add_verb(*family, exit_code, "clean",
               "begin a period when the current one is over, drop those that ended a window ago; "
               "consumers do it by themselves",
               asked, verbs.clean);
  clean->add_flag("--dry-run", asked->dry_run, "say what would be done");
}

}  // namespace oncemq::cli
