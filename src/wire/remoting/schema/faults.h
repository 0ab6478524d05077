#pragma once

#include <cstdint>
#include <string_view>

#include "wire/remoting/schema.h"

// Faults on purpose (docs/faults.md): requests of ours, which Apache's brokers do not know. Refused
// unless the broker was started with --allow-faults.
namespace oncemq::wire {

struct AddFault {
  static constexpr RequestMeta meta{.code = 31041,
                                    .name = "ADD_FAULT",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  struct Header {
    std::string_view fault;  // "lose-ack"
    std::string_view topic;
    std::string_view group;        // empty: any
    std::string_view probability;  // "0.5"; empty: 1
    std::int64_t count = 0;        // 0: no end
    std::int64_t for_ms = 0;       // 0: no end

    static constexpr auto fields = fields_of(
        field("fault", &Header::fault, kRequired), field("topic", &Header::topic, kRequired),
        field("group", &Header::group), field("probability", &Header::probability),
        field("count", &Header::count), field("forMs", &Header::for_ms));
  };
  struct Reply {
    std::int64_t id = 0;

    static constexpr auto fields = fields_of(field("id", &Reply::id, kRequired));
  };
};

// Body of the answer: FaultList (body/faults.h).
struct ListFaults {
  static constexpr RequestMeta meta{.code = 31042,
                                    .name = "LIST_FAULTS",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct ClearFaults {
  static constexpr RequestMeta meta{.code = 31043,
                                    .name = "CLEAR_FAULTS",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  struct Header {
    std::int64_t id = 0;  // 0: all

    static constexpr auto fields = fields_of(field("id", &Header::id));
  };
  struct Reply {
    std::int64_t cleared = 0;

    static constexpr auto fields = fields_of(field("cleared", &Reply::cleared, kRequired));
  };
};

using FaultRequests = RequestList<AddFault, ListFaults, ClearFaults>;

}  // namespace oncemq::wire
