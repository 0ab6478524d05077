#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "once/url.h"

namespace oncemq::outbox {

// What the databases say differently. Texts that are put into statements come as hexadecimal digits
// only; names of tables are checked before. Thread rule: immutable.
class Dialect {
 public:
  virtual ~Dialect() = default;

  // For each new connection. `wait`: for a lock.
  virtual std::vector<std::string> settings(std::chrono::milliseconds wait) const = 0;
  // Begins a transaction that writes.
  virtual std::string begin() const = 0;
  // In a transaction: others who make the same table wait; empty when begin() does that.
  virtual std::string alone(const std::string& table) const = 0;
  // Makes what is missing of it.
  virtual std::vector<std::string> create(const std::string& table) const = 0;

  // Expressions.
  virtual std::string now_ms() const = 0;                         // since 1970
  virtual std::string text(const std::string& value) const = 0;   // literal
  virtual std::string hex(const std::string& column) const = 0;   // of bytes, NULL as ''
  virtual std::string size(const std::string& column) const = 0;  // in bytes, of NULL 0
};

// By the engines' files.
const Dialect& sqlite_dialect();
const Dialect& postgresql_dialect();

inline const Dialect& dialect_of(once::Engine engine) {
  return engine == once::Engine::kSqlite ? sqlite_dialect() : postgresql_dialect();
}

}  // namespace oncemq::outbox
