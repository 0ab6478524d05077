#include <charconv>
#include <span>

#include "broker/sender.h"
#include "model/properties.h"
#include "model/record_codec.h"

// What a Sender does with messages of idempotent topics.
namespace oncemq::broker {

namespace {

using Decision = Claim::Decision;

constexpr std::string_view kStoredNow = "the same message is being stored right now, send again";

Error conflict(const Claim& claim) {
  return {Errc::kKeyConflict, "another message with the key " + std::string(claim.key) +
                                  " was stored before, and topic " + std::string(claim.topic) +
                                  " refuses that"};
}

}  // namespace

Status Sender::claim(const TopicEntry& topic, std::string_view unique_key,
                     std::string_view properties, Bytes body, SendBatch& batch,
                     SendBatch::Request& row) {
  ONCE_TRY(idempotence_.add(topic, unique_key, properties, body,
                            {.request = batch.requests_.size(),
                             .item = batch.items_.size() - 1,
                             .queue_id = row.queue_id},
                            batch.claims_));
  row.claims = static_cast<std::uint32_t>(batch.claims_.size()) - row.first_claim;
  return {};
}

void Sender::leave_out(SendBatch& batch) {
  if (batch.claims_.empty()) return;
  idempotence_.decide(batch.claims_);
  for (SendBatch::Request& row : batch.requests_)
    if (row.claims != 0) leave_out(batch, row);
}

// In the order of the requests, so that what `row` has in common with an earlier one is known.
void Sender::leave_out(SendBatch& batch, SendBatch::Request& row) {
  for (std::size_t i = row.first_claim; i < row.first_claim + row.claims; ++i) {
    const Claim& claim = batch.claims_[i];
    store::AppendItem& item = batch.items_[claim.item];
    const bool first = claim.item == row.first;
    switch (claim.decision) {
      case Decision::kStore:
      case Decision::kStoreAgain:
        continue;
      case Decision::kLeaveOut:
        item.result = {.log_offset = claim.original.log_offset,
                       .queue_offset = claim.original.queue_offset,
                       .store_timestamp = claim.original.time_ms,
                       .size = claim.original.size};
        if (first) row.original_queue = claim.original.queue_id;
        if (row.timer_out_ms > 0)
          row.timer_out_ms = original_timer(claim.original, row.timer_out_ms);
        break;
      case Decision::kSameAs: {
        const Claim& same = batch.claims_[claim.same_as];
        if (first) row.original_queue = same.queue_id;
        if (row.timer_out_ms > 0) row.timer_out_ms = batch.requests_[same.request].timer_out_ms;
        if (batch.requests_[same.request].error)
          row.error = Error{Errc::kBusy, std::string(kStoredNow)};
        break;
      }
      case Decision::kTryAgain:
        row.error = Error{Errc::kBusy, std::string(kStoredNow)};
        break;
      case Decision::kRefuse:
        row.error = conflict(claim);
        break;
    }
    item.queue = nullptr;
    ++row.duplicates;
    batch.has_gaps_ = true;
  }
  // All or none.
  if (!row.error) return;
  for (store::AppendItem& item : std::span(batch.items_).subspan(row.first, row.count))
    item.queue = nullptr;
}

// A delay begins anew with each send, so only the first record knows when it ends.
std::int64_t Sender::original_timer(const dedup::Original& original, std::int64_t otherwise) const {
  const auto span = store_.read_record(original.log_offset);
  if (!span) return otherwise;
  const auto decoded = model::decode_record(span->bytes, model::Verify::kNone);
  if (!decoded) return otherwise;
  const auto text =
      model::find_property(decoded->record.properties, model::property::kTimerOutMs).value_or("");
  std::int64_t out_ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out_ms);
  return error == std::errc{} && out_ms > 0 ? out_ms : otherwise;
}

// Results of the messages that are the same as earlier ones of the batch, as far as those have one.
void Sender::take_results(SendBatch& batch, SendBatch::Request& row) {
  for (std::size_t i = row.first_claim; i < row.first_claim + row.claims; ++i) {
    const Claim& claim = batch.claims_[i];
    if (claim.decision != Decision::kSameAs) continue;
    const Claim& same = batch.claims_[claim.same_as];
    batch.items_[claim.item].result = batch.items_[same.item].result;
    if (batch.requests_[same.request].error)
      row.error = Error{Errc::kBusy, std::string(kStoredNow)};
  }
}

// All of them when nothing is left out, which costs no copy.
Result<store::AppendedOffset> Sender::append(SendBatch& batch, std::span<store::AppendItem> items) {
  if (!batch.has_gaps_) return store_.append(items);
  batch.kept_.clear();
  for (const store::AppendItem& item : items)
    if (item.queue != nullptr) batch.kept_.push_back(item);
  if (batch.kept_.empty()) return store_.marks().appended();
  auto end = store_.append(batch.kept_);
  if (!end) return end;
  auto stored = batch.kept_.begin();
  for (store::AppendItem& item : items)
    if (item.queue != nullptr) item.result = (stored++)->result;
  return end;
}

void Sender::settle_claims(SendBatch& batch) {
  if (batch.claims_.empty()) return;
  for (std::size_t i = 0; i < batch.claims_.size(); ++i) {
    Claim& claim = batch.claims_[i];
    if (!batch.requests_[claim.request].error)
      claim.stored = Idempotence::original(batch.items_[claim.item].result, claim.queue_id);
  }
  idempotence_.settle(batch.claims_);
}

}  // namespace oncemq::broker
