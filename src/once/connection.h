#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "once/url.h"
#include "oncemq/result.h"

namespace oncemq::once {

// Runs what calls SOCI or the user's code, and makes exceptions values.
sdk::Status guarded(const std::function<sdk::Status()>& run);

// A SOCI session without its exceptions. Statements are complete text: what is put into them is
// made of checked names, numbers and hexadecimal digits. Thread rule: confined, to one thread at a
// time.
class Connection {
 public:
  using Rows = std::vector<std::vector<std::string>>;  // all values as text, NULL as ""

  // Loads SOCI's backend. kUnreachable.
  static sdk::Result<std::unique_ptr<Connection>> open(const Target& target);

  // kRefused with the database's words; kUnreachable when the connection ended.
  sdk::Status run(const std::string& statement);
  // Of a statement that answers with rows: SOCI walks through garbage after another one.
  sdk::Result<Rows> rows(const std::string& statement);
  // The first value of the first row. kRefused also when there is none.
  sdk::Result<std::string> value(const std::string& statement);
  sdk::Result<std::int64_t> number(const std::string& statement);

  soci::session& session() { return session_; }

 private:
  Connection() = default;

  soci::session session_;
};

}  // namespace oncemq::once
