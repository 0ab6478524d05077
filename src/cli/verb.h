#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/table.h"
#include "client/admin/admin.h"
#include "client/admin/message_finder.h"

// What the verbs of all families share.
namespace oncemq::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;  // the cluster refused or could not be reached
inline constexpr int kExitUsage = 2;    // the command line; nothing was done

// A variable of the environment that stands in for an option.
struct Variable {
  const CLI::Option* option;  // of one verb
  const char* name;
  std::string* into;  // what the option writes into
};

// Options that every verb has.
struct Common {
  std::string name_server = "127.0.0.1:9876";
  std::string broker;  // name or address of the only one
  bool json = false;
  bool yes = false;
  bool dry_run = false;
  std::vector<Variable> variables;  // of all verbs of the family
};

// A client for the length of a command. Thread rule: confined.
class Cluster {
 public:
  static Result<std::unique_ptr<Cluster>> open(const Common& common);

  client::Admin& admin() { return admin_; }
  client::MessageFinder& messages() { return messages_; }
  const Common& common() const { return common_; }
  client::RemotingClient& client() { return *client_; }
  std::int64_t now_ms() const;

 private:
  Cluster(const Common& common, std::unique_ptr<client::RemotingClient> client);

  const Common& common_;
  std::unique_ptr<client::RemotingClient> client_;
  client::Admin admin_;
  client::MessageFinder messages_;
};

// An error of the person who typed: exit code 2 instead of 1.
Error usage(std::string message);
bool is_usage(const Error& error);

void print(const Common& common, const Table& table);
// One line on a terminal's standard error that the next one overwrites; nothing elsewhere.
void progress(const std::string& line);
void end_progress();
// Says what would be done and asks; OK to go on. Without a terminal only --yes goes on.
Status confirm(const Common& common, const std::string& what);

// Adds verbs to a family. `Asked` holds what the family's options write into and has a member
// `common`; one of it lives as long as the command line. Thread rule: confined.
template <class Asked>
class Family {
 public:
  using Run = std::function<Status(const Asked&, Cluster&)>;
  enum class Kind : std::uint8_t { kReads, kChanges, kDestroys };

  Family(CLI::App& app, const char* name, const char* help, int& exit_code);

  CLI::App* verb(const char* name, const char* help, Kind kind, Run run);
  Asked& asked() { return *asked_; }

 private:
  CLI::App* const family_;
  int& exit_code_;
  std::shared_ptr<Asked> asked_;  // shared by the callbacks
};

// Adds --namesrv, --broker and --json, and what the kind needs.
void add_common(CLI::App& verb, Common& common, bool changes, bool destroys);
// The one way to let a variable stand in for an option. Not CLI11's envname(): all verbs of a
// family fill one struct, and those that are not called would write the variable's value over what
// the called one was given.
void or_variable(const CLI::Option* option, const char* name, std::string& into, Common& common);
// Reads the variables, if they are there and not empty, where the verb that is called was not given
// the option.
void take_environment(const CLI::App& verb, const Common& common);
int run_verb(const Common& common, const std::function<Status(Cluster&)>& run);

template <class Asked>
Family<Asked>::Family(CLI::App& app, const char* name, const char* help, int& exit_code)
    : family_(app.add_subcommand(name, help)),
      exit_code_(exit_code),
      asked_(std::make_shared<Asked>()) {
  family_->require_subcommand(1);
}

template <class Asked>
CLI::App* Family<Asked>::verb(const char* name, const char* help, Kind kind, Run run) {
  CLI::App* const verb = family_->add_subcommand(name, help);
  add_common(*verb, asked_->common, kind != Kind::kReads, kind == Kind::kDestroys);
  verb->callback([verb, asked = asked_, &exit_code = exit_code_, run = std::move(run)] {
    take_environment(*verb, asked->common);
    exit_code = run_verb(asked->common, [&](Cluster& cluster) { return run(*asked, cluster); });
  });
  return verb;
}

// "Name" as a topic or group may be called; --check for options.
CLI::Validator topic_name();
CLI::Validator group_name();
// "now", "now-90m", "2026-01-31", "2026-01-31 12:30[:15]" (UTC) or ms since 1970.
CLI::Validator time_word();
// kInvalidArgument.
Result<std::int64_t> parse_time(const std::string& text, std::int64_t now_ms);

// Families, each in its own file.
void add_topic(CLI::App& app, int& exit_code);
void add_group(CLI::App& app, int& exit_code);
void add_message(CLI::App& app, int& exit_code);
void add_dlq(CLI::App& app, int& exit_code);
void add_transaction(CLI::App& app, int& exit_code);
void add_idempotency(CLI::App& app, int& exit_code);
void add_duplicates(CLI::App& app, int& exit_code);
void add_fault(CLI::App& app, int& exit_code);
void add_cluster(CLI::App& app, int& exit_code);

}  // namespace oncemq::cli
