#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "broker/broker.h"
#include "front/remoting/call.h"
#include "model/live_settings.h"
#include "net/event_loop.h"

namespace oncemq::front {

class LoopEdge;

// Answers that are made but must not leave before their offset is reached, oldest first. Offsets
// and deadlines only grow, so the front is always the next. The memory is reused: no allocation
// once it is warm. Thread rule: confined to the loop.
class HeldReplies {
 public:
  struct Entry {
    net::ConnectionRef connection;
    std::int64_t end = 0;          // log offset that must be passed
    std::int64_t received_ns = 0;  // when the request was read, for the metrics
    std::int64_t deadline_ms = 0;  // monotonic
    std::uint8_t metric = 0;       // Call::metric()
    std::size_t size = 0;          // bytes of the frame
  };

  bool empty() const { return head_ == entries_.size(); }
  std::size_t size() const { return entries_.size() - head_; }
  void push(const Entry& entry, std::string_view frame);
  const Entry& front() const { return entries_[head_]; }
  std::string_view front_frame() const {
    return std::string_view(bytes_).substr(bytes_head_, front().size);
  }
  void pop();

 private:
  std::vector<Entry> entries_;
  std::size_t head_ = 0;
  std::string bytes_;
  std::size_t bytes_head_ = 0;
};

// The sends of one loop: what arrived in a tick is appended as one batch at its end; each answer is
// made at once and held until what it promises is true. No timer takes part, except for the answer
// "not durable within syncFlushTimeout" (10). Thread rule: confined to the loop, except
// committed().
class SendLane {
 public:
  // kLost: instead of an answer the connection ends (a fault).
  enum class Kind : std::uint8_t { kSend, kSendBack, kLost };
  // Bytes staged within a tick before they are committed early: a quarter of the store's staging.
  static constexpr std::size_t kCommitBytes = 8U << 20;

  SendLane(LoopEdge& edge, broker::Broker& broker, const store::MessageStore& store,
           const broker::Options& options, const model::LiveSettings& settings);

  broker::SendBatch& batch() { return batch_; }
  // Copies what does not live until the end of the tick by itself.
  std::string_view keep(std::string_view text) { return arena_.copy(text); }
  // Room for the parts of a batch send until the end of the tick.
  std::vector<broker::BatchPart>& parts();

  // `request` is what stage() gave.
  void staged(Call call, std::size_t request, Kind kind);
  // Like staged(), for what nobody waits for: a failure to store it is only logged.
  void staged_unasked(std::size_t request);
  // An answer to something that was appended elsewhere: leaves when `end` is committed.
  void hold(Call call, store::AppendedOffset end, std::string_view frame);
  // The same for what is handed to the kernel at the end of this tick. An empty frame: the answer
  // gets lost.
  void hold_appended(Call call, store::AppendedOffset end, std::string_view frame);
  // Appends what is staged, answers what may be answered.
  void tick_end();
  // The store's marks advanced: wakes the loop when a held answer may leave. Any thread.
  void committed();

  std::size_t held() const { return wait_committed_.size() + wait_flushed_.size(); }

 private:
  struct Staged {
    Call call;
    std::size_t request;
    Kind kind;
  };

  void commit();
  void answer(Staged& staged);
  static constexpr std::int64_t kNoSend = -1;
  // What an answer waits for.
  struct Until {
    std::int64_t end = 0;   // log offset that must be passed
    bool committed = true;  // by which mark; else flushed
    std::int64_t received_ns = kNoSend;
  };
  void deliver_at(Call call, const Until& until, std::string_view frame);
  void make_frame(const Call& call, const broker::SendOutcome& outcome, Kind kind);
  // An empty frame: the answer gets lost.
  void deliver(net::ConnectionRef connection, std::string_view frame);
  bool release(HeldReplies& held, std::int64_t mark);
  void release_all();
  void expire(HeldReplies& held, std::int64_t now_ms);
  // An answer to a send read at `received_ns` leaves with this tick; kNoSend is not counted.
  void leaves(std::int64_t received_ns);
  void measure_answers();

  LoopEdge& edge_;
  broker::Broker& broker_;
  const store::MessageStore& store_;
  const broker::Options& options_;
  const model::LiveSettings& settings_;
  broker::SendBatch batch_;
  broker::Arena arena_;
  std::vector<std::vector<broker::BatchPart>> parts_;
  std::size_t parts_used_ = 0;
  std::vector<Staged> staged_;
  std::vector<std::size_t> unasked_;
  bool appended_ = false;              // elsewhere, and not handed to the kernel yet
  log::Limited unasked_failed_{1000};  // one line per second at most
  std::string frame_;                  // reused
  std::string message_id_;             // reused
  HeldReplies wait_committed_;
  HeldReplies wait_flushed_;
  net::TimerId timer_;
  // Answers that leave with this tick, by when their requests were read: as many as ticks before
  // the oldest of them, mostly one.
  struct Leaving {
    std::int64_t received_ns = 0;
    std::uint64_t count = 0;
  };
  std::vector<Leaving> leaving_;
  std::atomic<std::int64_t> committed_ns_{0};  // when committed() last woke the loop
  // What the front of each queue waits for, for committed(); INT64_MAX when empty.
  std::atomic<std::int64_t> next_committed_{INT64_MAX};
  std::atomic<std::int64_t> next_flushed_{INT64_MAX};
};

}  // namespace oncemq::front
