// The programs of the demonstration (demo.py starts and kills them).
//
//   bank prepare STORE                      makes its tables, empty
//   bank report STORE                       what was booked, as a line of JSON
//   bank send NAME_SERVER RUN COUNT         sends payments to both topics
//   bank consume NAME_SERVER STORE plain    books each payment as often as it comes
//   bank consume NAME_SERVER STORE once     books each payment once
//
// STORE: sqlite:PATH or postgresql://...
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <soci/soci.h>

#include "oncemq/once/sql.h"
#include "oncemq/producer.h"
#include "oncemq/push_consumer.h"

using namespace oncemq;

namespace {

constexpr const char* kTopics[] = {"demo_payments", "demo_payments_plain"};
constexpr int kSenders = 4;
constexpr std::int32_t kAgainLevel = 1;  // one second

// As many words as there are tables: both kinds of consumer have a ledger.
std::string ledger(bool once) {
  return once ? "oncemq_demo_once" : "oncemq_demo_plain";
}

soci::session connect(const std::string& store) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (store.starts_with(kSqlite))
    return {"sqlite3", "dbname=" + store.substr(kSqlite.size()) + " timeout=30"};
  return {"postgresql", store};
}

long long amount_of(const sdk::Delivery& delivery) {
  long long amount = 0;
  const std::string& body = delivery.message.body;
  std::from_chars(body.data(), body.data() + body.size(), amount);
  return amount;
}

void book(soci::session& session, bool once, const sdk::Delivery& delivery) {
  const std::string payment = delivery.message.keys.front();
  const long long amount = amount_of(delivery);
  // Named: SOCI reads what it was given when the statement's own temporaries are gone.
  const std::string kind = ledger(once);
  session << "INSERT INTO " + kind + " (payment, amount) VALUES (:payment, :amount)",
      soci::use(payment), soci::use(amount);
  session << "UPDATE oncemq_demo_account SET balance = balance + :amount WHERE kind = :kind",
      soci::use(amount), soci::use(kind);
}

int prepare(const std::string& store) {
  soci::session session = connect(store);
  session << "DROP TABLE IF EXISTS oncemq_demo_account";
  session << "CREATE TABLE oncemq_demo_account (kind VARCHAR(40), balance BIGINT)";
  for (const bool once : {false, true}) {
    const std::string kind = ledger(once);
    session << "DROP TABLE IF EXISTS " + kind;
    session << "CREATE TABLE " + kind + " (payment VARCHAR(80), amount BIGINT)";
    session << "INSERT INTO oncemq_demo_account VALUES (:kind, 0)", soci::use(kind);
  }
  return 0;
}

int report(const std::string& store) {
  soci::session session = connect(store);
  std::string line = "{";
  for (const bool once : {false, true}) {
    long long bookings = 0;
    long long payments = 0;
    long long balance = 0;
    std::string twice;
    const std::string kind = ledger(once);
    soci::indicator found = soci::i_null;
    session << "SELECT count(*), count(DISTINCT payment) FROM " + kind, soci::into(bookings),
        soci::into(payments);
    session << "SELECT balance FROM oncemq_demo_account WHERE kind = :kind", soci::into(balance),
        soci::use(kind);
    session << "SELECT payment FROM " + kind +
                   " GROUP BY payment HAVING count(*) > 1 ORDER BY count(*) DESC LIMIT 1",
        soci::into(twice, found);
    line += std::string(once ? ", \"once\": " : "\"plain\": ") +
            "{\"bookings\": " + std::to_string(bookings) +
            ", \"payments\": " + std::to_string(payments) +
            ", \"balance\": " + std::to_string(balance) + ", \"twice\": \"" + twice + "\"}";
  }
  std::puts((line + "}").c_str());
  return 0;
}

int send(const std::string& name_server, const std::string& run, int count) {
  auto producer = sdk::Producer::open({.name_servers = {name_server},
                                       .group = "demo_payers",
                                       .timeout = std::chrono::seconds(20),
                                       .attempts = 20});
  if (!producer) {
    std::fprintf(stderr, "%s\n", producer.error().message.c_str());
    return 1;
  }
  std::atomic<int> next{0};
  std::atomic<int> sent{0};
  const auto sender = [&] {
    for (int number = next++; number < count; number = next++) {
      for (const char* topic : kTopics) {
        const sdk::Message payment{.topic = topic,
                                   .body = std::to_string(100 + number % 900),
                                   .keys = {"pay-" + run + "-" + std::to_string(number)}};
        // What an application does: until somebody says that it is stored.
        while (!producer->send(payment)) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      if (const int so_far = ++sent; so_far % 50 == 0 || so_far == count) {
        std::printf("%d\n", so_far);
        std::fflush(stdout);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  };
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) senders.emplace_back(sender);
  for (std::thread& one : senders) one.join();
  return 0;
}

sdk::Handler plain(soci::session& session, std::mutex& mutex) {
  return [&](std::span<const sdk::Delivery> batch) -> sdk::Outcomes {
    const std::lock_guard lock(mutex);
    soci::transaction transaction(session);
    for (const sdk::Delivery& delivery : batch) book(session, false, delivery);
    transaction.commit();
    return sdk::Outcome::done();
  };
}

sdk::Status book_once(once::Transaction& transaction, const sdk::Delivery& delivery) {
  book(transaction.session(), true, delivery);
  return {};
}

// Until standard input ends.
int consume_with(const std::string& name_server, bool once, sdk::Handler handler) {
  auto consumer = sdk::PushConsumer::open({.name_servers = {name_server},
                                           .group = once ? "demo_bank" : "demo_bank_plain",
                                           .subscriptions = {{.topic = kTopics[once ? 0 : 1]}},
                                           .threads = 2,
                                           .batch_max = 16,
                                           .start_at = sdk::StartAt::kFirst},
                                          std::move(handler));
  if (!consumer) {
    std::fprintf(stderr, "%s\n", consumer.error().message.c_str());
    return 1;
  }
  while (std::getchar() != EOF) {
  }
  return 0;
}

int consume(const std::string& name_server, const std::string& store, bool once) {
  if (!once) {
    soci::session session = connect(store);
    std::mutex mutex;
    return consume_with(name_server, once, plain(session, mutex));
  }
  once::SqlOptions options;
  options.group = "demo_bank";
  options.key = once::by_keys();
  options.batch_max = 16;
  options.wait = std::chrono::seconds(30);
  options.table = "oncemq_demo_memory";
  auto bank = once::Sql::open(store, options);
  if (!bank) {
    std::fprintf(stderr, "%s\n", bank.error().message.c_str());
    return 1;
  }
  return consume_with(name_server, once, once::consume_with(*bank, book_once, kAgainLevel));
}

int run(std::span<char*> arguments) {
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  if (words.size() == 2 && words[0] == "prepare") return prepare(words[1]);
  if (words.size() == 2 && words[0] == "report") return report(words[1]);
  if (words.size() == 4 && words[0] == "send") return send(words[1], words[2], std::stoi(words[3]));
  if (words.size() == 4 && words[0] == "consume")
    return consume(words[1], words[2], words[3] == "once");
  std::fprintf(stderr, "usage: see demo/bank.cc\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  } catch (const std::exception& error) {  // SOCI's
    std::fprintf(stderr, "bank: %s\n", error.what());
    return 1;
  }
}
