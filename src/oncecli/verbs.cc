#include "oncecli/verbs.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/verb.h"
#include "oncecli/report.h"
#include "oncemq/once/horizon.h"
#include "oncemq/once/schema.h"

namespace oncemq::oncecli {
namespace {

using cli::OnceAsked;
using std::chrono::milliseconds;

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

int refuse(const sdk::Error& error) {
  const std::string what = advice(error.message);
  std::fprintf(stderr, "oncemq: %s%s%s\n", one_line(error.message).c_str(),
               what.empty() ? "" : ": ", what.c_str());
  return error.code == sdk::Errc::kInvalidArgument ? cli::kExitUsage : cli::kExitRefused;
}

// The words were checked when the command line was read.
milliseconds duration(const std::string& text, milliseconds otherwise) {
  return text.empty() ? otherwise : milliseconds(parse_duration_ms(text).value_or(0));
}

sdk::Result<milliseconds> horizon(const OnceAsked& asked) {
  once::HorizonOptions options;
  const auto hours = [](const std::string& text, std::chrono::hours otherwise) {
    return std::chrono::ceil<std::chrono::hours>(duration(text, otherwise));
  };
  options.log_retention = hours(asked.log_retention, options.log_retention);
  options.letter_retention = hours(asked.letter_retention, options.letter_retention);
  if (asked.attempts >= 0) options.attempts = asked.attempts;
  return once::horizon(options);
}

int status(const OnceAsked& asked) {
  const auto found = once::status(asked.url, asked.table);
  if (!found) return refuse(found.error());
  const auto late = horizon(asked);
  if (!late) return refuse(late.error());
  const Report report{.table = asked.table, .status = *found, .horizon = *late};
  print(asked.json ? report_json(report).dump() + "\n" : report_text(report));
  return cli::kExitOk;
}

// What is not there yet is told by the error: no file, no table, no server.
int would_init(const OnceAsked& asked, milliseconds window) {
  const auto found = once::status(asked.url, asked.table);
  if (!found && found.error().code == sdk::Errc::kInvalidArgument) return refuse(found.error());
  if (!found)
    print("would make the tables of " + asked.table + ": " + one_line(found.error().message) +
          "\n");
  else if (window.count() != 0 && window != found->window)
    print("would set the window from " + duration_text(found->window) + " to " +
          duration_text(window) + "\n");
  else
    print("nothing is to do\n");
  return cli::kExitOk;
}

int init(const OnceAsked& asked) {
  const milliseconds window = duration(asked.window, milliseconds(0));
  if (asked.dry_run) return would_init(asked, window);
  const auto made = once::init(asked.url, {.table = asked.table, .window = window});
  return made ? status(asked) : refuse(made.error());
}

int would_clean(const OnceAsked& asked) {
  const auto found = once::status(asked.url, asked.table);
  if (!found) return refuse(found.error());
  std::string text;
  for (const once::Period& period : found->periods)
    if (period.due) text += fmt::format("would drop period {}\n", period.number);
  if (!found->periods.empty() &&
      found->periods.back().began_at_ms + found->period.count() <= found->now_ms)
    text += "would begin a new period\n";
  print(text.empty() ? "nothing is over\n" : text);
  return cli::kExitOk;
}

int clean(const OnceAsked& asked) {
  if (asked.dry_run) return would_clean(asked);
  const auto cleaned = once::clean(asked.url, asked.table);
  if (!cleaned) return refuse(cleaned.error());
  print(asked.json ? cleaned_json(*cleaned).dump() + "\n" : cleaned_text(*cleaned));
  if (!cleaned->busy) return cli::kExitOk;
  std::fputs("oncemq: somebody else cleans, or a transaction is open for long: try again later\n",
             stderr);
  return cli::kExitRefused;
}

}  // namespace

cli::OnceVerbs verbs() {
  return {.init = init, .status = status, .clean = clean};
}

}  // namespace oncemq::oncecli
