#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "oncemq/message.h"
#include "oncemq/once/horizon.h"
#include "oncemq/once/key.h"
#include "oncemq/outcome.h"
#include "oncemq/result.h"

namespace soci {
class session;
}
struct sqlite3;  // as sqlite3.h and libpq-fe.h declare them
struct pg_conn;

// Effects in a SQL database that happen once (docs/once.md).
namespace oncemq::once {

enum class Scope : std::uint8_t {
  kTopic,  // a key belongs to its topic
  kGroup,  // a key is one effect in all topics of the group
};

struct SqlOptions {
  std::string group{};  // of the consumer; required
  KeyOf key = by_unique_key();
  Scope scope = Scope::kTopic;
  std::size_t batch_max = 1;              // deliveries in one transaction, 1...1000
  std::size_t connections = 4;            // at once, 1...; that many threads process at a time
  std::chrono::milliseconds wait{5'000};  // for a lock or a free connection; above 0
  std::chrono::milliseconds transaction_max{60'000};  // idle in a handler; PostgreSQL only
  std::string table = "oncemq_once";                  // see SchemaOptions
  bool create = true;                                 // make the tables when they are missing
  HorizonOptions horizon{};                           // what warnings() compares the window with
};

// What the handler works in: the user's database, with one transaction open. Thread rule: confined
// to the handler's call.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual soci::session& session() = 0;
  // Null when it is another database.
  virtual sqlite3* sqlite() = 0;
  virtual pg_conn* postgresql() = 0;
};

// Writes the effect. It must not end the transaction, and has to return an error when one of its
// statements failed; SOCI's exceptions may leave it. May run more than once for one effect: what it
// did in the transaction counts once.
using Handler = std::function<sdk::Status(Transaction&, const sdk::Delivery&)>;

enum class Fate : std::uint8_t {
  kDone,        // the handler ran, its effect is committed: acknowledge
  kDoneBefore,  // it was committed earlier, the handler did not run: acknowledge
  kAgain,       // nothing is committed, or nobody knows: let it come again
};

struct Outcome {
  Fate fate = Fate::kAgain;
  sdk::Error error{};  // of kAgain
};

// Counts since open().
struct SqlFigures {
  std::uint64_t done = 0;
  std::uint64_t done_before = 0;
  std::uint64_t again = 0;
  std::uint64_t transactions = 0;    // committed
  std::uint64_t second_passes = 0;   // batches with a failed handler
  std::uint64_t halved = 0;          // batches whose transaction failed as a whole
  std::uint64_t clean_failures = 0;  // periods that could not be begun or dropped; tried again
};

// Thread rule: monitor; at most `connections` calls work at a time, others wait.
class Sql {
 public:
  // `url`: "postgresql://...", as libpq takes it, or "sqlite:PATH". Connects. kInvalidArgument;
  // kUnreachable; kRefused: durability, schema or rights, with the reason.
  static sdk::Result<Sql> open(const std::string& url, SqlOptions options);
  ~Sql();
  Sql(Sql&&) noexcept;
  Sql& operator=(Sql&&) noexcept;

  // One outcome for each delivery, in their order, which is also the handler's. Waits for the
  // database; throws nothing.
  std::vector<Outcome> process(std::span<const sdk::Delivery> deliveries, const Handler& handler);

  // What was found at open() that may break the promise later.
  const std::vector<std::string>& warnings() const;
  SqlFigures figures() const;

 private:
  class Core;
  explicit Sql(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

// What a consumer calls: a message is done when its effect is committed, by whomever; kAgain comes
// again after that delay level (sdk::Outcome::again). `sql` has to live longer than the consumer.
sdk::Handler consume_with(Sql& sql, Handler handler, std::int32_t delay_level = 0);

}  // namespace oncemq::once
