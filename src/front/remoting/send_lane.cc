#include "front/remoting/send_lane.h"

#include <utility>

#include "base/check.h"
#include "broker/recall_handle.h"
#include "front/remoting/answer_code.h"
#include "front/remoting/loop_edge.h"
#include "model/message_id.h"
#include "model/topic.h"
#include "wire/remoting/frame.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {

void HeldReplies::push(const Entry& entry, std::string_view frame) {
  entries_.push_back(entry);
  entries_.back().size = frame.size();
  bytes_.append(frame);
}

void HeldReplies::pop() {
  constexpr std::size_t kCompactAt = 4096;
  bytes_head_ += front().size;
  ++head_;
  if (head_ == entries_.size()) {
    entries_.clear();
    bytes_.clear();
    head_ = bytes_head_ = 0;
  } else if (head_ >= kCompactAt && head_ * 2 >= entries_.size()) {
    // Under steady load the queue never runs empty; moving the rest is paid for by what left.
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
    bytes_.erase(0, bytes_head_);
    head_ = bytes_head_ = 0;
  }
}

SendLane::SendLane(LoopEdge& edge, broker::Broker& broker, const store::MessageStore& store,
                   const broker::Options& options, const model::LiveSettings& settings)
    : edge_(edge), broker_(broker), store_(store), options_(options), settings_(settings) {}

std::vector<broker::BatchPart>& SendLane::parts() {
  if (parts_used_ == parts_.size()) parts_.emplace_back();
  std::vector<broker::BatchPart>& parts = parts_[parts_used_++];
  parts.clear();
  return parts;
}

void SendLane::staged(Call call, std::size_t request, Kind kind) {
  staged_.push_back(Staged{std::move(call), request, kind});
  if (batch_.bytes() >= kCommitBytes) commit();
}

void SendLane::staged_unasked(std::size_t request) {
  unasked_.push_back(request);
  if (batch_.bytes() >= kCommitBytes) commit();
}

void SendLane::tick_end() {
  if (std::exchange(appended_, false)) broker_.atomic_commits().write_out();
  if (!staged_.empty() || !unasked_.empty()) commit();
  release_all();
  if (!leaving_.empty()) measure_answers();
}

void SendLane::leaves(std::int64_t received_ns) {
  if (received_ns == kNoSend) return;
  if (leaving_.empty() || leaving_.back().received_ns != received_ns)
    leaving_.push_back({received_ns, 1});
  else
    ++leaving_.back().count;
}

// The mark that held answers waited for advanced before this tick, unless it did so in it.
void SendLane::measure_answers() {
  const net::EventLoop& loop = edge_.loop();
  const std::int64_t now_ns = loop.clock().monotonic_ns();
  const std::int64_t committed_ns = committed_ns_.load(std::memory_order_relaxed);
  EdgeMetrics& metrics = edge_.metrics();
  for (const Leaving& row : leaving_) {
    const std::int64_t until = row.received_ns < committed_ns ? committed_ns : now_ns;
    metrics.send_committed.add(until - row.received_ns, row.count);
    metrics.send_answered.add(now_ns - row.received_ns, row.count);
  }
  leaving_.clear();
}

void SendLane::commit() {
  broker_.sender().commit(batch_);
  edge_.metrics().send_appended.add(batch_.appended_ns() - edge_.loop().now_ns(), staged_.size());
  for (Staged& staged : staged_) answer(staged);
  staged_.clear();
  for (const std::size_t request : unasked_) {
    if (const auto& error = batch_.outcome(request).error)
      unasked_failed_.warn(edge_.loop().now_ms(), "send", "a reply is not stored: {}",
                           error->message);
  }
  unasked_.clear();
  batch_.clear();
  arena_.clear();
  // One huge batch does not pin its memory for ever.
  if (parts_.size() > 64) parts_.clear();
  parts_used_ = 0;
}

void SendLane::answer(Staged& staged) {
  const broker::SendOutcome outcome = batch_.outcome(staged.request);
  Call& call = staged.call;
  if (outcome.error) {
    // compat: any failure to store a message that was sent back is a system error (upstream
    // AbstractSendMessageProcessor.consumerSendMsgBack).
    if (staged.kind == Kind::kSendBack)
      call.refuse(wire::ResponseCode::kSystemError, outcome.error->message);
    else
      call.refuse(*outcome.error);
    return;
  }
  if (call.oneway()) {
    call.abandon();
    return;
  }
  if (staged.kind == Kind::kLost)
    frame_.clear();
  else
    make_frame(call, outcome, staged.kind);
  deliver_at(std::move(call),
             {.end = outcome.items.empty() ? 0 : outcome.end.value,
              .committed = outcome.wait_committed,
              .received_ns = edge_.loop().now_ns()},
             frame_);
}

void SendLane::hold(Call call, store::AppendedOffset end, std::string_view frame) {
  if (call.oneway()) return call.abandon();
  deliver_at(std::move(call), {.end = end.value}, frame);
}

void SendLane::hold_appended(Call call, store::AppendedOffset end, std::string_view frame) {
  appended_ = true;
  hold(std::move(call), end, frame);
}

