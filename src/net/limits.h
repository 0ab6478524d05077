#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace oncemq::net {

// Bounds of one server. The sum behind the defaults, in the worst case of all limits at once:
//
//   idle connection        < 1 KiB                    × 20,000                        =  20 MiB
//   unread bytes           one 16 MiB frame + one read per connection, together at most `total`
//   unsent bytes (copied)  `out_high` + the answers to one read, together at most `total`
//   total                                                                             = 512 MiB
//   buffers kept for reuse  loops × pool_keep (4 × 8 MiB)                             =  32 MiB
//
// Bytes written by reference (write_pinned) belong to whoever pinned them; they count towards a
// connection's `out_*` marks, but not towards `total`.
struct Limits {
  std::size_t connections = 20'000;                 // accepted ones; one more is closed at once
  std::size_t in_max = (16U << 20) + (128U << 10);  // unread bytes of one connection: close above
  std::size_t out_high = 1U << 20;   // unsent bytes of one connection: stop reading from it ...
  std::size_t out_low = 256U << 10;  // ... until this few are left
  std::size_t out_max = 256U << 20;  // unsent bytes of one connection: close above
  // Copied bytes of all connections. While it is exceeded, only connections that hold less than
  // their fair share (total / connections, at least one read) are read from.
  std::size_t total = 512U << 20;
  std::size_t pool_keep = 8U << 20;  // free buffers that a loop keeps

  std::int64_t idle_ms = 120'000;        // nothing received and nothing taken by the peer
  std::int64_t first_bytes_ms = 30'000;  // from accept to the first byte
  std::int64_t connect_ms = 5'000;       // outgoing: until it is established
  // From the first byte of an incomplete frame to its completion, plus one second for each
  // `frame_bytes_per_s` received meanwhile: a slow line may send a long frame, a drip may not.
  std::int64_t frame_ms = 30'000;
  std::size_t frame_bytes_per_s = 64U << 10;
  std::int64_t sweep_ms = 2'000;  // how often the three deadlines are looked at
};

// What all loops of a server share. Thread rule: monitor.
struct Shared {
  explicit Shared(const Limits& bounds) : limits(bounds) {}
  const Limits limits;
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> bytes{0};  // in pooled buffers that connections hold
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};  // over `connections`, or out of descriptors
};

}  // namespace oncemq::net
