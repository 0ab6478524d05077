#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/remoting/schema/atomic.h"
#include "wire/remoting/schema/broker_admin.h"
#include "wire/remoting/schema/causes.h"
#include "wire/remoting/schema/client_calls.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/connections.h"
#include "wire/remoting/schema/dead_letters.h"
#include "wire/remoting/schema/faults.h"
#include "wire/remoting/schema/groups.h"
#include "wire/remoting/schema/idempotency.h"
#include "wire/remoting/schema/name_brokers.h"
#include "wire/remoting/schema/name_kv.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pop.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/query.h"
#include "wire/remoting/schema/recall.h"
#include "wire/remoting/schema/reply.h"
#include "wire/remoting/schema/send.h"
#include "wire/remoting/schema/timeline.h"
#include "wire/remoting/schema/topics.h"
#include "wire/remoting/schema/transactions.h"

// The families made into one list, and the table that a code is looked up in.
namespace oncemq::wire {

// Everything that we answer, broker and name service. A dispatcher makes its table from this list.
using AllRequests =
    ConcatLists<SendRequests, ReplyRequests, RecallRequests, PullRequests, PopRequests,
                OffsetRequests, QueryRequests, ClientRequests, TopicRequests, GroupRequests,
                ConnectionRequests, BrokerAdminRequests, CauseRequests, IdempotencyRequests,
                DeadLetterRequests, TransactionRequests, AtomicRequests, FaultRequests,
                TimelineRequests, NameRouteRequests, NameKvRequests, NameBrokerRequests>;

enum class Service : std::uint8_t {
  kServed,     // in AllRequests
  kSent,       // in ClientCalls: only we send it
  kNotServed,  // answered "not supported"
};

struct RequestEntry {
  RequestMeta meta;
  Service service = Service::kNotServed;
  std::uint16_t index = 0;  // kServed: position in AllRequests
  std::string_view reason;  // kNotServed
};

// All of them, by code. That no code and no binary alias stands for two is checked when compiling.
std::span<const RequestEntry> request_table();

// The entry that a request's code means in a header of that kind; nullptr when nobody knows it.
// Constant time.
const RequestEntry* find_request(HeaderKind kind, std::int32_t code);

// docs/compat.md: one table row per request. `oncemq docs compat` prints it.
std::string compat_markdown();

}  // namespace oncemq::wire