void SendLane::deliver_at(Call call, const Until& until, std::string_view frame) {
  const net::ConnectionRef connection = call.connection();
  const auto metric = static_cast<std::uint8_t>(call.metric());
  call.release();
  HeldReplies& held = until.committed ? wait_committed_ : wait_flushed_;
  const std::int64_t mark =
      until.committed ? store_.marks().committed().value : store_.marks().flushed().value;
  // An answer that need not wait still does not overtake older ones: `held` stays sorted.
  if (until.end <= mark && held.empty()) {
    deliver(connection, frame);
    leaves(until.received_ns);
    return;
  }
  held.push({.connection = connection,
             .end = until.end,
             .received_ns = until.received_ns,
             .deadline_ms = edge_.loop().now_ms() + settings_.get().sync_flush_timeout_ms,
             .metric = metric},
            frame);
}

void SendLane::make_frame(const Call& call, const broker::SendOutcome& outcome, Kind kind) {
  frame_.clear();
  const wire::HeaderStart start{.code = wire::number(wire::ResponseCode::kSuccess),
                                .opaque = call.opaque()};
  if (kind == Kind::kSendBack || outcome.items.empty()) {
    wire::encode_reply(frame_, call.kind(), start, wire::NoFields{});
    return;
  }
  message_id_.clear();
  for (const store::AppendItem& item : outcome.items) {
    char id[56];
    if (!message_id_.empty()) message_id_ += ',';
    message_id_.append(
        id, model::write_offset_message_id(options_.address, item.result.log_offset, id));
  }
  const auto duplicates =
      outcome.duplicates == 0 ? std::nullopt : std::optional(outcome.duplicates);
  std::string recall_handle;
  // compat: retries have none (upstream SendMessageProcessor.attachRecallHandle).
  if (outcome.timer_out_ms > 0 && !model::topic::is_retry(outcome.topic))
    recall_handle = broker::RecallHandle{.topic = std::string(outcome.topic),
                                         .broker = options_.name,
                                         .out_ms = outcome.timer_out_ms,
                                         .unique_key = std::string(outcome.unique_key)}
                        .to_string();
  wire::encode_reply(frame_, call.kind(), start,
                     wire::SendReply{.message_id = message_id_,
                                     .queue_id = outcome.queue_id,
                                     .queue_offset = outcome.items[0].result.queue_offset.value,
                                     .transaction_id = outcome.unique_key,
                                     .region = options_.region,
                                     .trace_on = options_.trace_on,
                                     .recall_handle = recall_handle,
                                     .duplicates = duplicates});
}

void SendLane::deliver(net::ConnectionRef connection, std::string_view frame) {
  Session* session = edge_.find(connection);
  if (session == nullptr) return;
  if (frame.empty())
    session->connection().close_after_flush();
  else
    session->connection().write(as_bytes(frame));
  session->call_ended();
}

bool SendLane::release(HeldReplies& held, std::int64_t mark) {
  bool any = false;
  while (!held.empty() && held.front().end <= mark) {
    deliver(held.front().connection, held.front_frame());
    leaves(held.front().received_ns);
    held.pop();
    any = true;
  }
  return any;
}

// Announces what is waited for, then looks at the marks again: either committed() sees the
// announcement or this sees the mark (both sides are sequentially consistent).
void SendLane::release_all() {
  if (held() == 0) return;
  const std::int64_t now_ms = edge_.loop().now_ms();
  expire(wait_committed_, now_ms);
  expire(wait_flushed_, now_ms);
  for (;;) {
    next_committed_.store(wait_committed_.empty() ? INT64_MAX : wait_committed_.front().end);
    next_flushed_.store(wait_flushed_.empty() ? INT64_MAX : wait_flushed_.front().end);
    const bool released = release(wait_committed_, store_.marks().committed().value);
    if (!release(wait_flushed_, store_.marks().flushed().value) && !released) break;
  }
  if (held() != 0 && !timer_) {
    const std::int64_t deadline_ms =
        std::min(wait_committed_.empty() ? INT64_MAX : wait_committed_.front().deadline_ms,
                 wait_flushed_.empty() ? INT64_MAX : wait_flushed_.front().deadline_ms);
    // The tick that it makes runs the hook, which looks at the deadlines.
    timer_ = edge_.loop().add_timer(deadline_ms, [this] { timer_ = {}; });
  }
}

// The message is stored, but we cannot say durable in time: the same answer with code 10.
void SendLane::expire(HeldReplies& held, std::int64_t now_ms) {
  while (!held.empty() && held.front().deadline_ms <= now_ms) {
    if (held.front_frame().empty()) {
      deliver(held.front().connection, {});
      held.pop();
      continue;
    }
    const wire::Cut cut = wire::cut_frame(as_bytes(held.front_frame()));
    wire::Command command;
    ONCE_CHECK(cut.state == wire::Cut::State::kComplete && command.decode(cut.frame).has_value());
    frame_.clear();
    wire::HeaderWriter writer(
        frame_, command.kind,
        {.code = wire::number(wire::ResponseCode::kFlushDiskTimeout),
         .opaque = command.opaque,
         .flag = command.flag,
         .remark = "the message is stored but not durable within syncFlushTimeout"});
    for (const wire::ExtField& field : command.ext) writer.field(field.name, field.value);
    writer.finish(0);
    edge_.metrics().answered(held.front().metric,
                             wire::number(wire::ResponseCode::kFlushDiskTimeout));
    deliver(held.front().connection, frame_);
    held.pop();
  }
}

void SendLane::committed() {
  const store::Watermarks& marks = store_.marks();
  if (next_committed_.load() <= marks.committed().value ||
      next_flushed_.load() <= marks.flushed().value) {
    committed_ns_.store(edge_.loop().clock().monotonic_ns(), std::memory_order_relaxed);
    edge_.loop().wake();
  }
}

}  // namespace oncemq::front
