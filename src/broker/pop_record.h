#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/offsets.h"

// The operations on POP's rows as they stand in the bodies of topic model::topic::kPopLog and in
// onceMqPop.json (docs/pop.md). A body is a version byte and operations until its end; numbers are
// variable-length (7 bits each, low first, signed ones zigzag), texts have their length in front.
namespace oncemq::broker {

// All values are absolute: applying an operation twice changes nothing.
struct PopOperation {
  enum class Kind : std::uint8_t {
    kHold = 1,    // `rows` are held under `token`; everything below `next` has been looked at
    kDone = 2,    // `rows` were acked
    kChange = 3,  // `rows[0]` is held under `token` for `invisible_ms` from now on
    kSet = 4,     // all rows are forgotten, reading goes on at `next`
    kForget = 5,  // topic or group was deleted
    kDead = 6,    // `rows` are in the DLQ, or their messages are gone
  };
  struct Row {
    model::QueueOffset offset;
    std::int32_t deliveries = 0;  // this one included; kHold only

    bool operator==(const Row&) const = default;
  };

  Kind kind = Kind::kHold;
  std::string_view group;
  std::string_view topic;
  std::int32_t queue_id = 0;
  model::QueueOffset next;        // kHold, kSet
  std::int64_t token = 0;         // kHold, kChange: wall clock ms
  std::int64_t invisible_ms = 0;  // kHold, kChange
  std::string_view attempt_id;    // kHold of an ordered pop
  std::vector<Row> rows;          // ascending

  bool operator==(const PopOperation&) const = default;
};

// Makes one body. The names of a queue are written once while operations on it follow each other.
// Thread rule: confined.
class PopRecordWriter {
 public:
  void add(const PopOperation& operation);
  const std::string& body() const { return body_; }
  bool empty() const { return body_.empty(); }
  std::string take();

 private:
  std::string body_;
  std::string group_;
  std::string topic_;
  std::int32_t queue_id_ = -1;
};

// Hands each operation to `visit`; views are valid during the call. kBadBytes: what came before the
// broken one has been visited.
Status read_pop_record(Bytes body, const std::function<void(const PopOperation&)>& visit);

}  // namespace oncemq::broker
