// Effects a second in a database: once::Sql with many messages in a transaction and with one, and
// the same handler without it.
//
//   bench_once_effects URL [BATCH [ROUNDS]]
//
// The modes take turns, so that what else the machine does hits all of them; medians of the rounds.
// It wants a database without keys of an earlier run, and makes the table effects_account in it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "oncemq/once/sql.h"

using namespace oncemq;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAccounts = 1000;
constexpr std::chrono::milliseconds kTurn(1'000);

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

// One statement of a user, on one of many rows.
void book(soci::session& session, int number) {
  const int account = number % kAccounts;
  session << "UPDATE effects_account SET balance = balance + 1 WHERE id = :id", soci::use(account);
}

// SOCI's name of the backend and what it connects to.
soci::session connect(const std::string& url) {
  const bool is_sqlite = url.starts_with("sqlite:");
  return soci::session(is_sqlite ? "sqlite3" : "postgresql", is_sqlite ? url.substr(7) : url);
}

class Bench {
 public:
  Bench(const std::string& url, std::size_t batch_max)
      : plain_(connect(url)), many_(open(url, batch_max)), one_(open(url, 1)) {}

  void many(std::size_t count) { process(many_, count); }
  void one(std::size_t count) {
    for (std::size_t done = 0; done < count; ++done) process(one_, 1);
  }
  void plain_many(std::size_t count) {
    plain_ << "BEGIN";
    for (std::size_t done = 0; done < count; ++done) book(plain_, number_++);
    plain_ << "COMMIT";
  }
  void plain_one(std::size_t count) {
    for (std::size_t done = 0; done < count; ++done) plain_many(1);
  }
  int booked() const { return number_; }
  long long balance() {
    long long sum = 0;
    plain_ << "SELECT CAST(SUM(balance) AS BIGINT) FROM effects_account", soci::into(sum);
    return sum;
  }

 private:
  static once::Sql open(const std::string& url, std::size_t batch_max) {
    once::SqlOptions options;
    options.group = "bench";
    options.batch_max = batch_max;
    auto sql = once::Sql::open(url, options);
    if (!sql) give_up(sql.error().message);
    return std::move(*sql);
  }
  void process(once::Sql& sql, std::size_t count) {
    std::vector<sdk::Delivery> deliveries(count);
    for (std::size_t at = 0; at < count; ++at) {
      deliveries[at].message.topic = "orders";
      // As clients make them: 32 hexadecimal digits that begin alike.
      deliveries[at].message_id = "7F00000100002A139A1200000" +
                                  std::to_string(1'000'000 + number_) +
                                  std::string(1, static_cast<char>('A' + at % 6));
      ++number_;
    }
    const int first = number_ - static_cast<int>(count);
    const auto outcomes =
        sql.process(deliveries, [&](once::Transaction& transaction, const sdk::Delivery& delivery) {
          book(transaction.session(), first + static_cast<int>(&delivery - deliveries.data()));
          return sdk::Status();
        });
    for (const once::Outcome& outcome : outcomes)
      if (outcome.fate != once::Fate::kDone) give_up("not done: " + outcome.error.message);
  }

  soci::session plain_;
  once::Sql many_;
  once::Sql one_;
  int number_ = 0;  // effects so far
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Effects a second in one turn.
double turn(const std::function<void(std::size_t)>& run, std::size_t batch) {
  const auto begun = Clock::now();
  std::size_t done = 0;
  while (Clock::now() - begun < kTurn) {
    run(batch);
    done += batch;
  }
  return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - begun).count();
}

void set_up(const std::string& url) {
  soci::session session = connect(url);
  session << "DROP TABLE IF EXISTS effects_account";
  session << "CREATE TABLE effects_account (id INTEGER PRIMARY KEY, balance BIGINT NOT NULL)";
  session << "BEGIN";
  for (int id = 0; id < kAccounts; ++id)
    session << "INSERT INTO effects_account VALUES (:id, 0)", soci::use(id);
  session << "COMMIT";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) give_up("usage: bench_once_effects URL [BATCH [ROUNDS]]; an empty database");
  const std::string url = argv[1];
  const std::size_t batch = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  set_up(url);
  Bench bench(url, batch);
  std::vector<double> many;
  std::vector<double> one;
  std::vector<double> plain_many;
  std::vector<double> plain_one;
  for (int round = 0; round < rounds; ++round) {
    many.push_back(turn([&](std::size_t count) { bench.many(count); }, batch));
    plain_many.push_back(turn([&](std::size_t count) { bench.plain_many(count); }, batch));
    one.push_back(turn([&](std::size_t count) { bench.one(count); }, 1));
    plain_one.push_back(turn([&](std::size_t count) { bench.plain_one(count); }, 1));
  }
  if (bench.balance() != bench.booked()) give_up("effects are missing or twice");
  std::printf(
      "effects/s: %zu in a transaction %.0f, the same without memory %.0f; one %.0f, without "
      "memory %.0f\n",
      batch, median(many), median(plain_many), median(one), median(plain_one));
  std::printf("%zu against one: %.1f times; memory costs %.1f %% in %zu, %.1f %% in one\n", batch,
              median(many) / median(one), 100 * (1 - median(many) / median(plain_many)), batch,
              100 * (1 - median(one) / median(plain_one)));
  return 0;
}
