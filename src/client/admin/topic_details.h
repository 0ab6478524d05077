#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/admin/admin.h"
#include "model/topic.h"

// What is known about one topic besides its offsets, and the sending of one message.
namespace oncemq::client {

struct RouteRow {
  std::string broker;
  std::string address;  // of the master, empty when there is none
  std::int32_t read_queues = 0;
  std::int32_t write_queues = 0;
  std::int32_t perm = 0;
};

struct NewMessage {
  std::string topic;
  std::string body;
  std::string tags;
  std::string keys;  // separated by blanks
  std::vector<std::pair<std::string, std::string>> properties;
  std::int32_t queue_id = -1;  // -1: any
  std::int32_t delay_level = 0;
};

struct SentMessage {
  std::string broker;
  std::string id;          // offset message id
  std::string unique_key;  // what clients call msgId
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;
};

// What was sent twice to the topic since its broker started.
struct RepeatCount {
  std::string broker;
  std::string mode;  // "enforce", "shadow", "off"
  std::string what;  // "left_out"
  std::int64_t messages = 0;
  std::string sentence;
};

// One such send.
struct RepeatMoment {
  std::int64_t time_ms = 0;
  std::string broker;
  std::string what;
  std::string key;
  std::int64_t original_ms = 0;  // 0: the first one is not known
  std::string original_id;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;
};

// Thread rule: monitor (as the RemotingClient below it).
class TopicDetails {
 public:
  explicit TopicDetails(Admin& admin) : admin_(admin) {}

  // Of each master that has it, with the master's name. kTopicNotFound.
  Result<std::vector<std::pair<std::string, model::TopicConfig>>> configs(std::string_view topic);
  // Changes attributes too: "+key=value,-key".
  Status update(const model::TopicConfig& topic, std::string_view attributes);
  Result<std::vector<RouteRow>> route(std::string_view topic);      // kTopicNotFound
  Result<std::vector<std::string>> groups(std::string_view topic);  // that consume it, by name
  struct Repeats {
    std::vector<RepeatCount> counts;
    std::vector<RepeatMoment> latest;  // newest first
  };
  // kTopicNotFound. Brokers of another kind do not know: kNotSupported.
  Result<Repeats> repeats(std::string_view topic);
  // To the first master that takes messages for the topic.
  Result<SentMessage> send(const NewMessage& message);

 private:
  Admin& admin_;
};

}  // namespace oncemq::client
