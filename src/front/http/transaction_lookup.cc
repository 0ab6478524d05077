#include "front/http/transaction_lookup.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "broker/transaction_reads.h"
#include "model/message_id.h"
#include "model/topic.h"

namespace oncemq::front {
namespace {

using broker::TransactionState;
using broker::TransactionView;

// A digit more does not fit a queue offset; ids of messages are longer.
constexpr std::size_t kOffsetDigits = 18;

Result<TransactionView> of_span(broker::TransactionListing& listing,
                                const Result<store::LogSpan>& span) {
  if (!span) return fail(span.error());
  const auto record = broker::message_of(*span);
  if (!record) return fail(record.error());
  return listing.one(*record);
}

bool is_undecided(const TransactionView& view) {
  return view.state == TransactionState::kOpen || view.state == TransactionState::kDiscarded;
}

std::string_view state_name(TransactionState state) {
  switch (state) {
    case TransactionState::kOpen:
      return "open";
    case TransactionState::kCommitted:
      return "committed";
    case TransactionState::kRolledBack:
      return "rolledBack";
    case TransactionState::kDiscarded:
      return "discarded";
    case TransactionState::kResumed:
      return "resumed";
    case TransactionState::kDone:
      return "done";
  }
  return {};
}

Error nothing(std::string_view name) {
  return {Errc::kMessageNotFound, "no transaction is called " + std::string(name)};
}

// By UNIQ_KEY, among the half messages and the discarded.
Result<TransactionView> by_key(broker::Broker& broker, std::string_view name) {
  broker::TransactionListing& listing = broker.transactions().listing();
  std::vector<TransactionView> found;
  for (const std::string_view topic : {model::topic::kHalf, model::topic::kTransCheckMax}) {
    const auto records = broker.query().by_key(
        {.topic = topic, .key = name, .begin_ms = 0, .end_ms = INT64_MAX, .unique = true});
    if (!records) continue;
    for (const store::LogSpan& span : records->records) {
      auto view = of_span(listing, span);
      if (!view || view->transaction_id != name) continue;
      // The copy of one that is there already says nothing new.
      if (view->half >= 0 && std::ranges::any_of(found, [&](const TransactionView& seen) {
            return seen.half == view->half;
          }))
        continue;
      found.push_back(std::move(*view));
    }
  }
  if (found.empty()) return fail(nothing(name));
  const auto undecided = std::ranges::count_if(found, is_undecided);
  if (undecided > 1)
    return fail(Errc::kInvalidArgument,
                std::to_string(undecided) + " transactions are called " + std::string(name) +
                    ": name one by its half-queue offset, GET /api/v1/transactions shows them");
  const auto chosen = std::ranges::find_if(found, is_undecided);
  return std::move(chosen == found.end() ? found.front() : *chosen);
}

}  // namespace

Result<TransactionView> find_transaction(broker::Broker& broker, std::string_view name) {
  if (!broker.transactions().ready())
    return fail(Errc::kNotReady, "the broker is starting or stopping");
  broker::TransactionListing& listing = broker.transactions().listing();
  std::int64_t half = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), half);
  if (error == std::errc{} && end == name.data() + name.size() && half >= 0 &&
      name.size() <= kOffsetDigits) {
    auto view = of_span(listing, broker.transactions().index().half_record(half));
    if (!view) view = of_span(listing, listing.discarded_copy(half));
    if (!view) return fail(nothing(name));
    return view;
  }
  // Ids of both kinds may look the same: an offset id is one when a half message begins there.
  if (const auto id = model::parse_offset_message_id(name))
    if (auto view = of_span(listing, broker.query().by_offset(id->offset));
        view && view->message_id == name)
      return view;
  return by_key(broker, name);
}

Json transaction_json(const TransactionView& view) {
  Json json = Json::object();
  json.set("transactionId", view.transaction_id);
  json.set("state", state_name(view.state));
  if (view.half >= 0) json.set("halfOffset", view.half);
  json.set("messageId", view.message_id);
  json.set("group", view.group);
  json.set("topic", view.topic);
  json.set("queueId", view.queue_id);
  if (!view.keys.empty()) json.set("keys", view.keys);
  json.set("checks", view.checks);
  json.set("bornMs", view.born_ms);
  json.set("storedMs", view.store_ms);
  json.set("bodyBytes", view.body_size);
  return json;
}

}  // namespace oncemq::front
