#include "cli/verb.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "cli/commands.h"
#include "cli/once.h"
#include "cli/outbox.h"
#include "model/group.h"
#include "model/topic.h"

namespace oncemq::cli {
namespace {

const os::SystemClock& system_clock() {
  static const os::SystemClock clock;
  return clock;
}

std::string check(const Status& status) {
  return status ? std::string() : status.error().message;
}

bool take_number(std::string_view& text, std::int64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// "-90m" behind "now": d, h, m or s.
bool take_before(std::string_view& text, std::int64_t& ms) {
  std::int64_t count = 0;
  if (!take(text, '-') || !take_number(text, count) || count < 0 || text.size() != 1) return false;
  const std::int64_t unit = text == "d"   ? 86'400'000
                            : text == "h" ? 3'600'000
                            : text == "m" ? 60'000
                            : text == "s" ? 1'000
                                          : 0;
  text.remove_prefix(1);
  ms = count <= 1'000'000 ? count * unit : 0;
  return ms != 0;
}

bool take_date(std::string_view& text, std::int64_t& ms) {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
  if (!take_number(text, year) || !take(text, '-') || !take_number(text, month) ||
      !take(text, '-') || !take_number(text, day))
    return false;
  if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return false;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return false;
  ms = std::chrono::sys_days(date).time_since_epoch().count() * 86'400'000LL;
  if (text.empty()) return true;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  if ((!take(text, ' ') && !take(text, 'T')) || !take_number(text, hour) || !take(text, ':') ||
      !take_number(text, minute))
    return false;
  if (take(text, ':') && !take_number(text, second)) return false;
  take(text, 'Z');
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  ms += hour * 3'600'000 + minute * 60'000 + second * 1'000;
  return text.empty();
}

bool on_terminal = false;

}  // namespace

Cluster::Cluster(const Common& common, std::unique_ptr<client::RemotingClient> client)
    : common_(common),
      client_(std::move(client)),
      admin_(*client_, common.name_server, common.broker),
      messages_(*client_, common.name_server) {}

Result<std::unique_ptr<Cluster>> Cluster::open(const Common& common) {
  auto client = client::RemotingClient::open(system_clock());
  if (!client) return fail(std::move(client.error()));
  return std::unique_ptr<Cluster>(new Cluster(common, std::move(*client)));
}

std::int64_t Cluster::now_ms() const {
  return system_clock().wall_ms();
}

Error usage(std::string message) {
  return {Errc::kInvalidArgument, "usage: " + std::move(message)};
}

bool is_usage(const Error& error) {
  return error.code == Errc::kInvalidArgument && error.message.starts_with("usage: ");
}

void print(const Common& common, const Table& table) {
  const std::string text = common.json ? table.json() + "\n" : table.text();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void progress(const std::string& line) {
  if (::isatty(STDERR_FILENO) == 0) return;
  on_terminal = true;
  std::fprintf(stderr, "\r%-70s", line.c_str());
}

void end_progress() {
  if (on_terminal) std::fprintf(stderr, "\r%70s\r", "");
  on_terminal = false;
}

Status confirm(const Common& common, const std::string& what) {
  if (common.yes) return {};
  if (::isatty(STDIN_FILENO) == 0)
    return fail(usage(what + ": say --yes when standard input is no terminal"));
  std::fprintf(stderr, "%s? [y/N] ", what.c_str());
  const int answer = std::getchar();
  if (answer == 'y' || answer == 'Y') return {};
  return fail(usage("nothing was done"));
}

void add_common(CLI::App& verb, Common& common, bool changes, bool destroys) {
  const CLI::Option* const name_server =
      verb.add_option("-n,--namesrv", common.name_server,
                      "name server, HOST:PORT; also as variable ONCEMQ_NAMESRV")
          ->capture_default_str();
  or_variable(name_server, "ONCEMQ_NAMESRV", common.name_server, common);
  verb.add_option("--broker", common.broker, "only this broker: its name or HOST:PORT");
  verb.add_flag("--json", common.json, "for programs");
  if (changes) verb.add_flag("--dry-run", common.dry_run, "say what would be done");
  if (destroys) verb.add_flag("-y,--yes", common.yes, "do not ask");
}

void or_variable(const CLI::Option* option, const char* name, std::string& into, Common& common) {
  common.variables.push_back({.option = option, .name = name, .into = &into});
}

void take_environment(const CLI::App& verb, const Common& common) {
  const auto options = verb.get_options();
  for (const Variable& variable : common.variables) {
    if (std::ranges::find(options, variable.option) == options.end()) continue;
    const char* const value = std::getenv(variable.name);
    if (value != nullptr && *value != '\0' && variable.option->count() == 0) *variable.into = value;
  }
}

int run_verb(const Common& common, const std::function<Status(Cluster&)>& run) {
  Status status;
  if (auto cluster = Cluster::open(common); !cluster)
    status = fail(std::move(cluster.error()));
  else
    status = run(**cluster);
  end_progress();
  if (status) return kExitOk;
  const Error& error = status.error();
  std::fprintf(stderr, "oncemq: %s\n",
               is_usage(error) ? error.message.c_str() + 7 : error.message.c_str());
  return is_usage(error) ? kExitUsage : kExitRefused;
}

CLI::Validator topic_name() {
  return CLI::Validator([](std::string& name) { return check(model::check_topic_name(name)); }, "");
}
CLI::Validator group_name() {
  return CLI::Validator([](std::string& name) { return check(model::check_group_name(name)); }, "");
}
CLI::Validator time_word() {
  return CLI::Validator(
      [](std::string& text) {
        const auto time = parse_time(text, 0);
        return time ? std::string() : time.error().message;
      },
      "TIME");
}

Result<std::int64_t> parse_time(const std::string& text, std::int64_t now_ms) {
  std::string_view rest = text;
  std::int64_t ms = 0;
  if (rest.starts_with("now")) {
    rest.remove_prefix(3);
    std::int64_t before = 0;
    if (rest.empty() || (take_before(rest, before) && rest.empty())) return now_ms - before;
  } else if (take_number(rest, ms) && rest.empty() && ms >= 0) {
    return ms;
  } else {
    rest = text;
    if (take_date(rest, ms)) return ms;
  }
  return fail(Errc::kInvalidArgument,
              "'" + text.substr(0, 80) +
                  "' is no time: now, now-90m, 2026-01-31, '2026-01-31 12:30:15' (UTC) or "
                  "milliseconds since 1970");
}

void add_commands(CLI::App& app, int& exit_code) {
  add_cluster(app, exit_code);
  add_topic(app, exit_code);
  add_group(app, exit_code);
  add_message(app, exit_code);
  add_dlq(app, exit_code);
  add_transaction(app, exit_code);
  add_idempotency(app, exit_code);
  add_duplicates(app, exit_code);
  add_fault(app, exit_code);
  add_once(app, exit_code, {});    // another program runs them
  add_outbox(app, exit_code, {});  // and these
}

}  // namespace oncemq::cli
