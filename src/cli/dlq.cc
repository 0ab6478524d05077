#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <unordered_set>

#include "cli/letter_json.h"
#include "cli/verb.h"
#include "client/admin/dead_letters.h"
#include "client/admin/pause.h"

namespace oncemq::cli {
namespace {

// What one replay or purge holds in memory: about 200 bytes a letter.
constexpr std::int64_t kLettersMax = 100'000;
constexpr std::size_t kLineMax = 32 << 20;  // of an import: 4 MiB of body in base64, and room
constexpr std::size_t kCausesShown = 3;

struct Asked {
  Common common;
  client::LetterSelection selection;
  std::string begin;
  std::string end;
  std::vector<std::string> properties;
  std::string where;
  bool body = false;
  std::string to = "group";
  double rate = 0;
  std::string by = "oncemq";
  std::string file;
};
using Verbs = Family<Asked>;
using Kind = Verbs::Kind;

client::DeadLetters letters_of(const Asked& asked, Cluster& cluster) {
  return {cluster.client(), asked.common.name_server};
}

Result<client::LetterSelection> selection_of(const Asked& asked, std::int64_t now_ms) {
  client::LetterSelection selection = asked.selection;
  for (const auto& [text, into] :
       {std::pair(&asked.begin, &selection.begin_ms), std::pair(&asked.end, &selection.end_ms)}) {
    if (text->empty()) continue;
    const auto time = parse_time(*text, now_ms);
    if (!time) return fail(usage(time.error().message));
    *into = *time;
  }
  for (const std::string& pair : asked.properties) {
    const std::size_t middle = pair.find('=');
    if (middle == 0 || middle == std::string::npos)
      return fail(usage("a property is given as name=value"));
    selection.properties.emplace_back(pair.substr(0, middle), pair.substr(middle + 1));
  }
  if (!asked.where.empty()) {
    if (const Status set = selection.set_where(asked.where); !set)
      return fail(usage(set.error().message));
  }
  if (!selection.check_times()) return fail(usage("--begin is after --end"));
  return selection;
}

// No dead letters is no error: a group without a DLQ topic has none.
Status visit(const Asked& asked, Cluster& cluster, const client::LetterSelection& selection,
             const std::function<Status(const client::Letter&)>& each) {
  client::DeadLetters letters = letters_of(asked, cluster);
  const auto groups = letters.groups();
  if (!groups) return fail(groups.error());
  if (std::find(groups->begin(), groups->end(), selection.group) == groups->end()) return {};
  return letters.visit(selection, each);
}

struct Count {
  std::int64_t open = 0;
  std::int64_t replayed = 0;
  std::int64_t purged = 0;
  std::int64_t oldest_ms = 0;
  std::int64_t newest_ms = 0;
  std::map<std::string, std::int64_t> causes;  // "cause of topic"

