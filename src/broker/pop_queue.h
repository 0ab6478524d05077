#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/heap_bytes.h"
#include "broker/pop_record.h"
#include "model/offsets.h"

namespace oncemq::broker {

// What became of a request that carries a handle.
enum class HandleVerdict : std::uint8_t {
  kAccepted,
  kRepeated,  // the same handle acked it before: OK again, nothing changes
  kStale,     // the delivery is over, or never was
};

// The rows of one (group, topic, queue): every offset below next() that was given out and is not
// done. A row is *held* until its time is over, then *ready*; or it is *decided*: a transaction has
// acked it (docs/atomic-commits.md), so nobody gets it, but the row stays until the disk has that.
// Invariants: rows are below next(); each row that is not decided stands in exactly one of the two
// indexes (held by end of time, ready by offset).
// Times are monotonic ms. About 150 bytes per row. Thread rule: external (the owner's lock).
class PopQueue {
 public:
  static constexpr std::size_t kRepeatable = 512;  // acks that may be repeated; 16 bytes each

  // Handles up to `fence` are of rows that another object had.
  explicit PopQueue(model::QueueOffset next = {}, std::int64_t fence = 0)
      : next_(next), last_token_(fence), fence_(fence) {}

  model::QueueOffset next() const { return next_; }
  // What the group has to see again or for the first time begins here: its consumer offset.
  model::QueueOffset low() const {
    return rows_.empty() ? next_ : model::QueueOffset{rows_.begin()->first};
  }
  std::size_t rows() const { return rows_.size(); }
  // Rows, and acks that may be repeated.
  std::size_t memory_bytes() const {
    return rows_.size() * (kTreeNodeBytes<Rows> + kTreeNodeBytes<Held>)+acked_.size() *
           sizeof(Acked::value_type);
  }
  std::size_t held() const { return held_.size(); }
  std::size_t ready() const { return ready_.size(); }
  std::size_t decided() const { return rows_.size() - held_.size() - ready_.size(); }
  // When the first held row becomes ready.
  std::optional<std::int64_t> next_due() const;
  const std::string& attempt_id() const { return attempt_id_; }
  // No handle of its rows has a greater one.
  std::int64_t last_token() const { return last_token_; }

  // Rows whose time is over become ready; true when there were any.
  bool ripen(std::int64_t now_ms);

  // What one pop asks for.
  struct Taking {
    std::int64_t token = 0;
    // Before the token's moment: what became ready later is left, so that no handle says a time
    // before the end of the one that it replaces.
    std::int64_t ripe_ms = 0;
    std::int64_t now_ms = 0;  // not before the token's moment: the invisible time begins here
    std::int64_t invisible_ms = 0;
    std::int32_t deliveries_max = 0;  // rows that were given out so often wait for the DLQ
    bool order = false;
    // Ready rows are left whole when one of them would be passed: a pop that comes in the very
    // millisecond in which rows were given back gets all of them with its next token.
    bool whole = false;
    std::string_view attempt_id;
  };
  // What a pop took. `token_passed`: rows were left because their token is not below the pop's (two
  // deliveries of one row in one millisecond) or they became ready after it; a new token above it
  // takes them. 0: none were.
  struct Taken {
    std::vector<PopOperation::Row> rows;
    std::int64_t token_passed = 0;
  };
  // Takes up to `max` ready rows in order. Orderly: nothing while a row is held, unless by the same
  // attempt, which gets its rows again; and nothing behind a row that waits for the DLQ.
  Taken take_ready(const Taking& taking, std::size_t max);
  // May an ordered pop read behind next()?
  bool blocked() const { return !held_.empty() || !ready_.empty(); }
  // Rows for messages read from next() on; `next` is where reading goes on. Nothing when the token
  // may be that of a handle which set() made stale.
  Taken take_new(const Taking& taking, const std::vector<model::QueueOffset>& offsets,
                 model::QueueOffset next);

  HandleVerdict ack(model::QueueOffset offset, std::int64_t token);
  // kAccepted: held under `new_token` until now + invisible; deliveries stay. `new_token` is made
  // greater than `token` when it is not.
  HandleVerdict change(model::QueueOffset offset, std::int64_t token, std::int64_t& new_token,
                       std::int64_t now_ms, std::int64_t invisible_ms);
  // As ack(), but the row stays, decided, until settle(); undecide() puts it back as it was.
  HandleVerdict decide(model::QueueOffset offset, std::int64_t token);
  void undecide(model::QueueOffset offset, std::int64_t token);
  // No effect on a row that has another token by now.
  void settle(model::QueueOffset offset, std::int64_t token);
  // The row is gone without anybody's handle.
  void remove(model::QueueOffset offset);
  // Forgets everything; reading goes on at `next`.
  void set(model::QueueOffset next);
  // Somebody else consumed everything below `offset`; returns the rows that were there.
  std::vector<PopOperation::Row> skip_to(model::QueueOffset offset);
  // The queue has [min, max) only; returns what was dropped.
  std::vector<PopOperation::Row> cut(model::QueueOffset min, model::QueueOffset max);

  // Ready rows given out `deliveries_max` times, at most `max`. Their handles are stale from now
  // on.
  std::vector<PopOperation::Row> condemn(std::int32_t deliveries_max, std::size_t max);
  // Would a pop get something from the rows, with a token of its own?
  bool has_ready(const Taking& taking) const;

  // The operation as the log tells it; `wall_ms` and `now_ms` are the same moment, from which the
  // rest of an invisible time is reckoned.
  void apply(const PopOperation& operation, std::int64_t wall_ms, std::int64_t now_ms);
  // Operations that make these rows; names are the caller's.
  void write(const PopOperation& names, std::int64_t wall_ms, std::int64_t now_ms,
             PopRecordWriter& writer) const;

 private:
  struct Row {
    std::int64_t token = 0;
    std::int64_t due_ms = 0;
    std::int64_t invisible_ms = 0;  // what was asked for
    std::int32_t deliveries = 0;
    bool ready = false;
    bool decided = false;
  };
  using Rows = std::map<std::int64_t, Row>;
  using Held = std::set<std::pair<std::int64_t, std::int64_t>>;     // due, offset
  using Acked = std::deque<std::pair<std::int64_t, std::int64_t>>;  // offset, token; oldest first

  void hold(Rows::iterator row, std::int64_t token, std::int64_t due_ms, std::int64_t invisible_ms);
  Rows::iterator erase(Rows::iterator row);
  // Out of both indexes, and into its own again.
  void take_out(const Rows::value_type& row);
  void put_in(const Rows::value_type& row);
  void remember(std::int64_t offset, std::int64_t token);

  model::QueueOffset next_;
  std::int64_t last_token_ = 0;
  std::int64_t fence_ = 0;  // handles up to this token are of rows that set() forgot
  std::string attempt_id_;
  Rows rows_;
  Held held_;
  std::set<std::int64_t> ready_;
  Acked acked_;
};

}  // namespace oncemq::broker
