#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "once/connection.h"
#include "once/url.h"
#include "outbox/dialect.h"
#include "outbox/source.h"

namespace oncemq::outbox {

inline constexpr const char* kTable = "oncemq_outbox";
inline constexpr std::int32_t kSchemaVersion = 1;

struct TableStatus {
  std::string name;            // of the outbox
  std::int64_t waiting = 0;    // rows that are not published, parked ones among them
  std::int64_t oldest_ms = 0;  // age of the oldest of them
  std::int64_t published = 0;  // since it was made
  std::int64_t parked = 0;
  std::int64_t refused = 0;       // wait for another attempt
  std::string holder;             // who has the lease; empty: nobody
  std::vector<Trouble> troubles;  // the first `kTroublesShown`, parked ones first
};

// The statements that make the table and what is beside it. kInvalidArgument.
sdk::Result<std::vector<std::string>> schema(const std::string& url, const std::string& table);

// An outbox in a user's database, over one connection (docs/outbox.md). Errors: kInvalidArgument
// (URL, name), kUnreachable, kRefused (the database's words). Thread rule: confined.
class Table final : public Source {
 public:
  static constexpr std::size_t kTroublesShown = 100;

  // The table has to be there.
  static sdk::Result<std::unique_ptr<Table>> open(const std::string& url, const std::string& table,
                                                  bool keep);
  // Makes what is missing of it.
  static sdk::Status create(const std::string& url, const std::string& table);

  const std::string& name() const override { return name_; }
  sdk::Result<bool> lease(const std::string& holder, std::chrono::milliseconds time) override;
  sdk::Status release(const std::string& holder) override;
  sdk::Result<std::vector<Row>> read(const Reading& reading) override;
  sdk::Status settle(const Settlement& settlement) override;

  sdk::Result<TableStatus> status();
  // Gives parked rows all their attempts again; no id: all. How many.
  sdk::Result<std::int64_t> retry(const std::vector<std::string>& ids);

 private:
  Table(std::unique_ptr<once::Connection> connection, const Dialect& dialect, std::string table,
        bool keep)
      : connection_(std::move(connection)),
        dialect_(dialect),
        table_(std::move(table)),
        keep_(keep) {}

  static sdk::Result<std::unique_ptr<Table>> connect(const std::string& url,
                                                     const std::string& table, bool keep,
                                                     bool make);
  sdk::Status check_schema();
  // All or nothing.
  sdk::Status together(const std::function<sdk::Status()>& run);
  sdk::Result<std::vector<Row>> heads(const Reading& reading);
  sdk::Status add_contents(std::vector<Row>& rows, std::int64_t body_max);
  sdk::Status mark_published(const std::vector<std::string>& ids);
  sdk::Status note(const Trouble& trouble);
  // Of rows that were deleted by somebody: they would hold up their lanes.
  sdk::Status forget_gone();
  std::string list(const std::vector<std::string>& texts) const;  // of literals

  const std::unique_ptr<once::Connection> connection_;
  const Dialect& dialect_;
  const std::string table_;
  const bool keep_;
  std::string name_;
};

}  // namespace oncemq::outbox