  void add(const client::Letter& letter) {
    if (letter.mark) {
      ++(letter.mark->order == "purge" ? purged : replayed);
      return;
    }
    ++open;
    const std::int64_t died = letter.message.store_ms;
    oldest_ms = oldest_ms == 0 ? died : std::min(oldest_ms, died);
    newest_ms = std::max(newest_ms, died);
    ++causes[letter.cause() + " of " + letter.origin_topic()];
  }
  std::string top_causes() const {
    std::vector<std::pair<std::int64_t, std::string>> sorted;
    for (const auto& [cause, count] : causes) sorted.emplace_back(-count, cause);
    std::ranges::sort(sorted);
    std::string text;
    for (std::size_t i = 0; i < std::min(sorted.size(), kCausesShown); ++i)
      text += (i == 0 ? "" : ", ") + std::to_string(-sorted[i].first) + " " + sorted[i].second;
    return text;
  }
};

Status list(const Asked& asked, Cluster& cluster) {
  client::DeadLetters letters = letters_of(asked, cluster);
  const auto groups = letters.groups();
  if (!groups) return fail(groups.error());
  Table table{.columns = {"group", "letters", "replayed", "purged", "oldest", "newest", "causes"},
              .rows = {}};
  for (const std::string& group : *groups) {
    Count count;
    client::LetterSelection all;
    all.group = group;
    all.with_marked = true;
    ONCE_TRY(letters.visit(all, [&](const client::Letter& letter) -> Status {
      count.add(letter);
      const std::int64_t seen = count.open + count.replayed + count.purged;
      if (seen % 1'000 == 0) progress(group + ": " + std::to_string(seen) + " letters");
      return {};
    }));
    table.rows.push_back({group, count.open, count.replayed, count.purged,
                          time_text(count.oldest_ms), time_text(count.newest_ms),
                          count.top_causes()});
  }
  end_progress();
  print(asked.common, table);
  return {};
}

std::string mark_text(const client::Letter& letter) {
  if (!letter.mark) return "-";
  return (letter.mark->order == "purge" ? "purged by " : "replayed by ") + letter.mark->by + " " +
         time_text(letter.mark->time_ms);
}

// All of one letter, a line each.
void print_whole(const client::Letter& letter) {
  const client::StoredMessage& message = letter.message;
  Table table{.columns = {"field", "value"},
              .rows = {{"id", message.id},
                       {"originTopic", letter.origin_topic()},
                       {"cause", letter.cause()},
                       {"died", time_text(message.store_ms) + " at " + message.store_host},
                       {"born", time_text(message.born_ms) + " at " + message.born_host},
                       {"reconsumeTimes", std::to_string(message.reconsume_times)},
                       {"mark", mark_text(letter)}}};
  std::string attempts = message.property("RETRY_ATTEMPTS");
  for (int number = 1; !attempts.empty(); ++number) {
    const std::string one = attempts.substr(0, attempts.find(','));
    attempts.erase(0, one.size() + 1);
    const std::size_t at = one.find('@');
    const auto time = parse_time(one.substr(0, at), 0);
    table.rows.push_back(
        {"attempt " + std::to_string(number),
         (time ? time_text(*time) : one) + " by " +
             (at == std::string::npos ? std::string("unknown") : one.substr(at + 1))});
  }
  for (const auto& [name, value] : message.all_properties())
    if (name != "RETRY_ATTEMPTS") table.rows.push_back({name, value});
  table.rows.push_back(
      {"body", message.compressed ? std::string("(compressed)") : bytes_text(message.body)});
  std::fputs((table.text() + "\n").c_str(), stdout);
}

Status show(const Asked& asked, Cluster& cluster) {
  const auto selection = selection_of(asked, cluster.now_ms());
  if (!selection) return fail(selection.error());
  Table table{
      .columns = {"id", "uniqueKey", "originTopic", "died", "cause", "retries", "keys", "mark"},
      .rows = {}};
  Json all = Json::array();
  const bool whole = asked.body || !selection->ids.empty();
  ONCE_TRY(visit(asked, cluster, *selection, [&](const client::Letter& letter) -> Status {
    const client::StoredMessage& message = letter.message;
    if (asked.common.json)
      all.push(letter_to_json(letter));
    else if (whole)
      print_whole(letter);
    else
      table.rows.push_back({message.id, message.property("UNIQ_KEY"), letter.origin_topic(),
                            time_text(message.store_ms), letter.cause(), message.reconsume_times,
                            message.property("KEYS"), mark_text(letter)});
    return {};
  }));
  if (asked.common.json)
    std::puts(all.dump().c_str());
  else if (!whole)
    print(asked.common, table);
  return {};
}

// Replays or purges what is selected. Whatever ends it: the next run goes on where it ended,
// because the broker's marks say what is done.
Status order_all(const Asked& asked, Cluster& cluster, const client::DeadLetters::Order& order,
                 const char* word) {
  auto selection = selection_of(asked, cluster.now_ms());
  if (!selection) return fail(selection.error());
  selection->with_marked = false;
  std::vector<client::Letter> chosen;
  ONCE_TRY(visit(asked, cluster, *selection, [&](const client::Letter& letter) -> Status {
    chosen.push_back(
        {.address = letter.address, .message = {}, .log_offset = letter.log_offset, .mark = {}});
    chosen.back().message.id = letter.message.id;
    if (chosen.size() % 1'000 == 0) progress(std::to_string(chosen.size()) + " letters");
    return {};
  }));
  end_progress();
  Table table{.columns = {"id", word, "copy"}, .rows = {}};
  if (asked.common.dry_run) {
    for (const client::Letter& letter : chosen)
      table.rows.push_back({letter.message.id, "would be", ""});
    print(asked.common, table);
    return {};
  }
  if (chosen.empty()) {
    print(asked.common, table);
    return {};
  }
  ONCE_TRY(confirm(asked.common, std::string(word) + " " + std::to_string(chosen.size()) +
                                     " dead letters of " + order.group));
  client::DeadLetters letters = letters_of(asked, cluster);
  const std::int64_t begin_ms = cluster.now_ms();
  Status failure;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (asked.rate > 0)
      client::pause_ms(begin_ms +
                       static_cast<std::int64_t>(static_cast<double>(i) * 1'000 / asked.rate) -
                       cluster.now_ms());
    const auto done = letters.order(chosen[i], order);
    if (!done) {
      failure =
          fail(done.error().code, chosen[i].message.id + ": " + done.error().message + " (" +
                                      std::to_string(i) + " of " + std::to_string(chosen.size()) +
                                      " are done; run it again for the rest)");
      break;
    }
    table.rows.push_back(
        {chosen[i].message.id,
         done->outcome == client::LetterOutcome::kAlready ? "already, by " + done->mark.by : "yes",
         done->mark.message_id});
    if (i % 100 == 99)
      progress(std::to_string(i + 1) + " of " + std::to_string(chosen.size()) + " letters");
  }
  end_progress();
  print(asked.common, table);
  return failure;
}

Status replay(const Asked& asked, Cluster& cluster) {
  return order_all(asked, cluster,
                   {.group = asked.selection.group, .order = asked.to, .by = asked.by}, "replay");
}

Status purge(const Asked& asked, Cluster& cluster) {
  return order_all(asked, cluster,
                   {.group = asked.selection.group, .order = "purge", .by = asked.by}, "purge");
}

Status export_all(const Asked& asked, Cluster& cluster) {
  const auto selection = selection_of(asked, cluster.now_ms());
  if (!selection) return fail(selection.error());
  std::ofstream file;
  if (!asked.file.empty()) {
    file.open(asked.file, std::ios::binary | std::ios::trunc);
    if (!file) return fail(usage("cannot write " + asked.file));
  }
  std::ostream& out = asked.file.empty() ? std::cout : file;
  std::int64_t count = 0;
  ONCE_TRY(visit(asked, cluster, *selection, [&](const client::Letter& letter) -> Status {
    out << letter_to_json(letter).dump() << '\n';
    if (!out) return fail(Errc::kIo, "cannot write the letters");
    if (++count % 1'000 == 0) progress(std::to_string(count) + " letters");
    return {};
  }));
  out.flush();
  if (!out) return fail(Errc::kIo, "cannot write the letters");
  return {};
}

// All lines are looked at before the first is sent: a broken file does nothing.
Status import_all(const Asked& asked, Cluster& cluster) {
  std::ifstream file;
  if (!asked.file.empty() && asked.file != "-") {
    file.open(asked.file, std::ios::binary);
    if (!file) return fail(usage("cannot read " + asked.file));
  }
  std::istream& in = file.is_open() ? file : std::cin;
  std::vector<client::StoredMessage> messages;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    auto message = line.size() > kLineMax ? fail(Errc::kBadBytes, "the line is too long")
                                          : letter_from_json(line);
    if (!message)
      return fail(usage("line " + std::to_string(number) + ": " + message.error().message));
    messages.push_back(std::move(*message));
  }
  if (asked.common.dry_run) {
    std::printf("would import %zu letters into the dead letters of %s\n", messages.size(),
                asked.selection.group.c_str());
    return {};
  }
  client::DeadLetters letters = letters_of(asked, cluster);
  std::unordered_set<std::string> seen;  // the index of keys is a moment behind
  std::int64_t imported = 0;
  std::int64_t there = 0;
  for (const client::StoredMessage& message : messages) {
    const std::string unique =
        message.property("UNIQ_KEY") + ' ' + message.property("ORIGIN_MESSAGE_ID");
    if (unique.size() > 1 && !seen.insert(unique).second) {
      ++there;
      continue;
    }
    const auto done = letters.import(asked.selection.group, message);
    if (!done) return fail(done.error());
    ++(*done ? imported : there);
    if (imported % 100 == 0) progress(std::to_string(imported) + " letters");
  }
  end_progress();
  print(asked.common, {.columns = {"imported", "wereThere"}, .rows = {{imported, there}}});
  return {};
}

void add_group(CLI::App* verb, Asked& asked) {
  verb->add_option("group", asked.selection.group, "consumer group")
      ->required()
      ->check(group_name());
}

CLI::Validator expression() {
  return CLI::Validator(
      [](std::string& text) {
        const Status set = model::LetterFilter().set_where(text);
        return set ? std::string() : set.error().message;
      },
      "EXPRESSION");
}

void add_selection(CLI::App* verb, Asked& asked) {
  add_group(verb, asked);
  verb->add_option("--id", asked.selection.ids,
                   "offset id, UNIQ_KEY or ORIGIN_MESSAGE_ID; may be given many times")
      ->allow_extra_args(false);
  verb->add_option("--key", asked.selection.key, "one of its keys");
  verb->add_option("--topic", asked.selection.topic, "original topic")->check(topic_name());
  verb->add_option("--tag", asked.selection.tags, "tag; may be given many times")
      ->allow_extra_args(false);
  verb->add_option("--property", asked.properties, "name=value; all that are given must match")
      ->allow_extra_args(false);
  verb->add_option("--where", asked.where,
                   "SQL92 over its properties, as in subscriptions: \"amount > 10 AND TAGS = 'x'\"")
      ->check(expression());
  verb->add_option("--begin", asked.begin, "died from, a time")->check(time_word());
  verb->add_option("--end", asked.end, "died until, a time")->check(time_word());
  verb->add_option("--limit", asked.selection.limit, "at most so many")
      ->check(CLI::Range(std::int64_t{1}, kLettersMax));
}

void add_operator(CLI::App* verb, Asked& asked) {
  const CLI::Option* const by =
      verb->add_option("--by", asked.by, "who does it, for the record; otherwise USER");
  or_variable(by, "USER", asked.by, asked.common);
  verb->add_option("--rate", asked.rate, "letters per second at most")
      ->check(CLI::Range(0.001, 1e6));
}

}  // namespace

void add_dlq(CLI::App& app, int& exit_code) {
  Verbs dlq(app, "dlq", "dead letters: look at them, give them back, carry them elsewhere",
            exit_code);
  Asked& asked = dlq.asked();
  asked.selection.limit = kLettersMax;
  dlq.verb("list", "groups with dead letters: how many, how old, and why", Kind::kReads, list);
  CLI::App* const shown =
      dlq.verb("show", "letters of a group; with --id or --body all of them", Kind::kReads, show);
  add_selection(shown, asked);
  shown->add_flag("--body", asked.body, "properties, attempts and bodies");
  shown->add_flag("--all", asked.selection.with_marked, "also those that were replayed or purged");
  CLI::App* const replayed =
      dlq.verb("replay", "give letters back to their group, each once, as the same message",
               Kind::kDestroys, replay);
  add_selection(replayed, asked);
  add_operator(replayed, asked);
  replayed
      ->add_option("--to", asked.to,
                   "group: only the group sees them; topic: all groups of the topic")
      ->check(CLI::IsMember({"group", "topic"}))
      ->capture_default_str();
  CLI::App* const purged = dlq.verb(
      "purge", "mark letters as dealt with: out of sight, never replayed", Kind::kDestroys, purge);
  add_selection(purged, asked);
  add_operator(purged, asked);
  CLI::App* const exported =
      dlq.verb("export", "write letters as lines of JSON", Kind::kReads, export_all);
  add_selection(exported, asked);
  exported->add_flag("--all", asked.selection.with_marked, "also those replayed or purged");
  exported->add_option("--file", asked.file, "into this file instead of standard output");
  CLI::App* const imported = dlq.verb("import", "put exported letters into a group's dead letters",
                                      Kind::kChanges, import_all);
  add_group(imported, asked);
  imported->add_option("--file", asked.file, "from this file instead of standard input");
}

}  // namespace oncemq::cli
