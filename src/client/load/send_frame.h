#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "wire/remoting/frame.h"

namespace oncemq::client {

// What the messages of a load look like.
struct SendShape {
  std::string topic;
  std::string group = "oncemq-bench";
  std::size_t size = 1024;   // bytes of a body
  std::size_t batch = 1;     // messages per request; above 1 with SEND_BATCH_MESSAGE
  std::int64_t keys = 0;     // 0: no KEYS; otherwise key number = message number % keys
  std::optional<bool> wait;  // property WAIT
  bool timer = false;        // property TIMER_DELIVER_MS; not in batches
  bool half = false;         // half messages; not in batches
  wire::HeaderKind header = wire::HeaderKind::kJson;
  std::uint32_t run = 0;  // its lower 24 bits tell the unique keys of one run from another's
};

// What differs from frame to frame.
struct SendMark {
  std::int32_t opaque = 0;    // kFirstOpaque ... INT32_MAX
  std::int64_t message = 0;   // number of the first message, part of unique key and KEYS
  std::int64_t born_ms = 0;   // ms since epoch
  std::int64_t stamp_ns = 0;  // goes into the bodies
  // ms since epoch, 13 digits; of timers
  std::int64_t deliver_ms = 0;
};

// A send request that is encoded once and then only copied and patched, so that the generator costs
// a fraction of what it measures. Thread rule: immutable.
class SendFrame {
 public:
  static constexpr std::int32_t kFirstOpaque = 1'000'000'000;  // always ten digits

  SendFrame(const SendShape& shape, std::int32_t queue_id);

  std::size_t size() const { return bytes_.size(); }
  // Writes size() bytes.
  void write(MutableBytes to, const SendMark& mark) const;

 private:
  enum class Patch : std::uint8_t {
    kOpaqueText,
    kOpaqueBinary,
    kBorn,
    kUnique,
    kKey,
    kStamp,
    kDeliver
  };
  struct Place {
    std::size_t at;
    Patch what;
    std::int64_t message;  // within the batch
  };
  void find_places(const SendShape& shape);
  void find(std::string_view text, Patch what);

  std::string bytes_;
  std::vector<Place> places_;
  std::int64_t keys_;
  std::uint32_t run_;
};

// The stamp in a body that a SendFrame wrote, when there is one (bodies of 16 bytes and more).
std::optional<std::int64_t> read_stamp(Bytes body);
// The number of a message (SendMark::message, within its batch) that a SendFrame wrote.
std::optional<std::int64_t> read_number(std::string_view properties);

}  // namespace oncemq::client
