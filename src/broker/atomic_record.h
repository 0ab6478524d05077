#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/popper.h"
#include "model/message.h"
#include "store/message_store.h"

namespace oncemq::broker {

// A queue of a pulling group goes on elsewhere, if it is where `from` says or has no offset.
struct OffsetMove {
  std::string_view group;
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int64_t from = -1;  // in a record: -1: it had none
  std::int64_t to = 0;

  bool operator==(const OffsetMove&) const = default;
};

// A transaction as it stands in the body of a message of model::topic::kAtomicLog
// (docs/atomic-commits.md): what decides, and what a crash may have cut off behind it. Views into
// the body.
struct AtomicRecord {
  // Of each kind.
  static constexpr std::size_t kPartsMax = 1024;
  static constexpr std::size_t kIdMax = 64;

  std::string_view id;
  std::vector<PopHandle> acks;
  std::vector<OffsetMove> moves;
  std::vector<model::Message> messages;  // for the queues that they name
};

std::string write_atomic_record(std::string_view id, std::span<const PopHandle> acks,
                                std::span<const OffsetMove> moves,
                                std::span<const store::AppendItem> messages);
// kBadBytes.
Result<AtomicRecord> read_atomic_record(Bytes body);

}  // namespace oncemq::broker
