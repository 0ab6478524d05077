#include "app/store_command.h"

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/exit_codes.h"
#include "app/part_options.h"
#include "app/settings_file.h"
#include "base/log.h"
#include "model/settings.h"
#include "os/clock.h"
#include "os/real_disk.h"
#include "store/inspect.h"

namespace oncemq::app {
namespace {

struct Arguments {
  std::string folder;
  std::string config;
  std::string topic;
  std::int32_t queue = 0;
  store::DumpRange range;
  bool json = false;
  bool accept_loss = false;
};

int report(const Error& error) {
  std::fprintf(stderr, "oncemq: %s\n", error.message.c_str());
  return exit_code_of(error);
}

// The folder's own file sizes matter; they come from the broker.conf it was written with.
Result<store::StoreOptions> options_of(const Arguments& arguments, os::Disk& disk) {
  model::Settings settings;
  if (!arguments.config.empty()) {
    const auto notes = read_settings_file(disk, arguments.config, settings);
    if (!notes) return fail(notes.error());
  }
  settings.store_root = arguments.folder;
  const auto found = disk.stat(arguments.folder);
  if (!found || !found->is_directory) return fail(Errc::kNotFound, "no folder " + arguments.folder);
  return store_options(settings);
}

// A line on stderr that is written over: at most one for each percent.
store::InspectProgress progress_line(bool quiet) {
  if (quiet) return [](std::string_view, std::uint64_t, std::uint64_t) {};
  auto last = std::make_shared<std::string>();
  return [last](std::string_view stage, std::uint64_t done, std::uint64_t total) {
    const std::uint64_t percent = total == 0 ? 100 : done * 100 / total;
    std::string line = std::string(stage) + " " + std::to_string(percent) + " %";
    if (line == *last) return;
    std::fprintf(stderr, "\r%-60s%s", line.c_str(), percent == 100 ? "\n" : "");
    *last = std::move(line);
  };
}

int run_check(const Arguments& arguments) {
  os::RealDisk disk;
  os::SystemClock clock;
  const auto options = options_of(arguments, disk);
  if (!options) return report(options.error());
  const auto found = store::check_store(disk, clock, *options, progress_line(arguments.json));
  if (!found) return report(found.error());
  if (arguments.json) {
    std::printf("%s\n", found->to_json().dump().c_str());
  } else {
    for (const store::StoreProblem& problem : found->problems)
      std::printf("%s: %s\n", problem.place.c_str(), problem.what.c_str());
    for (const std::string& note : found->notes) std::printf("note: %s\n", note.c_str());
    std::printf(
        "%llu records, %llu queues with %llu entries, %llu index entries: %s\n",
        static_cast<unsigned long long>(found->records),
        static_cast<unsigned long long>(found->queues),
        static_cast<unsigned long long>(found->queue_entries),
        static_cast<unsigned long long>(found->index_entries),
        found->sound() ? "sound" : (std::to_string(found->problem_count) + " problems").c_str());
  }
  return found->sound() ? kExitOk : kExitCorrupt;
}

int run_dump(const Arguments& arguments) {
  os::RealDisk disk;
  const auto options = options_of(arguments, disk);
  if (!options) return report(options.error());
  const auto line = [](const Json& row) { std::printf("%s\n", row.dump().c_str()); };
  const Status done = arguments.topic.empty()
                          ? store::dump_records(disk, *options, arguments.range, line)
                          : store::dump_queue(disk, *options, arguments.topic, arguments.queue,
                                              arguments.range, line);
  return done ? kExitOk : report(done.error());
}

int run_rebuild(const Arguments& arguments) {
  os::RealDisk disk;
  os::SystemClock clock;
  const auto options = options_of(arguments, disk);
  if (!options) return report(options.error());
  const auto done = store::rebuild_store(disk, clock, *options, arguments.accept_loss,
                                         progress_line(arguments.json));
  if (!done) return report(done.error());
  if (arguments.json) {
    std::printf("%s\n", done->to_json().dump().c_str());
  } else {
    for (const store::StoreProblem& loss : done->losses)
      std::printf("lost: %s: %s\n", loss.place.c_str(), loss.what.c_str());
    std::printf("%llu queues rebuilt from %llu records, %llu bytes given up\n",
                static_cast<unsigned long long>(done->queues),
                static_cast<unsigned long long>(done->records),
                static_cast<unsigned long long>(done->lost_bytes));
  }
  return kExitOk;
}

CLI::App* add(CLI::App& store, const std::string& name, const std::string& help,
              const std::shared_ptr<Arguments>& arguments) {
  CLI::App* command = store.add_subcommand(name, help);
  command->add_option("folder", arguments->folder, "data folder")->required();
  command->add_option("-c,--config", arguments->config,
                      "broker.conf that the folder was written with");
  return command;
}

}  // namespace

void add_store_command(CLI::App& program, int& exit_code) {
  CLI::App* store = program.add_subcommand("store", "look at a data folder that no broker uses");
  store->require_subcommand(1);
  // Shared by the options and the callbacks, which live as long as the command line.
  auto arguments = std::make_shared<Arguments>();

  CLI::App* check = add(*store, "check", "verify every record, queue entry and key", arguments);
  check->add_flag("--json", arguments->json, "one JSON object, no progress");
  check->callback([arguments, &exit_code] { exit_code = run_check(*arguments); });

  CLI::App* dump =
      add(*store, "dump", "print records, or the entries of a queue, as JSON lines", arguments);
  dump->add_option("--topic", arguments->topic, "entries of a queue of this topic");
  dump->add_option("--queue", arguments->queue, "queue id, with --topic")->capture_default_str();
  dump->add_option("--from", arguments->range.from, "log offset of a record, or queue offset");
  dump->add_option("--count", arguments->range.count, "at most so many");
  dump->callback([arguments, &exit_code] { exit_code = run_dump(*arguments); });

  CLI::App* rebuild =
      add(*store, "rebuild", "make queues and key index anew from the log", arguments);
  rebuild->add_flag("--json", arguments->json, "one JSON object, no progress");
  rebuild->add_flag("--accept-loss", arguments->accept_loss,
                    "give up damaged stretches of the log instead of refusing");
  rebuild->callback([arguments, &exit_code] { exit_code = run_rebuild(*arguments); });
}

}  // namespace oncemq::app
