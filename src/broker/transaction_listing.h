#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/transaction_index.h"
#include "broker/transaction_records.h"
#include "store/message_store.h"

namespace oncemq::broker {

// One half message as an operator sees it.
struct TransactionView {
  std::int64_t half = -1;  // -1: discarded by an Apache broker, which does not say
  TransactionState state = TransactionState::kOpen;
  std::int32_t checks = 0;
  std::int64_t log_offset = 0;  // of the half message, or of its copy among the discarded
  std::string message_id;       // offset id of that record
  std::string transaction_id;
  std::string group;
  std::string topic;
  std::int32_t queue_id = 0;
  std::string keys;
  std::int64_t born_ms = 0;
  std::int64_t store_ms = 0;
  std::int64_t body_size = 0;
};

// Half messages without verdict, for operators. Reads as much of the log as it has rows, and all of
// the discarded ones. Thread rule: monitor, as the index is.
class TransactionListing {
 public:
  struct Page {
    std::vector<TransactionView> rows;
    std::int64_t next = -1;  // to go on from; -1: that was all
  };

  TransactionListing(TransactionIndex& index, store::MessageStore& store)
      : index_(index), store_(store) {}

  // Open ones from a half-queue offset on.
  Page open(std::int64_t from, std::size_t max);
  // Undecided ones among the discarded, from an offset of their topic's queue on.
  Page discarded(std::int64_t from, std::size_t max);
  // The one whose record this is, of the half queue or of the discarded, and how it stands; a
  // decided one too. kMessageNotFound: it is neither. kIo, kCorrupt.
  Result<TransactionView> one(const model::RecordView& record);
  // The copy of a half message among the discarded, which lives longer. kMessageNotFound.
  Result<store::LogSpan> discarded_copy(std::int64_t half);
  // What a discarded one was in the half queue; -1 when its record does not say.
  std::int64_t origin_of(const HalfMessage& discarded) const;

 private:
  TransactionIndex& index_;
  store::MessageStore& store_;
};

}  // namespace oncemq::broker
