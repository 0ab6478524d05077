// Verdicts of an operator: what our request to decide a transaction and request 323 do.
#include <utility>

#include "broker/transaction_reads.h"
#include "front/http/api_order.h"
#include "front/http/transaction_lookup.h"

namespace oncemq::front {
namespace {

using broker::TransactionState;
using broker::TransactionView;

Result<ApiDone> finish(const ApiContext& context, const ApiOrder& order,
                       const TransactionView& view, const Result<std::size_t>& staged,
                       broker::TransactionBatch& batch) {
  if (!staged) return fail(staged.error());
  context.parts.broker->transactions().commit(batch);
  const auto& outcome = batch.outcome(*staged);
  // The one contradiction that a commit finds: another verdict stands. Nobody is told so before
  // that one is committed.
  const bool contradicts = outcome.error && outcome.error->code == Errc::kInvalidArgument;
  if (outcome.error && !contradicts) return fail(*outcome.error);
  ApiDone done{.json = order_json(order, Json::object().set("transaction", transaction_json(view))),
               .when = ApiDone::When::kCommitted,
               .end = outcome.end.value};
  if (contradicts) done.refusal = Error{Errc::kInUse, outcome.error->message};
  return done;
}

Result<ApiDone> decide(const ApiContext& context, ApiOrder& order, broker::Verdict verdict) {
  ONCE_TRY(order.body.finish());
  auto view = find_transaction(*context.parts.broker, order.path[1]);
  if (!view) return fail(std::move(view.error()));
  if (view->half < 0)
    return fail(Errc::kInUse,
                "an earlier broker discarded it without saying what it was: resume it");
  const TransactionState wanted = verdict == broker::Verdict::kCommit
                                      ? TransactionState::kCommitted
                                      : TransactionState::kRolledBack;
  if (order.dry_run) {
    if (view->state != TransactionState::kOpen && view->state != TransactionState::kDiscarded &&
        view->state != wanted)
      return fail(Errc::kInUse, "the transaction has another verdict already");
    return ApiDone{
        .json = order_json(order, Json::object().set("transaction", transaction_json(*view)))};
  }
  broker::TransactionBatch batch;
  const auto staged = context.parts.broker->transactions().stage(view->half, verdict, batch);
  view->state = wanted;
  return finish(context, order, *view, staged, batch);
}

Result<ApiDone> commit(const ApiContext& context, ApiOrder& order) {
  return decide(context, order, broker::Verdict::kCommit);
}

Result<ApiDone> rollback(const ApiContext& context, ApiOrder& order) {
  return decide(context, order, broker::Verdict::kRollback);
}

Result<ApiDone> resume(const ApiContext& context, ApiOrder& order) {
  ONCE_TRY(order.body.finish());
  broker::Broker& broker = *context.parts.broker;
  auto view = find_transaction(broker, order.path[1]);
  if (!view) return fail(std::move(view.error()));
  if (view->state == TransactionState::kOpen)
    return fail(Errc::kInUse, "it is open: its producers are asked anyhow");
  if (order.dry_run) {
    if (view->state != TransactionState::kDiscarded)
      return fail(Errc::kInUse, "the transaction is not among the discarded");
    return ApiDone{
        .json = order_json(order, Json::object().set("transaction", transaction_json(*view)))};
  }
  // It goes on as its copy among the discarded.
  model::LogOffset copy{view->log_offset};
  if (view->half >= 0) {
    const auto span = broker.transactions().listing().discarded_copy(view->half);
    if (!span) return fail(Errc::kInUse, "the transaction is not among the discarded");
    const auto record = broker::message_of(*span);
    if (!record) return fail(record.error());
    copy = record->log_offset;
  }
  broker::TransactionBatch batch;
  const auto staged = broker.transactions().stage_resume(copy, batch);
  view->state = TransactionState::kResumed;
  return finish(context, order, *view, staged, batch);
}

constexpr ApiOrderRoute kRoutes[] = {
    {HttpMethod::kPost, "transactions/{}/commit", commit, "makes its message visible; final"},
    {HttpMethod::kPost, "transactions/{}/rollback", rollback, "never shows its message; final"},
    {HttpMethod::kPost, "transactions/{}/resume", resume,
     "asks the producers of a discarded one again"},
};

}  // namespace

std::span<const ApiOrderRoute> transaction_order_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
