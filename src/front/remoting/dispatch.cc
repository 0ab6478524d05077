#include "front/remoting/dispatch.h"

#include <array>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "front/remoting/families.h"
#include "front/remoting/loop_edge.h"
#include "wire/remoting/schema/all_requests.h"

namespace oncemq::front {
namespace {

template <class Family, class R>
concept Serves = requires(Family& family, Call call, const Request<R>& request) {
  family.handle(std::move(call), request);
};

template <class R, class... Families>
constexpr std::size_t count_serving(const std::tuple<Families...>*) {
  return (std::size_t{Serves<Families, R>} + ... + 0U);
}
template <class R, class... Families>
constexpr std::size_t index_serving(const std::tuple<Families...>*) {
  std::size_t index = 0;
  bool found = false;
  ((found = found || Serves<Families, R>, index += found ? 0U : 1U), ...);
  return index;
}

using BrokerTuple = decltype(BrokerFamilies::all);
using NameTuple = decltype(NameFamilies::all);

void refuse_code(Call& call, std::int32_t code) {
  call.refuse(wire::ResponseCode::kRequestCodeNotSupported,
              " request type " + std::to_string(code) + " not supported");
}

// What every handler would otherwise check for itself. True: go on.
bool pass_guards(const LoopEdge& edge, const wire::RequestMeta& meta, Call& call) {
  if (meta.guards.has(wire::Guard::kStarted) && !edge.serving()) {
    call.refuse(wire::ResponseCode::kServiceNotAvailable, "the broker is starting or stopping");
    return false;
  }
  const broker::Switches* switches = edge.parts().switches;
  if (meta.guards.has(wire::Guard::kReadable) && switches != nullptr && !switches->readable()) {
    call.refuse(wire::ResponseCode::kNoPermission, "the broker is not readable");
    return false;
  }
  if (meta.guards.has(wire::Guard::kWritable) && switches != nullptr && !switches->writable()) {
    call.refuse(wire::ResponseCode::kNoPermission, "the broker is not writable");
    return false;
  }
  return true;
}

// Requests of producers and consumers about one topic: what a fault can hold.
template <class R>
concept Pausable = (R::meta.lane == wire::Lane::kSend || R::meta.lane == wire::Lane::kPull ||
                    R::meta.lane == wire::Lane::kOffset) &&
                   requires(const typename R::Header& header) {
  header.topic;
};

template <class Header>
std::string_view group_of(const Header& header) {
  if constexpr (requires { header.consumer_group; })
    return header.consumer_group;
  else if constexpr (requires { header.producer_group; })
    return header.producer_group;
  else
    return {};
}

template <class R>
void run(LoopEdge& edge, Call call, const wire::Command& command, net::Connection& connection) {
  constexpr std::size_t kBroker = count_serving<R>(static_cast<BrokerTuple*>(nullptr));
  constexpr std::size_t kName = count_serving<R>(static_cast<NameTuple*>(nullptr));
  static_assert(kBroker + kName == 1, "exactly one family has a handle() for a request");

  auto* families = [&] {
    if constexpr (kBroker == 1)
      return edge.broker_families();
    else
      return edge.name_families();
  }();
  // This process does not have the role.
  if (families == nullptr) return refuse_code(call, command.code);
  if (!pass_guards(edge, R::meta, call)) return;
  const auto header = wire::decode_header<R>(command);
  if (!header) return call.refuse(header.error());
  if constexpr (Pausable<R>) {
    PauseLane* const pauses = edge.pauses();
    if (pauses != nullptr && pauses->take(call, header->topic, group_of(*header))) return;
  }
  constexpr std::size_t kIndex = [] {
    if constexpr (kBroker == 1)
      return index_serving<R>(static_cast<BrokerTuple*>(nullptr));
    else
      return index_serving<R>(static_cast<NameTuple*>(nullptr));
  }();
  std::get<kIndex>(families->all).handle(std::move(call), Request<R>{*header, command, connection});
}

using Entry = void (*)(LoopEdge&, Call, const wire::Command&, net::Connection&);

template <class... R>
constexpr std::array<Entry, sizeof...(R)> table_of(wire::RequestList<R...>) {
  return {&run<R>...};
}

// By RequestEntry::index.
constexpr auto kTable = table_of(wire::AllRequests{});

}  // namespace

void dispatch(LoopEdge& edge, Session& session, const wire::Command& command) {
  session.call_began();
  const wire::RequestEntry* entry = wire::find_request(command.kind, command.code);
  const std::size_t metric = entry != nullptr && entry->service == wire::Service::kServed
                                 ? std::size_t{entry->index}
                                 : EdgeMetrics::kNotServed;
  edge.metrics().called(metric);
  Call call(edge, session.connection().ref(), command, metric);
  if (entry == nullptr) return refuse_code(call, command.code);
  if (entry->service != wire::Service::kServed) {
    return call.refuse(wire::ResponseCode::kRequestCodeNotSupported,
                       " request type " + std::to_string(entry->meta.code) + " not supported" +
                           (entry->reason.empty() ? "" : ": " + std::string(entry->reason)));
  }
  kTable[entry->index](edge, std::move(call), command, session.connection());
}

void redispatch(LoopEdge& edge, Call call, Session& session, const wire::Command& command) {
  const wire::RequestEntry* entry = wire::find_request(command.kind, command.code);
  ONCE_CHECK(entry != nullptr && entry->service == wire::Service::kServed);
  kTable[entry->index](edge, std::move(call), command, session.connection());
}

}  // namespace oncemq::front
