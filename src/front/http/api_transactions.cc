// Half messages and timers: what is stored and not visible yet.
#include <algorithm>
#include <utility>

#include "front/http/api_question.h"
#include "front/http/message_json.h"
#include "front/http/transaction_lookup.h"

namespace oncemq::front {
namespace {

Result<Json> transactions(const ApiContext& context, const ApiQuestion& question) {
  const auto limit = question.limit();
  if (!limit) return fail(limit.error());
  const auto from = question.number("from", 0, 0, INT64_MAX);
  if (!from) return fail(from.error());
  const auto discarded = question.text("discarded");
  if (!discarded) return fail(discarded.error());
  broker::Transactions& transactions = context.parts.broker->transactions();
  if (!transactions.ready()) return fail(Errc::kNotReady, "the broker is starting or stopping");
  const auto max = static_cast<std::size_t>(*limit);
  const broker::TransactionListing::Page page = *discarded == "true"
                                                    ? transactions.listing().discarded(*from, max)
                                                    : transactions.listing().open(*from, max);
  Json list = Json::array();
  for (const broker::TransactionView& view : page.rows) list.push(transaction_json(view));
  Json json = Json::object().set("transactions", std::move(list)).set("more", page.next >= 0);
  if (page.next >= 0) json.set("next", page.next);
  return json;
}

Result<Json> transaction(const ApiContext& context, const ApiQuestion& question) {
  const auto view = find_transaction(*context.parts.broker, question.path[1]);
  if (!view) return fail(view.error());
  const auto body = question.text("body");
  if (!body) return fail(body.error());
  Json json = transaction_json(*view);
  const auto span = context.parts.broker->query().by_offset({view->log_offset});
  if (!span) return json;
  const auto decoded = model::decode_record(span->bytes, model::Verify::kBody);
  if (decoded && decoded->kind == model::RecordKind::kMessage)
    json.set("message", message_json(decoded->record, *body == "true"));
  return json;
}

Result<Json> timers(const ApiContext& context, const ApiQuestion&) {
  const broker::Timers::Figures figures = context.parts.broker->timers().figures();
  Json json = Json::object();
  json.set("waiting", figures.waiting);
  json.set("notYetRead", figures.offset_behind);
  json.set("lateMs", figures.read_behind_ms);
  if (figures.next_due_ms >= 0) {
    json.set("nextDueMs", figures.next_due_ms);
    json.set("nextDueExact", figures.next_due_exact);
  }
  json.set("storedPerSecond", figures.enqueue_rate);
  json.set("deliveredPerSecond", figures.deliver_rate);
  return json;
}

constexpr ApiRoute kRoutes[] = {
    {"transactions", transactions,
     "half messages without a verdict; ?from= (\"next\" of the answer before) ?limit= "
     "?discarded=true"},
    {"transactions/{}", transaction,
     "one, by half-queue offset, message id or transaction id; ?body=true"},
    {"timers", timers,
     "messages that wait for their time: how many, when the next is due (exact, or the hour that "
     "it is due in), how far behind"},
};

}  // namespace

std::span<const ApiRoute> api_transaction_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
