// What becomes of dead letters: what our request for the order of one does, for several.
#include <algorithm>
#include <utility>

#include "front/http/api_order.h"
#include "front/http/letter_choice.h"
#include "model/message_id.h"
#include "model/topic.h"

namespace oncemq::front {
namespace {

Json mark_json(Json row, const broker::LetterMark& mark, const Address& host) {
  row.set("order", broker::order_text(mark.order)).set("by", mark.by).set("atMs", mark.time_ms);
  if (mark.copy.value >= 0) row.set("copy", model::offset_message_id(host, mark.copy));
  return row;
}

// What a dry run finds out about one letter.
Result<Json> look(const ApiContext& context, const std::string& group, const ChosenLetter& wanted) {
  broker::Broker& broker = *context.parts.broker;
  const auto span = broker.query().by_offset(wanted.letter);
  if (!span) return fail(span.error());
  const auto decoded = model::decode_record(span->bytes, model::Verify::kBody);
  if (!decoded) return fail(decoded.error());
  if (decoded->kind != model::RecordKind::kMessage ||
      decoded->record.topic != model::topic::dlq_topic(group))
    return fail(Errc::kMessageNotFound, "no dead letter of group " + group + " at that offset");
  const auto mark = broker.dead_letters().mark_of(wanted.letter);
  if (!mark) return fail(mark.error());
  Json row = Json::object().set("id", wanted.id).set("already", mark->has_value());
  return *mark ? mark_json(std::move(row), **mark, context.parts.options->address) : row;
}

// One refusal does not stop the others: the next run of the same order would find them done.
Result<ApiDone> order_all(const ApiContext& context, const ApiOrder& order,
                          const LetterChoice& choice, broker::LetterOrder what,
                          const std::string& by) {
  const auto chosen = choice.choose(context, order.path[1]);
  if (!chosen) return fail(chosen.error());
  ApiDone done{.json = {}, .when = ApiDone::When::kCommitted};
  Json rows = Json::array();
  std::int64_t refused = 0;
  std::optional<Error> first;
  for (const ChosenLetter& wanted : chosen->letters) {
    Result<Json> row = Json();
    if (order.dry_run) {
      row = look(context, order.path[1], wanted);
    } else {
      const auto outcome = context.parts.broker->dead_letters().order(
          {.group = order.path[1], .letter = wanted.letter, .order = what, .by = by});
      if (outcome) {
        // That of an earlier order may not be committed yet either.
        done.end =
            std::max(done.end, outcome->already ? context.parts.store->marks().appended().value
                                                : outcome->end.value);
        row = mark_json(Json::object().set("id", wanted.id).set("already", outcome->already),
                        outcome->mark, context.parts.options->address);
      } else {
        row = fail(outcome.error());
      }
    }
    if (!row) {
      ++refused;
      if (!first) first = row.error();
      rows.push(Json::object()
                    .set("id", wanted.id)
                    .set("error", Json::object()
                                      .set("code", errc_name(row.error().code))
                                      .set("message", row.error().message)));
      continue;
    }
    rows.push(std::move(*row));
  }
  if (refused > 0 && refused == std::ssize(chosen->letters)) return fail(std::move(*first));
  Json json = Json::object()
                  .set("group", order.path[1])
                  .set("letters", std::move(rows))
                  .set("refused", refused);
  if (chosen->next) json.set("next", *chosen->next);
  done.json = order_json(order, std::move(json));
  return done;
}

Result<ApiDone> replay(const ApiContext& context, ApiOrder& order) {
  const LetterChoice letters(order.body);
  const std::string to = order.body.text("to").value_or("group");
  const std::string by = order.body.text("by").value_or(order.by);
  if (to != "group" && to != "topic") order.body.refuse("to", "is group or topic");
  ONCE_TRY(order.body.finish());
  return order_all(
      context, order, letters,
      to == "topic" ? broker::LetterOrder::kReplayToTopic : broker::LetterOrder::kReplayToGroup,
      by);
}

Result<ApiDone> purge(const ApiContext& context, ApiOrder& order) {
  const LetterChoice letters(order.body);
  const std::string by = order.body.text("by").value_or(order.by);
  ONCE_TRY(order.body.finish());
  return order_all(context, order, letters, broker::LetterOrder::kPurge, by);
}

constexpr ApiOrderRoute kRoutes[] = {
    {HttpMethod::kPost, "dlq/{}/replay", replay,
     "gives letters back, each once; to (group or topic), by; which: ids, key, topic, tags, "
     "properties, where, beginMs, endMs, from, limit (64)"},
    {HttpMethod::kPost, "dlq/{}/purge", purge,
     "marks letters as dealt with; by; which: as for replay"},
};

}  // namespace

std::span<const ApiOrderRoute> dead_letter_order_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
