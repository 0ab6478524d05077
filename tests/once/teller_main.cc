// A consumer of a bank, for kill_storm.py to kill: books each message of a topic once, in the
// tables that the storm made. Runs until its standard input ends.
//
// Usage: once_teller NAMESRV GROUP TOPIC URL together|apart
// apart: broken on purpose. Its effect is not in the transaction of the record.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <soci/soci.h>

#include "oncemq/once/sql.h"
#include "oncemq/push_consumer.h"

using namespace oncemq;

namespace {

void book(soci::session& session, const std::string& key) {
  session << "INSERT INTO booked (message_key) VALUES (:key)", soci::use(key);
  session << "UPDATE account SET balance = balance + 1";
}

sdk::Status book_in(once::Transaction& transaction, const sdk::Delivery& delivery) {
  book(transaction.session(), delivery.message.keys.front());
  return {};
}

sdk::Status book_nothing(once::Transaction&, const sdk::Delivery&) {
  return {};
}

// Level 1 is one second.
constexpr std::int32_t kAgainLevel = 1;

sdk::Handler apart(once::Sql& bank, const std::string& url) {
  return [&bank, url](std::span<const sdk::Delivery> batch) -> sdk::Outcomes {
    constexpr std::string_view kSqlite = "sqlite:";
    const bool file = url.starts_with(kSqlite);
    std::vector<sdk::Outcome> outcomes;
    const auto fates = bank.process(batch, book_nothing);
    for (std::size_t at = 0; at < fates.size(); ++at) {
      outcomes.push_back(fates[at].fate == once::Fate::kAgain ? sdk::Outcome::again(kAgainLevel)
                                                              : sdk::Outcome::done());
      if (fates[at].fate != once::Fate::kDone) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      soci::session session(file ? "sqlite3" : "postgresql",
                            file ? "dbname=" + url.substr(kSqlite.size()) + " timeout=60" : url);
      soci::transaction transaction(session);
      book(session, batch[at].message.keys.front());
      transaction.commit();
    }
    return outcomes;
  };
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  once::SqlOptions options;
  options.group = argv[2];
  options.key = once::by_keys();
  options.batch_max = 16;
  auto bank = once::Sql::open(argv[4], options);
  // The database may be dead right now.
  for (int i = 0; !bank && bank.error().code == sdk::Errc::kUnreachable && i < 600; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    bank = once::Sql::open(argv[4], options);
  }
  if (!bank) {
    std::fprintf(stderr, "%s\n", bank.error().message.c_str());
    return 1;
  }
  auto consumer = sdk::PushConsumer::open(
      {.name_servers = {argv[1]},
       .group = argv[2],
       .subscriptions = {{.topic = argv[3]}},
       .threads = 4,
       .batch_max = 16,
       .retries_max = 10'000,  // a dead letter would be an effect that is missing
       .start_at = sdk::StartAt::kFirst},
      std::string_view(argv[5]) == "apart" ? apart(*bank, argv[4])
                                           : once::consume_with(*bank, book_in, kAgainLevel));
  if (!consumer) {
    std::fprintf(stderr, "%s\n", consumer.error().message.c_str());
    return 1;
  }
  while (std::getchar() != EOF) {
  }
  return 0;
}
