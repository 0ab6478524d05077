#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/record_codec.h"
#include "model/subscription.h"
#include "oncemq/message.h"

namespace oncemq::sdk {

// A message that was pulled. Thread rule: external.
struct Taken {
  Delivery delivery;
  std::int64_t log_offset = 0;  // at its broker
  std::size_t bytes = 0;        // that it occupies here, about
  bool readable = true;         // false: the body is there as it was compressed
};

// Bodies that were compressed get at most this long: what a broker takes, a hundredfold.
inline constexpr std::size_t kUnpackedMax = 400U << 20;

// `take` gets each message of an answer in turn; views into `records`. kBadBytes | kCorrupt.
oncemq::Status each_record(Bytes records,
                           const std::function<void(const model::RecordView&)>& take);
// Brokers compare hashes of tags; whether the tag is one that was asked for.
bool is_wanted(const model::RecordView& record, const model::Subscription& subscription);
Taken taken_of(const model::RecordView& record, const Queue& queue);

// The records of a pull answer, in their order; those whose tag the subscription does not name are
// left out. kBadBytes | kCorrupt.
oncemq::Result<std::vector<Taken>> read_records(Bytes records, const Queue& queue,
                                                const model::Subscription& subscription);

}  // namespace oncemq::sdk
