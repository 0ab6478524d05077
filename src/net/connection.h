#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "net/address.h"

namespace oncemq::net {

class Connection;
class EventLoop;

// Names a connection from any thread and after its end: EventLoop::find gives the connection or
// nothing. `loop` is EventLoop::index(). Thread rule: immutable value.
struct ConnectionRef {
  std::uint32_t loop = 0;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  // 0 names nothing

  bool operator==(const ConnectionRef&) const = default;
  explicit operator bool() const { return generation != 0; }
};

enum class CloseReason : std::uint8_t {
  kPeerClosed,     // end of stream or reset
  kConnectFailed,  // outgoing: refused, unreachable, timed out
  kIdle,           // Limits::idle_ms
  kNoFirstBytes,   // Limits::first_bytes_ms
  kFrameTooSlow,   // Limits::frame_ms
  kInTooLong,      // Limits::in_max: the handler did not consume
  kOutTooLong,     // Limits::out_max
  kBadBytes,       // the handler, or the PROXY header, did not parse
  kDone,           // the handler wanted it so
  kStopping,       // the loop ends
};
std::string_view close_reason_name(CloseReason reason);

// The protocol above the bytes; owned by its connection. All calls come from the connection's loop.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  // Outgoing connections only: established. Writing was allowed before.
  virtual void on_open(Connection&) {}
  // `unread` is everything received and not yet consumed, in one piece. Returns how many bytes are
  // consumed (from the front). At most one call per tick; the whole of `unread`, also its consumed
  // part, stays valid until the tick hooks of this tick have run. Not consuming everything is
  // normal: an incomplete frame, or connection.congested(); the call comes again when more bytes
  // are there or when the congestion is over.
  virtual std::size_t on_bytes(Connection& connection, Bytes unread) = 0;
  // Exactly once, as the last call, at the end of a tick and never from within a call into the
  // connection. find() no longer knows the connection. Writing has no effect.
  virtual void on_close(Connection& connection, CloseReason reason) = 0;
  // True while the peer has a request of which the answer has not been written yet: draining waits.
  virtual bool owes_answer() const { return false; }
};

// A stream socket. Bytes written in a tick leave together at its end, after the tick hooks.
// Thread rule: confined to its loop.
class Connection {
 public:
  virtual ~Connection() = default;
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual EventLoop& loop() const = 0;
  virtual ConnectionRef ref() const = 0;
  // The client, as a PROXY header in front of the stream may have told.
  virtual const Address& peer() const = 0;
  // The other end of the socket: the client or its proxy.
  virtual const Address& socket_peer() const = 0;
  virtual const Address& local() const = 0;
  virtual ConnectionHandler& handler() const = 0;

  // Copies into the output.
  virtual void write(Bytes bytes) = 0;
  // Room for `size` bytes in the output, to encode into; valid until the next call of any write
  // function or the end of the tick. commit(n), n <= size, makes the first n of them output.
  virtual MutableBytes prepare(std::size_t size) = 0;
  virtual void commit(std::size_t size) = 0;
  // By reference: `bytes` stay as they are while `pin` is held; it is released when they were sent
  // or the connection ended (shared: one mapping feeds many replies). A copy is cheaper below about
  // 1 KiB.
  virtual void write_pinned(Bytes bytes, std::shared_ptr<const void> pin) = 0;
  // Output that the peer has not taken yet.
  virtual std::size_t unsent() const = 0;
  // More than out_high unsent: a handler stops consuming. Over at out_low.
  virtual bool congested() const = 0;

  // Stops and starts calls of on_bytes (with the unread bytes, if any, at the next tick).
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  // The unread frame needs `size` bytes altogether: the buffer grows once instead of by doubling.
  virtual void expect(std::size_t size) = 0;

  // No more reading; ends when the output has been taken.
  virtual void close_after_flush(CloseReason reason = CloseReason::kDone) = 0;
  // Ends at the end of this tick; unsent output is dropped.
  virtual void close(CloseReason reason) = 0;
  virtual bool closing() const = 0;
};

}  // namespace oncemq::net
