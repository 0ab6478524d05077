#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace oncemq {

// Every "no" that the layers below the protocol edges can give. Domain words, not wire codes: each
// protocol edge maps them in one switch without `default`.
enum class Errc : std::uint8_t {
  kInternal,             // our side failed in a way the caller cannot mend
  kBusy,                 // try again: a bound is reached
  kBadBytes,             // input does not parse
  kInvalidArgument,      // parses, but is out of range or contradicts itself
  kNotSupported,         // known and deliberately not served
  kNoPermission,         // broker, topic or group forbids it
  kTopicNotFound,        //
  kTopicExists,          //
  kGroupNotFound,        //
  kMessageIllegal,       // body, topic or properties outside the limits
  kMessageNotFound,      // no record at that offset / for that key
  kOffsetNotFound,       // no committed offset
  kSubscriptionBroken,   // expression does not parse
  kSubscriptionMissing,  // group does not subscribe to the topic
  kSubscriptionStale,    // the broker's view is older than the client's
  kFilterMissing,        // compiled filter is not there
  kFilterStale,          // compiled filter is older than the client's
  kConsumerOffline,      // nobody of the group is connected
  kClientTimeout,        // a connected client did not answer in time
  kBroadcastGroup,       // not possible for a broadcasting group
  kNotReady,             // starting or stopping
  kNotWritable,          // store refuses writes: disk full, stopped after an error, replica
  kFlushTimeout,         // stored, but not durable within the promised time
  kReplicaTimeout,       // stored, but not replicated within the promised time
  kReplicaMissing,       // stored, but there is no replica to wait for
  kNotFound,             // file, key or other named thing
  kInUse,                // somebody else holds it
  kNoSpace,              // ENOSPC, EDQUOT
  kIo,                   // any other failure of the disk
  kCorrupt,              // bytes on disk are not what was written
  kKeyConflict,          // the idempotency key is known with another message
  kFenced,               // somebody else has the work by now
};

// Stable short name of a code, for logs and metrics ("topic_not_found").
std::string_view errc_name(Errc code);

struct Error {
  Errc code = Errc::kInternal;
  std::string message;  // a sentence for the person who can mend it; no trailing full stop
};

// Value or Error. Thread rule: external, like any value.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

// `return fail(Errc::kBusy, "too many parked pulls");`
[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// Evaluates an expression of type Result<T>/Status; returns its error from the current function.
#define ONCE_TRY(expression)                                               \
  do {                                                                     \
    if (auto once_try_result = (expression); !once_try_result.has_value()) \
      return ::oncemq::fail(std::move(once_try_result.error()));           \
  } while (false)

}  // namespace oncemq
