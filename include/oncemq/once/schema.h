#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "oncemq/result.h"

// The tables of `once` in a user's database (docs/once.md). All of it waits for the database.
// Thread rule: external; any thread.
namespace oncemq::once {

struct SchemaOptions {
  std::string table = "oncemq_once";    // and what other names begin with: [a-z][a-z0-9_]{0,39}
  std::chrono::milliseconds window{0};  // how long keys are remembered at least; 0: 7 days
  std::chrono::milliseconds period{0};  // 0: an eighth of the window; else a 100th...all of it
};

struct Period {
  std::int64_t number = 0;
  std::int64_t began_at_ms = 0;
  std::int64_t ended_at_ms = 0;  // 0: the current one
  std::int64_t records = 0;      // PostgreSQL: of large ones as its statistics say
  std::int64_t bytes = -1;       // with their index; -1: this SQLite does not tell
  bool due = false;              // ended a window ago: clean() drops it
};

struct SchemaStatus {
  std::int32_t version = 0;
  std::chrono::milliseconds window{0};
  std::chrono::milliseconds period{0};
  std::int64_t now_ms = 0;      // by the database's clock
  std::vector<Period> periods;  // oldest first
  std::string not_durable;      // why Sql::open() would refuse this database; empty: it would not
};

struct Cleaned {
  bool rotated = false;               // a period began
  bool busy = false;                  // somebody else cleans, or open transactions did not end
  std::vector<std::int64_t> dropped;  // periods
};

// Makes what is missing; sets window and period of what is there if they are given.
// kInvalidArgument: URL or options; kUnreachable; kRefused: the database says no, or its schema is
// newer.
sdk::Status init(const std::string& url, const SchemaOptions& options);
// Makes nothing, not even an empty file, and asks of durability only what it is: also of a standby.
sdk::Result<SchemaStatus> status(const std::string& url, const std::string& table);
// Begins a period when the current one is over, drops those that ended a window ago.
sdk::Result<Cleaned> clean(const std::string& url, const std::string& table);

}  // namespace oncemq::once
