#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oncemq/message.h"
#include "oncemq/once/sql.h"

namespace oncemq::once {

// A database for one test: a new SQLite file, or a PostgreSQL server that is started for it and
// ended with the process. Thread rule: confined.
class World {
 public:
  static std::unique_ptr<World> sqlite();
  // `settings`: words NAME=VALUE for the server.
  static std::unique_ptr<World> postgresql(const std::string& settings = "");
  // A primary and its standby; the URL is the standby's.
  static std::unique_ptr<World> postgresql_standby();
  // This PostgreSQL through a proxy that loses the answer to the first commit, which took effect.
  std::unique_ptr<World> losing_a_commit() const;
  virtual ~World() = default;

  const std::string& url() const { return url_; }
  bool is_sqlite() const { return url_.starts_with("sqlite:"); }
  // Outside of everything that is tested; a failure is one of the test.
  void run(const std::string& statement);
  std::string value(const std::string& query);

 protected:
  std::string url_;
};

inline sdk::Delivery delivery(const std::string& key, std::int32_t attempt = 1,
                              const std::string& topic = "orders") {
  sdk::Delivery made;
  made.message.topic = topic;
  made.message_id = key;
  made.attempt = attempt;
  return made;
}

// Options of a consumer of the group "bank".
inline SqlOptions bank(std::size_t batch_max = 1) {
  SqlOptions options;
  options.group = "bank";
  options.batch_max = batch_max;
  options.wait = std::chrono::minutes(2);  // a loaded machine is no failure
  options.transaction_max = std::chrono::minutes(2);
  return options;
}

}  // namespace oncemq::once
