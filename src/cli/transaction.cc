#include <string>

#include "cli/verb.h"
#include "client/admin/transaction_admin.h"

namespace oncemq::cli {
namespace {

using client::TransactionAdmin;
using client::TransactionInfo;

struct Asked {
  Common common;
  bool discarded = false;
  std::size_t max = 100;
  std::string name;
};
using Verbs = Family<Asked>;
using Kind = Verbs::Kind;

TransactionAdmin of(Cluster& cluster) {
  return TransactionAdmin(cluster.admin());
}

std::string half_text(const TransactionInfo& row) {
  return row.half_offset < 0 ? "-" : std::to_string(row.half_offset);
}

Status list(const Asked& asked, Cluster& cluster) {
  const auto rows = of(cluster).list(asked.discarded, asked.max);
  if (!rows) return fail(rows.error());
  Table table{
      .columns = {"transaction", "broker", "half", "topic", "group", "stored", "checks", "bytes"},
      .rows = {}};
  for (const TransactionInfo& row : *rows)
    table.rows.push_back({row.transaction_id, row.broker, half_text(row), row.topic, row.group,
                          time_text(row.store_ms), std::int64_t{row.checks}, row.body_size});
  print(asked.common, table);
  return {};
}

Status show(const Asked& asked, Cluster& cluster) {
  const auto row = of(cluster).find(asked.name);
  if (!row) return fail(row.error());
  Table table{.columns = {"field", "value"}, .rows = {}};
  table.rows = {{"transaction", row->transaction_id},
                {"state", row->discarded ? "discarded" : "open"},
                {"broker", row->broker},
                {"half", half_text(*row)},
                {"messageId", row->message_id},
                {"group", row->group},
                {"topic", row->topic},
                {"queue", std::to_string(row->queue_id)},
                {"keys", row->keys},
                {"checks", std::to_string(row->checks)},
                {"born", time_text(row->born_ms)},
                {"stored", time_text(row->store_ms)}};
  if (const auto message = cluster.messages().by_id(row->message_id); message) {
    for (const auto& [name, value] : message->all_properties()) table.rows.push_back({name, value});
    table.rows.push_back(
        {"body", message->compressed
                     ? "(compressed) " + std::to_string(message->body.size()) + " bytes"
                     : bytes_text(message->body)});
  }
  print(asked.common, table);
  return {};
}

// One transaction, by name, and what is done about it.
template <class Action>
Verbs::Run change(const char* name, const char* done, Action action) {
  return [name, done, action](const Asked& asked, Cluster& cluster) -> Status {
    const auto row = of(cluster).find(asked.name);
    if (!row) return fail(row.error());
    if (!asked.common.dry_run) {
      if (name != nullptr)
        ONCE_TRY(confirm(asked.common, std::string(name) + " " + row->transaction_id + " of " +
                                           row->group + " for " + row->topic));
      TransactionAdmin admin = of(cluster);
      ONCE_TRY(action(admin, *row));
    }
    Table table{.columns = {"transaction", "broker", "half", "topic", "result"}, .rows = {}};
    table.rows.push_back({row->transaction_id, row->broker, half_text(*row), row->topic,
                          std::string(asked.common.dry_run ? "would be " : "") + done});
    print(asked.common, table);
    return {};
  };
}

}  // namespace

void add_transaction(CLI::App& app, int& exit_code) {
  Verbs verbs(app, "transaction", "half messages without a verdict, and their verdicts", exit_code);
  Asked& asked = verbs.asked();
  CLI::App* const listed = verbs.verb("list", "open ones, oldest first", Kind::kReads, list);
  listed->add_flag("--discarded", asked.discarded,
                   "those that nobody is asked about any more, instead");
  listed->add_option("--max", asked.max, "of each broker")->capture_default_str();
  const auto named = [&](CLI::App* verb) {
    verb->add_option("transaction", asked.name,
                     "transaction id, message id, or offset of the half message")
        ->required();
  };
  named(verbs.verb("show", "everything about one", Kind::kReads, show));
  named(verbs.verb(
      "commit", "make its message visible; final", Kind::kDestroys,
      change("commit", "committed", [](TransactionAdmin& admin, const TransactionInfo& row) {
        return admin.decide(row, true);
      })));
  named(verbs.verb(
      "rollback", "never show its message; final", Kind::kDestroys,
      change("roll back", "rolled back", [](TransactionAdmin& admin, const TransactionInfo& row) {
        return admin.decide(row, false);
      })));
  named(verbs.verb(
      "resume", "ask the producers of a discarded one again", Kind::kChanges,
      change(nullptr, "resumed", [](TransactionAdmin& admin, const TransactionInfo& row) {
        return admin.resume(row);
      })));
}

}  // namespace oncemq::cli
