#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// LIST_FAULTS (31042).
namespace oncemq::wire {

struct FaultRow {
  std::int64_t id = 0;
  std::string fault;  // "lose-ack"
  std::string topic;
  std::string group;  // empty: any
  double probability = 1;
  std::int64_t count = 0;    // 0: no end
  std::int64_t struck = 0;   // how often so far
  std::int64_t left_ms = 0;  // 0: no end, or over
  std::string state;         // "active", "count reached", "time over", "cleared"
  std::string sentence;      // what it does

  static constexpr auto members = json_members(
      json_member("count", &FaultRow::count), json_member("fault", &FaultRow::fault),
      json_member("group", &FaultRow::group), json_member("id", &FaultRow::id),
      json_member("leftMs", &FaultRow::left_ms), json_member("probability", &FaultRow::probability),
      json_member("sentence", &FaultRow::sentence), json_member("state", &FaultRow::state),
      json_member("struck", &FaultRow::struck), json_member("topic", &FaultRow::topic));
};

struct FaultList {
  std::vector<FaultRow> faults;  // oldest first

  static constexpr auto members = json_members(json_member("faults", &FaultList::faults));
};

}  // namespace oncemq::wire
