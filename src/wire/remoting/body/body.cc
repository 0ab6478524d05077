#include "wire/remoting/body/body.h"

#include "base/json_codec.h"
#include "model/config_json.h"
#include "wire/remoting/body/assignment.h"
#include "wire/remoting/body/atomic.h"
#include "wire/remoting/body/causes.h"
#include "wire/remoting/body/connections.h"
#include "wire/remoting/body/dead_letters.h"
#include "wire/remoting/body/faults.h"
#include "wire/remoting/body/groups.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/idempotency.h"
#include "wire/remoting/body/queue_locks.h"
#include "wire/remoting/body/references.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/body/timeline.h"
#include "wire/remoting/body/topics.h"
#include "wire/remoting/body/transactions.h"

namespace oncemq {

// Types of model have their JSON in model.
template <class T>
Status read_model(Result<T> read, T& into) {
  if (!read) return fail(std::move(read.error()));
  into = std::move(*read);
  return {};
}
template <>
struct JsonCodec<model::Subscription> {
  static Json write(const model::Subscription& value) { return model::to_json(value); }
  static Status read(const Json& json, model::Subscription& into) {
    return read_model(model::subscription_from_json(json), into);
  }
};
template <>
struct JsonCodec<model::TopicConfig> {
  static Json write(const model::TopicConfig& value) { return model::to_json(value); }
  static Status read(const Json& json, model::TopicConfig& into) {
    return read_model(model::topic_config_from_json(json), into);
  }
};
template <>
struct JsonCodec<model::GroupConfig> {
  static Json write(const model::GroupConfig& value) { return model::to_json(value); }
  static Status read(const Json& json, model::GroupConfig& into) {
    return read_model(model::group_config_from_json(json), into);
  }
};

template <>
struct JsonKeyCodec<wire::Queue> {
  static std::string write(const wire::Queue& key) { return json_write(key).dump(); }
  static Status read(const std::string& text, wire::Queue& into) {
    const Result<Json> json = Json::parse(text);
    if (!json) return fail(json.error());
    return json_read(*json, into);
  }
};

namespace wire {

namespace {

// Whether a map keyed by a queue stands anywhere in T.
template <class T>
struct HasQueueKeys : std::false_type {};
template <class V>
struct HasQueueKeys<std::map<Queue, V>> : std::true_type {};
template <class K, class V>
struct HasQueueKeys<std::map<K, V>> : HasQueueKeys<V> {};
template <class V>
struct HasQueueKeys<std::vector<V>> : HasQueueKeys<V> {};
template <class... Members>
constexpr bool any_queue_keys(const std::tuple<Members...>*);
template <class T>
requires requires {
  T::members;
}
struct HasQueueKeys<T> {
  static constexpr bool value = any_queue_keys(&T::members);
};
template <class Struct, class T>
constexpr bool member_has_queue_keys(const JsonMemberOf<Struct, T>*) {
  return HasQueueKeys<T>::value;
}
template <class... Members>
constexpr bool any_queue_keys(const std::tuple<Members...>*) {
  return (member_has_queue_keys(static_cast<const Members*>(nullptr)) || ...);
}

}  // namespace

template <class Body>
std::string encode_body(const Body& body) {
  return json_write(body).dump(HasQueueKeys<Body>::value);
}

template <class Body>
Result<Body> decode_body(Bytes text) {
  const Result<Json> json = parse_body(text);
  if (!json) return fail(json.error());
  if (json->is_null()) return fail(json_mismatch("an object"));
  return from_json<Body>(*json);
}

#define ONCE_BODY(Body)                          \
  template std::string encode_body(const Body&); \
  template Result<Body> decode_body(Bytes)

ONCE_BODY(AtomicAnswer);
ONCE_BODY(BrokerConsumeStats);
ONCE_BODY(BrokerMemberGroup);
ONCE_BODY(BrokerStatsData);
ONCE_BODY(CheckClientBody);
ONCE_BODY(ClusterInfo);
ONCE_BODY(ConsumeDirectlyResult);
ONCE_BODY(ConsumeStats);
ONCE_BODY(ConsumeTimeSpans);
ONCE_BODY(ConsumerConnections);
ONCE_BODY(ConsumerIdList);
ONCE_BODY(ConsumerRunningInfo);
ONCE_BODY(ConsumerStatus);
ONCE_BODY(DeadLetterMarks);
ONCE_BODY(DeadLetterOffsets);
ONCE_BODY(GroupCauses);
ONCE_BODY(IdempotencyReport);
ONCE_BODY(FaultList);
ONCE_BODY(MessageTimeline);
ONCE_BODY(DuplicateCounts);
ONCE_BODY(GroupConfigList);
ONCE_BODY(GroupForbidden);
ONCE_BODY(GroupList);
ONCE_BODY(GroupRequestMode);
ONCE_BODY(GroupSubscription);
ONCE_BODY(HeartbeatBody);
ONCE_BODY(KvTable);
ONCE_BODY(LockedQueues);
ONCE_BODY(OpenTransactions);
ONCE_BODY(ProducerConnections);
ONCE_BODY(ProducerTable);
ONCE_BODY(QueryAssignmentBody);
ONCE_BODY(QueueAssignments);
ONCE_BODY(QueueEntries);
ONCE_BODY(QueueLockBody);
ONCE_BODY(QueueOffsetRows);
ONCE_BODY(QueueOffsets);
ONCE_BODY(RequestModes);
ONCE_BODY(TopicConfigList);
ONCE_BODY(TopicList);
ONCE_BODY(TopicRoute);
ONCE_BODY(TopicStats);

#undef ONCE_BODY

}  // namespace wire
}  // namespace oncemq
