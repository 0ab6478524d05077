#pragma once

#include <cstdint>
#include <string_view>

#include "broker/send_batch.h"

namespace oncemq::broker {

// What one walk over a message's properties tells. Views into the properties. Thread rule:
// immutable value.
struct SendProperties {
  std::string_view tags;
  std::string_view unique_key;
  std::string_view delay_level;  // as written, empty when absent
  std::string_view real_topic;
  bool wait = true;                   // WAIT is not "false"
  bool half = false;                  // TRAN_MSG is "true"
  std::string_view timer_delay_sec;   // as written, empty when absent
  std::string_view timer_delay_ms;    // the same
  std::string_view timer_deliver_ms;  // the same
  bool timer = false;                 // any of the three
  bool timer_out = false;             // TIMER_OUT_MS: was a timer in an earlier life
  bool timer_delete = false;          // TIMER_DEL_UNIQKEY: wants to recall another message
  bool has_wait = false;
  bool has_broker_pairs = false;   // MSG_REGION, TRACE_ON, CLUSTER: from an earlier life
  bool has_foreign_pairs = false;  // POP_CK, __CRC32#, ONCE_*: must not be stored as sent
  bool has_real_pairs = false;     // REAL_TOPIC, REAL_QID

  // DELAY as a number; 0 when absent or no number.
  std::int32_t level() const;
};

SendProperties scan_properties(std::string_view properties);

// Kinds of pairs that copy_without leaves out.
struct DropPairs {
  bool broker = false;   // MSG_REGION, TRACE_ON, CLUSTER
  bool foreign = false;  // POP_CK, __CRC32#, ONCE_DUE_MS, ONCE_TIMER, ONCE_DELAY
  bool real = false;     // REAL_TOPIC, REAL_QID
  bool delay = false;    // DELAY
  bool wait = false;     // WAIT
  bool timer = false;    // TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS
  bool rolls = false;    // TIMER_ROLL_TIMES
};

// The properties without those pairs, in the arena.
std::string_view copy_without(std::string_view properties, const DropPairs& drop, Arena& arena);

// Writes `name 0x01 value 0x02`, returns the end.
char* put_pair(char* to, std::string_view name, std::string_view value);
constexpr std::size_t pair_size(std::string_view name, std::string_view value) {
  return name.size() + value.size() + 2;
}

}  // namespace oncemq::broker
