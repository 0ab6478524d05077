#include "front/remoting/transactions.h"

#include <algorithm>
#include <utility>

#include "front/remoting/loop_edge.h"
#include "model/message_id.h"
#include "wire/remoting/body/body.h"
#include "wire/remoting/body/transactions.h"

namespace oncemq::front {

void TransactionLane::staged(Call call, std::size_t request) {
  staged_.push_back({std::move(call), request});
  if (batch_.bytes() >= kCommitBytes) commit();
}

void TransactionLane::tick_end() {
  if (!staged_.empty()) commit();
  if (!held_.empty()) release();
}

void TransactionLane::commit() {
  broker_.transactions().commit(batch_);
  for (Staged& staged : staged_) {
    const auto& outcome = batch_.outcome(staged.request);
    // The one contradiction that a commit finds: another verdict stands. Nobody is told so before
    // that one is committed.
    const bool contradicts = outcome.error && outcome.error->code == Errc::kInvalidArgument;
    if (outcome.error && !contradicts)
      staged.call.refuse(*outcome.error);
    else if (staged.call.oneway())
      staged.call.abandon();
    else
      held_.push_back({std::move(staged.call), outcome.end.value,
                       contradicts ? outcome.error->message : std::string()});
  }
  staged_.clear();
  batch_.clear();
}

// Announces what is waited for, then looks at the mark again, so that none is missed.
void TransactionLane::release() {
  for (;;) {
    next_.store(held_.empty() ? INT64_MAX : held_.front().end);
    const std::int64_t mark = store_.marks().committed().value;
    if (held_.empty() || held_.front().end > mark) return;
    Held& held = held_.front();
    if (held.refusal.empty())
      held.call.ok();
    else
      held.call.refuse(wire::ResponseCode::kTransactionFailed, held.refusal);
    held_.pop_front();
  }
}

void TransactionLane::committed() {
  if (next_.load() <= store_.marks().committed().value) edge_.loop().wake();
}

void TransactionFamily::handle(Call call, const Request<wire::EndTransactionRequest>& request) {
  const auto& header = request.header;
  if (header.from_check)
    broker_.transaction_checker().answered(header.producer_group, header.half_offset);
  const std::int32_t bits = header.commit_or_rollback;
  // compat: "unknown" and what nobody sends change nothing (upstream EndTransactionProcessor).
  if (bits != model::sysflag::kTransactionCommit && bits != model::sysflag::kTransactionRollback)
    return call.ok();
  const Result<std::size_t> staged = broker_.transactions().stage(
      {.group = header.producer_group,
       .half = {header.half_offset},
       .log = {header.log_offset},
       .message_id = header.message_id,
       .transaction_id = header.transaction_id,
       .verdict = bits == model::sysflag::kTransactionCommit ? broker::Verdict::kCommit
                                                             : broker::Verdict::kRollback},
      lane_.batch());
  if (!staged) {
    // compat: a half message that is not the one that was meant is a system error.
    if (staged.error().code == Errc::kMessageNotFound)
      return call.refuse(wire::ResponseCode::kSystemError, staged.error().message);
    return call.refuse(staged.error());
  }
  lane_.staged(std::move(call), *staged);
}

void TransactionFamily::handle(Call call, const Request<wire::ResumeCheckHalfMessage>& request) {
  const auto id = model::parse_offset_message_id(request.header.message_id);
  if (!id) return call.refuse(id.error());
  const Result<std::size_t> staged = broker_.transactions().stage_resume(id->offset, lane_.batch());
  if (!staged) return call.refuse(staged.error());
  lane_.staged(std::move(call), *staged);
}

void TransactionFamily::handle(Call call, const Request<wire::DecideTransaction>& request) {
  const Result<std::size_t> staged = broker_.transactions().stage(
      request.header.half_offset,
      request.header.commit ? broker::Verdict::kCommit : broker::Verdict::kRollback, lane_.batch());
  if (!staged) return call.refuse(staged.error());
  lane_.staged(std::move(call), *staged);
}

void TransactionFamily::handle(Call call, const Request<wire::ListTransactions>& request) {
  const auto& header = request.header;
  const auto max = static_cast<std::size_t>(std::clamp(header.max, 1, kListMax));
  const std::int64_t from = std::max<std::int64_t>(header.from, 0);
  if (!broker_.transactions().ready())
    return call.refuse({Errc::kNotReady, "the broker is starting or stopping"});
  broker::TransactionListing& listing = broker_.transactions().listing();
  const broker::TransactionListing::Page page =
      header.discarded ? listing.discarded(from, max) : listing.open(from, max);
  wire::OpenTransactions body{.next = page.next, .transactions = {}};
  for (const broker::TransactionView& row : page.rows)
    body.transactions.push_back({.body_size = row.body_size,
                                 .born_ms = row.born_ms,
                                 .checks = row.checks,
                                 .discarded = header.discarded,
                                 .group = row.group,
                                 .half_offset = row.half,
                                 .keys = row.keys,
                                 .log_offset = row.log_offset,
                                 .message_id = row.message_id,
                                 .queue_id = row.queue_id,
                                 .store_ms = row.store_ms,
                                 .topic = row.topic,
                                 .transaction_id = row.transaction_id});
  call.ok(wire::encode_body(body));
}

}  // namespace oncemq::front
