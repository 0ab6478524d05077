#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/admin/admin.h"
#include "model/group.h"

// What is known about one consumer group besides its progress, and the moving of its offsets.
namespace oncemq::client {

struct GroupMember {
  std::string client_id;
  std::string address;
  std::string language;
  std::string broker;               // the first one that knows it
  std::vector<std::string> topics;  // "topic expression"
};

// Messages that were given to the group again, since the broker started.
struct CauseCount {
  std::string broker;
  std::string cause;  // "queue_moved"
  std::int64_t messages = 0;
  std::string sentence;  // what it means
};

// One such redelivery.
struct CauseMoment {
  std::int64_t time_ms = 0;
  std::string broker;
  std::string cause;
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;  // of the first message
  std::int64_t messages = 0;
};

struct OffsetMove {
  std::string broker;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;
};

// Thread rule: monitor (as the RemotingClient below it).
class GroupDetails {
 public:
  explicit GroupDetails(Admin& admin) : admin_(admin) {}

  // Of each master that has it, with the master's name. kGroupNotFound.
  Result<std::vector<std::pair<std::string, model::GroupConfig>>> configs(std::string_view group);
  // Who is connected, each client once. Empty when nobody is.
  Result<std::vector<GroupMember>> members(std::string_view group);

  struct Causes {
    std::vector<CauseCount> counts;
    std::vector<CauseMoment> recent;  // newest first
  };
  // kGroupNotFound. Brokers of another kind do not know: kNotSupported.
  Result<Causes> causes(std::string_view group);

  struct Reset {
    std::string group;
    std::string topic;
    std::int64_t time_ms = 0;    // -1: to the end
    std::int32_t queue_id = -1;  // -1: all
    std::int64_t offset = -1;    // with queue_id: to this one
  };
  Result<std::vector<OffsetMove>> reset(const Reset& reset);
  // Where reset() would move the group, without moving it.
  Result<std::vector<OffsetMove>> preview(const Reset& reset);

 private:
  Admin& admin_;
};

// Settings of brokers, as "key=value" in the order that the broker prints them.
class BrokerSettings {
 public:
  explicit BrokerSettings(Admin& admin) : admin_(admin) {}

  struct Row {
    std::string broker;
    std::string key;
    std::string value;
  };
  Result<std::vector<Row>> list();
  // On every master; checked by each of them.
  Status set(std::string_view key, std::string_view value);

 private:
  Admin& admin_;
};

}  // namespace oncemq::client
