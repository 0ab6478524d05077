#pragma once

#include <tuple>

#include "front/remoting/atomic.h"
#include "front/remoting/broker_admin.h"
#include "front/remoting/causes.h"
#include "front/remoting/clients.h"
#include "front/remoting/connections.h"
#include "front/remoting/dead_letters.h"
#include "front/remoting/faults.h"
#include "front/remoting/groups.h"
#include "front/remoting/idempotency.h"
#include "front/remoting/name_brokers.h"
#include "front/remoting/name_kv.h"
#include "front/remoting/name_routes.h"
#include "front/remoting/offsets.h"
#include "front/remoting/pop.h"
#include "front/remoting/pull.h"
#include "front/remoting/query.h"
#include "front/remoting/recall.h"
#include "front/remoting/reply.h"
#include "front/remoting/send.h"
#include "front/remoting/timeline.h"
#include "front/remoting/topics.h"
#include "front/remoting/transactions.h"

// All request families. The dispatcher finds the one family with a handle() for each request of
// wire::AllRequests; a request without a family does not compile, a handle() that is declared and
// not written does not link.
namespace oncemq::front {

struct BrokerFamilies {
  std::tuple<SendFamily, ReplyFamily, RecallFamily, PullFamily, PopFamily, OffsetFamily,
             QueryFamily, ClientFamily, TopicFamily, GroupFamily, ConnectionFamily,
             BrokerAdminFamily, CauseFamily, IdempotencyFamily, DeadLetterFamily, TransactionFamily,
             AtomicFamily, FaultFamily, TimelineFamily>
      all;
};

struct NameFamilies {
  std::tuple<NameRouteFamily, NameKvFamily, NameBrokerFamily> all;
};

}  // namespace oncemq::front
