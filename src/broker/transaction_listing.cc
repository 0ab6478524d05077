#include "broker/transaction_listing.h"

#include <algorithm>
#include <utility>

#include "broker/transaction_reads.h"
#include "model/message_id.h"
#include "model/properties.h"

namespace oncemq::broker {

namespace property = model::property;

namespace {

TransactionView view_of(const HalfMessage& half) {
  const model::RecordView& record = half.record;
  TransactionView view;
  view.half = record.queue_offset.value;
  view.checks = half.checks;
  view.log_offset = record.log_offset.value;
  view.message_id = model::offset_message_id(record.store_host, record.log_offset);
  view.transaction_id = half.transaction_id;
  view.group = half.group;
  view.topic = half.topic;
  view.queue_id = half.queue_id;
  view.keys = model::find_property(record.properties, property::kKeys).value_or("");
  view.born_ms = record.born_timestamp;
  view.store_ms = record.store_timestamp;
  view.body_size = static_cast<std::int64_t>(record.body.size());
  return view;
}

}  // namespace

std::int64_t TransactionListing::origin_of(const HalfMessage& discarded) const {
  return discarded.origin < index_.half_queue().max().value ? discarded.origin : -1;
}

TransactionListing::Page TransactionListing::open(std::int64_t from, std::size_t max) {
  Page page;
  for (std::int64_t half = index_.next_open(from); half < index_.half_queue().max().value;
       half = index_.next_open(half + 1)) {
    if (page.rows.size() == max) {
      page.next = half;
      break;
    }
    auto span = index_.half_record(half);
    if (!span.has_value()) continue;
    auto record = message_of(*span);
    if (!record.has_value()) continue;
    const auto message = read_half(*record);
    if (!message.has_value()) continue;
    page.rows.push_back(view_of(*message));
    page.rows.back().checks = index_.checks(half);
  }
  return page;
}

TransactionListing::Page TransactionListing::discarded(std::int64_t from, std::size_t max) {
  Page page;
  store::ConsumeQueue* queue = store_.find_queue(model::topic::kTransCheckMax, 0);
  if (queue == nullptr) return page;
  std::int64_t at = std::max(from, queue->min().value);
  while (at < queue->max().value && page.next < 0) {
    const store::ReadResult read = store_.read(read_from(queue, at));
    if (read.status != store::ReadStatus::kFound) {
      if (read.next.value <= at) break;
      at = read.next.value;
      continue;
    }
    for_each_message(read, [&](const model::RecordView& record) {
      if (page.rows.size() == max) {
        page.next = record.queue_offset.value;
        return false;
      }
      const auto half = read_half(record);
      if (!half.has_value()) return true;
      const std::int64_t offset = origin_of(*half);
      if (offset >= 0) {
        const auto now = index_.state(offset);
        if (now.has_value() && *now != TransactionState::kDiscarded) return true;
      }
      page.rows.push_back(view_of(*half));
      page.rows.back().half = offset;
      page.rows.back().state = TransactionState::kDiscarded;
      return true;
    });
    at = read.next.value;
  }
  return page;
}

Result<TransactionView> TransactionListing::one(const model::RecordView& record) {
  const bool discarded = record.topic == model::topic::kTransCheckMax;
  const auto half = read_half(record);
  if ((record.topic != model::topic::kHalf && !discarded) || !half.has_value())
    return fail(Errc::kMessageNotFound, "that is no half message");
  TransactionView view = view_of(*half);
  view.state = TransactionState::kDiscarded;
  if (discarded) view.half = origin_of(*half);
  if (view.half < 0) return view;
  const auto state = index_.state(view.half);
  if (!state.has_value()) return fail(state.error());
  view.state = *state;
  if (*state == TransactionState::kOpen) view.checks = index_.checks(view.half);
  return view;
}

Result<store::LogSpan> TransactionListing::discarded_copy(std::int64_t half) {
  for (std::int64_t from = 0; from >= 0;) {
    const Page page = discarded(from, 256);
    for (const TransactionView& row : page.rows)
      if (row.half == half) return store_.read_record({row.log_offset});
    from = page.next;
  }
  return fail(Errc::kMessageNotFound, "there is no half message " + std::to_string(half));
}

}  // namespace oncemq::broker
