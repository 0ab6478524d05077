#include "cli/outbox.h"

#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>

namespace oncemq::cli {
namespace {

using Asked = std::shared_ptr<OutboxAsked>;  // shared by the callbacks

constexpr const char* kUrlHelp =
    "postgresql://USER@HOST/DATABASE or sqlite:PATH; a password is better in PGPASSWORD or "
    "~/.pgpass";
constexpr std::int64_t kHourMs = 3'600'000;

CLI::App* add_verb(CLI::App& family, int& exit_code, const char* name, const char* help,
                   const Asked& asked, const OutboxVerbs::Run& run) {
  CLI::App* const verb = family.add_subcommand(name, help);
  verb->add_option("--table", asked->table, "name of the table")->capture_default_str();
  verb->callback([asked, run, &exit_code] {
    if (run != nullptr) exit_code = run(*asked);
  });
  return verb;
}

void add_run(CLI::App& verb, OutboxAsked& asked) {
  verb.add_option("--source", asked.url, kUrlHelp)->required();
  verb.add_option("-n,--namesrv,--name-server", asked.name_server, "name server, HOST:PORT")
      ->capture_default_str();
  verb.add_flag("--once", asked.once,
                "publish what waits and end: exit code 1 when rows were left");
  verb.add_flag("--keep", asked.keep,
                "set published_at_ms of what was published; otherwise it is deleted");
  verb.add_flag("--pass", asked.pass,
                "rows behind a parked one of their aggregate are published; otherwise they wait");
  verb.add_flag("!--no-create", asked.create, "leave topics that are missing to somebody else");
  verb.add_option("--queues", asked.queues, "of a topic that is made, on each master")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb.add_option("--batch", asked.batch, "rows read at once")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  verb.add_option("--parallel", asked.parallel, "sends under way at once, of different aggregates")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb.add_option("--attempts", asked.attempts, "that a broker refuses before a row is parked")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  verb.add_option("--body-max", asked.body_max, "bytes of a body that is not parked")
      ->check(CLI::Range(1, 128 << 20))
      ->capture_default_str();
  verb.add_option("--poll-interval", asked.poll_ms,
                  "milliseconds between two looks when nothing waits")
      ->check(CLI::Range(std::int64_t{1}, kHourMs))
      ->capture_default_str();
  verb.add_option("--backoff-max", asked.backoff_max_ms,
                  "milliseconds between two tries when broker or database are away")
      ->check(CLI::Range(std::int64_t{1}, kHourMs))
      ->capture_default_str();
  verb.add_option("--lease", asked.lease_ms,
                  "milliseconds after which another relay takes over from one that died")
      ->check(CLI::Range(std::int64_t{1'000}, kHourMs))
      ->capture_default_str();
}

}  // namespace

void add_outbox(CLI::App& app, int& exit_code, const OutboxVerbs& verbs) {
  CLI::App* const family = app.add_subcommand(
      kOutbox, "messages that your database's transactions wrote as rows (docs/outbox.md)");
  family->require_subcommand(1);
  const auto asked = std::make_shared<OutboxAsked>();

  CLI::App* const init = add_verb(*family, exit_code, "init", "make the table", asked, verbs.init);
  init->add_option("url", asked->url, kUrlHelp)->required();
  init->add_flag("--print", asked->print, "print the statements instead, without connecting");

  add_run(*add_verb(*family, exit_code, "run", "publish rows until SIGTERM", asked, verbs.run),
          *asked);

  CLI::App* const status =
      add_verb(*family, exit_code, "status",
               "how many rows wait and for how long, and what is parked", asked, verbs.status);
  status->add_option("url", asked->url, kUrlHelp)->required();
  status->add_flag("--json", asked->json, "for programs");

  CLI::App* const retry = add_verb(*family, exit_code, "retry",
                                   "give parked rows all their attempts again", asked, verbs.retry);
  retry->add_option("url", asked->url, kUrlHelp)->required();
  CLI::Option* const ids = retry->add_option("ids", asked->ids, "ids of parked rows");
  CLI::Option* const all = retry->add_flag("--all", asked->all, "all of them");
  ids->excludes(all);
}

}  // namespace oncemq::cli
