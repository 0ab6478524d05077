#include "outboxcli/verbs.h"

#include <cstdio>

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/verb.h"
#include "oncecli/report.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/random.h"
#include "os/thread.h"
#include "outbox/broker_outlet.h"
#include "outbox/relay.h"
#include "outbox/table.h"
#include "outboxcli/report.h"

namespace oncemq::outboxcli {
namespace {

using cli::OutboxAsked;
using std::chrono::milliseconds;

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

int refuse(const sdk::Error& error) {
  const std::string what = oncecli::advice(error.message);
  std::fprintf(stderr, "oncemq: %s%s%s\n", one_line(error.message).c_str(),
               what.empty() ? "" : ": ", what.c_str());
  return error.code == sdk::Errc::kInvalidArgument ? cli::kExitUsage : cli::kExitRefused;
}

// Ends with SIGTERM and SIGINT.
class SignalWaiter final : public outbox::Waiter {
 public:
  bool wait(milliseconds time) override {
    ending_ = ending_ || os::wait_for_signal(time);
    return ending_;
  }

 private:
  bool ending_ = false;
};

int init(const OutboxAsked& asked) {
  const auto statements = outbox::schema(asked.url, asked.table);
  if (!statements) return refuse(statements.error());
  if (asked.print) {
    for (const std::string& statement : *statements) print(statement + ";\n");
    return cli::kExitOk;
  }
  if (const auto made = outbox::Table::create(asked.url, asked.table); !made)
    return refuse(made.error());
  print("table " + asked.table + " is there\n");
  return cli::kExitOk;
}

int status(const OutboxAsked& asked) {
  const auto table = outbox::Table::open(asked.url, asked.table, false);
  if (!table) return refuse(table.error());
  const auto found = (*table)->status();
  if (!found) return refuse(found.error());
  print(asked.json ? report_json(*found).dump() + "\n" : report_text(*found));
  return cli::kExitOk;
}

int retry(const OutboxAsked& asked) {
  if (asked.ids.empty() && !asked.all)
    return refuse({.code = sdk::Errc::kInvalidArgument, .message = "which rows? IDS or --all"});
  const auto table = outbox::Table::open(asked.url, asked.table, false);
  if (!table) return refuse(table.error());
  const auto freed = (*table)->retry(asked.ids);
  if (!freed) return refuse(freed.error());
  print(fmt::format("{} parked rows are tried again\n", *freed));
  return *freed == 0 && !asked.all ? cli::kExitRefused : cli::kExitOk;
}

outbox::RelayOptions relay_options(const OutboxAsked& asked) {
  os::SystemRandom random;
  return {.reading = {.rows_max = asked.batch, .body_max = asked.body_max, .pass = asked.pass},
          .parallel_max = asked.parallel,
          .attempts_max = asked.attempts,
          .poll_interval = milliseconds(asked.poll_ms),
          .backoff_max = milliseconds(asked.backoff_max_ms),
          .lease = milliseconds(asked.lease_ms),
          .once = asked.once,
          .holder = fmt::format("{}-{}-{:08x}", os::host_name(), os::process_id(),
                                static_cast<std::uint32_t>(random.next()))};
}

int run(const OutboxAsked& asked) {
  os::block_signals();
  log::set_level(log::Level::kInfo);
  const os::SystemClock clock;
  const auto outlet =
      outbox::BrokerOutlet::open(clock, {.name_server = asked.name_server,
                                         .body_max = static_cast<std::size_t>(asked.body_max),
                                         .parallel_max = asked.parallel,
                                         .create = asked.create,
                                         .queues = asked.queues});
  if (!outlet) return refuse(outlet.error());
  SignalWaiter waiter;
  outbox::Relay relay(
      [&asked]() -> sdk::Result<std::unique_ptr<outbox::Source>> {
        auto table = outbox::Table::open(asked.url, asked.table, asked.keep);
        if (!table) return tl::unexpected(std::move(table.error()));
        return std::unique_ptr<outbox::Source>(std::move(*table));
      },
      **outlet, waiter, clock, relay_options(asked));
  const auto done = relay.run();
  return done ? cli::kExitOk : refuse(done.error());
}

}  // namespace

cli::OutboxVerbs verbs() {
  return {.init = init, .run = run, .status = status, .retry = retry};
}

}  // namespace oncemq::outboxcli
