#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "net/buffer_pool.h"
#include "net/connection.h"
#include "net/out_queue.h"
#include "net/socket.h"

namespace oncemq::net {

class LoopCore;

// What epoll can tell about; the address of one is the event's data.
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void on_events(std::uint32_t events) = 0;
};

// A connection over a TCP socket. The loop calls the second group of functions, each at its place
// in the tick. Thread rule: confined to its loop.
class SocketConnection final : public Connection, public Pollable {
 public:
  struct Origin {
    Address peer;
    Address local;
    bool outgoing = false;
    bool proxy_header = false;  // one may come
  };
  SocketConnection(LoopCore& core, ConnectionRef ref, Fd fd, const Origin& origin);
  ~SocketConnection() override;

  EventLoop& loop() const override;
  ConnectionRef ref() const override { return ref_; }
  const Address& peer() const override { return peer_; }
  const Address& socket_peer() const override { return socket_peer_; }
  const Address& local() const override { return local_; }
  ConnectionHandler& handler() const override { return *handler_; }
  void write(Bytes bytes) override;
  MutableBytes prepare(std::size_t size) override;
  void commit(std::size_t size) override;
  void write_pinned(Bytes bytes, std::shared_ptr<const void> pin) override;
  std::size_t unsent() const override { return out_.size(); }
  bool congested() const override;
  void pause_reading() override;
  void resume_reading() override;
  void expect(std::size_t size) override { expected_ = size; }
  void close_after_flush(CloseReason reason) override;
  void close(CloseReason reason) override;
  bool closing() const override { return closing_; }

  // Registers with epoll. False when the kernel refuses.
  bool start(std::unique_ptr<ConnectionHandler> handler);
  void on_events(std::uint32_t events) override;
  void redeliver();  // unread bytes once more
  void flush();      // hooks have run
  void end_input();  // views may go
  void account();    // tells what it holds; stops reading when that is too much
  void relieve();    // there is memory again
  void drain();      // no more reading
  void sweep(std::int64_t now_ms);
  void end();  // the handler's last call; the socket is closed
  bool owes_output() const;

  // Membership in the loop's lists of this tick.
  struct Listed {
    bool dirty = false, touched = false, ready = false, starved = false;
  };
  Listed listed;

 private:
  void finish_connect();
  void read_once();
  void deliver();
  bool take_proxy_header();
  std::size_t unread() const { return in_size_ - in_consumed_; }
  std::size_t read_room() const;
  void update_interest();
  void touch();

  LoopCore& core_;
  const ConnectionRef ref_;
  Fd fd_;
  Address peer_;
  Address socket_peer_;
  Address local_;
  std::unique_ptr<ConnectionHandler> handler_;

  // Received: in_[0, in_consumed_) is done with but still visible, [in_consumed_, in_size_) unread.
  Buffer in_;
  std::size_t in_size_ = 0;
  std::size_t in_consumed_ = 0;
  std::size_t expected_ = 0;
  OutQueue out_;
  std::size_t accounted_ = 0;

  std::int64_t opened_ms_;
  std::int64_t last_io_ms_;
  std::int64_t partial_since_ms_ = 0;  // when the unread bytes began to wait

  std::uint64_t delivered_tick_ = 0;
  std::uint32_t interest_ = 0;  // what epoll watches for
  CloseReason close_reason_ = CloseReason::kDone;
  bool outgoing_;
  bool connecting_;
  bool proxy_header_;
  bool received_ = false;
  bool paused_ = false;
  bool congested_ = false;  // latched between out_high and out_low
  bool starved_ = false;
  bool draining_ = false;
  bool blocked_ = false;    // the kernel took less than there was
  bool held_back_ = false;  // the handler left bytes because it was congested or paused
  bool closing_after_flush_ = false;
  bool closing_ = false;
};

}  // namespace oncemq::net
