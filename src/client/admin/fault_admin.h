#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/admin/admin.h"

// Faults on purpose (docs/faults.md): ordered, listed and ended on all masters.
namespace oncemq::client {

struct FaultWish {
  std::string fault;  // "lose-ack"
  std::string topic;
  std::string group;        // empty: any
  std::string probability;  // "0.5"; empty: 1
  std::int64_t count = 0;   // 0: no end
  std::int64_t for_ms = 0;  // 0: no end
};

struct FaultInfo {
  std::string broker;
  std::int64_t id = 0;
  std::string fault;
  std::string topic;
  std::string group;
  double probability = 1;
  std::int64_t count = 0;
  std::int64_t struck = 0;
  std::int64_t left_ms = 0;  // 0: no end, or over
  std::string state;
  std::string sentence;
};

// Errors of all: kNoPermission when the broker does not allow faults, kNotSupported when it is none
// of ours. Thread rule: monitor (as the RemotingClient below it).
class FaultAdmin {
 public:
  explicit FaultAdmin(Admin& admin) : admin_(admin) {}

  struct Added {
    std::string broker;
    std::int64_t id = 0;
  };
  Result<std::vector<Added>> add(const FaultWish& wish);
  Result<std::vector<FaultInfo>> list();
  // `id` 0: all. How many ended.
  Result<std::int64_t> clear(std::int64_t id);

 private:
  Admin& admin_;
};

}  // namespace oncemq::client
