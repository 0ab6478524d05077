#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/remoting/remoting_client.h"

namespace oncemq::client {

// A message as it stands in a log, copied. Thread rule: external.
struct StoredMessage {
  std::string id;  // offset message id
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;
  std::int64_t born_ms = 0;
  std::int64_t store_ms = 0;
  std::string born_host;
  std::string store_host;
  std::int32_t reconsume_times = 0;
  std::int32_t flag = 0;      // the application's
  std::int32_t sys_flag = 0;  // model::sysflag
  bool compressed = false;
  std::string properties;  // pairs as stored
  std::string body;

  std::string property(std::string_view name) const;  // empty when absent
  std::vector<std::pair<std::string, std::string>> all_properties() const;
};

// A key to look for, and when.
struct KeyQuery {
  std::string topic;
  std::string key;
  bool unique = false;  // the key is a unique key, not one of KEYS
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = INT64_MAX;
  std::int32_t max_messages = 32;
};

struct QueueRange {
  std::string topic;
  std::int32_t queue_id = -1;  // -1: all queues
  std::int64_t offset = -1;    // -1: from the beginning
  std::int32_t count = 32;     // of each queue
};

// Looks messages up. Thread rule: monitor (as the RemotingClient below it).
class MessageFinder {
 public:
  // The client outlives it.
  MessageFinder(RemotingClient& client, std::string name_server)
      : client_(client), name_server_(std::move(name_server)) {}

  // By offset message id, at the broker whose address is in it. kInvalidArgument |
  // kMessageNotFound.
  Result<StoredMessage> by_id(std::string_view id);
  // On all brokers of the topic, oldest first; only real matches, not those of the key's hash.
  Result<std::vector<StoredMessage>> by_key(const KeyQuery& query);
  Result<std::vector<StoredMessage>> in_queues(const QueueRange& range);
  // All messages of the queues from `offset` on, `count` of a queue at a time; `visit` says whether
  // to go on. kTopicNotFound.
  using VisitPage =
      std::function<Result<bool>(const std::string& address, std::vector<StoredMessage>&& page)>;
  Status each_page(const QueueRange& range, const VisitPage& visit);

 private:
  struct Place {
    std::string address;
    std::int32_t queues = 0;
  };
  Result<std::vector<Place>> places(const std::string& topic);
  Status read_queue(const QueueRange& range, const std::string& address, std::int32_t queue_id,
                    std::vector<StoredMessage>& into);
  Result<bool> pull(const QueueRange& range, const std::string& address, std::int32_t queue_id,
                    std::int64_t& offset, std::int32_t max, std::vector<StoredMessage>& into);

  RemotingClient& client_;
  const std::string name_server_;
};

// Copies the records of an answer's body. kBadBytes.
Status read_records(Bytes records, std::vector<StoredMessage>& into);

}  // namespace oncemq::client
