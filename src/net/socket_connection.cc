#include "net/socket_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/check.h"
#include "net/loop_core.h"
#include "net/proxy_protocol.h"

namespace oncemq::net {
namespace {

// One read takes at most this much; more waits in the kernel for the next tick, where it costs one
// more system call but keeps the batch within the second-level cache.
constexpr std::size_t kRead = 64U << 10;

}  // namespace

SocketConnection::SocketConnection(LoopCore& core, ConnectionRef ref, Fd fd, const Origin& origin)
    : core_(core),
      ref_(ref),
      fd_(std::move(fd)),
      peer_(origin.peer),
      socket_peer_(origin.peer),
      local_(origin.local),
      opened_ms_(core.now_ms()),
      last_io_ms_(core.now_ms()),
      outgoing_(origin.outgoing),
      connecting_(origin.outgoing),
      proxy_header_(origin.proxy_header) {}

SocketConnection::~SocketConnection() = default;

EventLoop& SocketConnection::loop() const {
  return core_.loop();
}

bool SocketConnection::start(std::unique_ptr<ConnectionHandler> handler) {
  handler_ = std::move(handler);
  interest_ = connecting_ ? EPOLLOUT : EPOLLIN;
  return core_.watch(fd_, interest_, this);
}

// ---- input

void SocketConnection::on_events(std::uint32_t events) {
  if (closing_) return;
  if (connecting_) {
    finish_connect();
    return;
  }
  if ((events & EPOLLOUT) != 0) core_.mark_dirty(*this);
  if ((events & EPOLLIN) != 0 && (interest_ & EPOLLIN) != 0)
    read_once();
  else if ((events & (EPOLLERR | EPOLLHUP)) != 0)
    close(CloseReason::kPeerClosed);
}

void SocketConnection::finish_connect() {
  if (!connect_outcome(fd_)) {
    close(CloseReason::kConnectFailed);
    return;
  }
  connecting_ = false;
  last_io_ms_ = core_.now_ms();
  local_ = local_address(fd_);
  core_.mark_dirty(*this);  // what was written meanwhile, and the new interest
  handler_->on_open(*this);
}

std::size_t SocketConnection::read_room() const {
  // A frame that was announced grows the buffer at once, but only by what the peer has shown it can
  // send: an announcement alone must not take memory.
  const std::size_t announced = std::min(expected_, std::max<std::size_t>(4 * unread(), kRead));
  return std::max({kRead, announced, unread() + kRead / 4});
}

void SocketConnection::read_once() {
  if (in_.capacity < read_room() && in_.capacity - in_size_ < kRead) {
    // in_consumed_ is 0 here: consumed bytes left at the end of the previous tick.
    Buffer larger = core_.pool().take(read_room());
    if (in_size_ > 0) std::memcpy(larger.data(), in_.data(), in_size_);
    core_.pool().give(std::move(in_));
    in_ = std::move(larger);
  }
  const ssize_t got = recv(fd_.get(), in_.data() + in_size_, in_.capacity - in_size_, 0);
  touch();
  if (got > 0) {
    core_.count_read(static_cast<std::size_t>(got));
    last_io_ms_ = core_.now_ms();
    received_ = true;
    in_size_ += static_cast<std::size_t>(got);
    deliver();
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    close(CloseReason::kPeerClosed);
  }
}

bool SocketConnection::take_proxy_header() {
  const ProxyHeader header = parse_proxy_header({in_.data() + in_consumed_, unread()});
  switch (header.state) {
    case ProxyHeader::State::kIncomplete:
      return false;
    case ProxyHeader::State::kBad:
      close(CloseReason::kBadBytes);
      return false;
    case ProxyHeader::State::kPresent:
      in_consumed_ += header.size;
      if (header.client) peer_ = *header.client;
      break;
    case ProxyHeader::State::kAbsent:
      break;
  }
  proxy_header_ = false;
  return true;
}

void SocketConnection::deliver() {
  if (delivered_tick_ == core_.tick_number()) return;
  if (proxy_header_ && !take_proxy_header()) return;
  if (unread() == 0 || paused_ || draining_) {
    held_back_ = unread() > 0;
    return;
  }
  delivered_tick_ = core_.tick_number();
  expected_ = 0;
  const std::size_t consumed =
      handler_->on_bytes(*this, Bytes(in_.data() + in_consumed_, unread()));
  ONCE_CHECK(consumed <= unread(), "a handler consumed more than there was");
  in_consumed_ += consumed;
  held_back_ = unread() > 0 && (paused_ || congested());
}

void SocketConnection::redeliver() {
  if (closing_ || unread() == 0) return;
  touch();
  deliver();
}

void SocketConnection::end_input() {
  if (closing_) return;
  const std::size_t rest = unread();
  BufferPool& pool = core_.pool();
  if (in_consumed_ > 0 || partial_since_ms_ == 0) partial_since_ms_ = core_.now_ms();
  if (rest == 0) {
    partial_since_ms_ = 0;
    pool.give(std::move(in_));
  } else if (BufferPool::capacity_for(rest) * 4 <= in_.capacity) {
    // Many connections may hold a little: a little memory each.
    Buffer small = pool.take(rest);
    std::memcpy(small.data(), in_.data() + in_consumed_, rest);
    pool.give(std::move(in_));
    in_ = std::move(small);
  } else if (in_consumed_ > 0) {
    std::memmove(in_.data(), in_.data() + in_consumed_, rest);
  }
  in_size_ = rest;
  in_consumed_ = 0;
  if (rest > core_.limits().in_max) {
    close(CloseReason::kInTooLong);
  } else if (held_back_ && !paused_ && !congested()) {
    core_.mark_ready(*this);
  }
}

void SocketConnection::pause_reading() {
  paused_ = true;
  core_.mark_dirty(*this);
}

void SocketConnection::resume_reading() {
  if (!std::exchange(paused_, false)) return;
  partial_since_ms_ = core_.now_ms();
  core_.mark_dirty(*this);
  if (unread() > 0) core_.mark_ready(*this);
}

// ---- output

void SocketConnection::write(Bytes bytes) {
  if (closing_) return;
  out_.write(core_.pool(), bytes);
  core_.mark_dirty(*this);
}

MutableBytes SocketConnection::prepare(std::size_t size) {
  return out_.prepare(core_.pool(), size);
}

void SocketConnection::commit(std::size_t size) {
  out_.commit(size);
  core_.mark_dirty(*this);
}

void SocketConnection::write_pinned(Bytes bytes, std::shared_ptr<const void> pin) {
  if (closing_) return;
  out_.write_pinned(bytes, std::move(pin));
  core_.mark_dirty(*this);
}

bool SocketConnection::congested() const {
  return congested_ || out_.size() > core_.limits().out_high;
}

void SocketConnection::flush() {
  if (closing_ || connecting_) return;
  blocked_ = false;
  while (out_.size() > 0) {
    const std::span<iovec> room = core_.pieces();
    msghdr message{};
    message.msg_iov = room.data();
    message.msg_iovlen = out_.gather(room);
    std::size_t asked = 0;
    for (const iovec& piece : room.first(message.msg_iovlen)) asked += piece.iov_len;
    // One piece, the common case, goes the shorter way through the kernel.
    const ssize_t sent = message.msg_iovlen == 1
                             ? send(fd_.get(), room[0].iov_base, room[0].iov_len, MSG_NOSIGNAL)
                             : sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      close(CloseReason::kPeerClosed);
      return;
    }
    if (sent > 0) {
      core_.count_write(static_cast<std::size_t>(sent));
      last_io_ms_ = core_.now_ms();
      out_.advance(core_.pool(), static_cast<std::size_t>(sent));
    }
    blocked_ = sent < 0 || static_cast<std::size_t>(sent) < asked;
    if (blocked_) break;
  }
  if (out_.size() > core_.limits().out_max) {
    close(CloseReason::kOutTooLong);
    return;
  }
  if (closing_after_flush_ && out_.size() == 0) {
    close(close_reason_);
    return;
  }
  if (out_.size() > core_.limits().out_high) {
    congested_ = true;
  } else if (congested_ && out_.size() <= core_.limits().out_low) {
    congested_ = false;
    partial_since_ms_ = core_.now_ms();
    if (unread() > 0) core_.mark_ready(*this);
  }
  update_interest();
}

void SocketConnection::update_interest() {
  if (closing_ || connecting_) return;
  const bool read = !paused_ && !congested_ && !starved_ && !draining_ && !closing_after_flush_;
  const std::uint32_t wanted = (read ? EPOLLIN : 0U) | (blocked_ ? EPOLLOUT : 0U);
  if (wanted == interest_) return;
  interest_ = wanted;
  core_.rewatch(fd_, interest_, this);
}

// ---- memory, time, end

void SocketConnection::touch() {
  core_.mark_touched(*this);
}

void SocketConnection::account() {
  const std::size_t held = closing_ ? 0 : in_.capacity + out_.held();
  std::atomic<std::size_t>& total = core_.shared().bytes;
  if (held > accounted_) total.fetch_add(held - accounted_, std::memory_order_relaxed);
  if (held < accounted_) total.fetch_sub(accounted_ - held, std::memory_order_relaxed);
  accounted_ = held;
  if (closing_ || starved_ || held <= kRead) return;
  const Limits& limits = core_.limits();
  if (total.load(std::memory_order_relaxed) <= limits.total) return;
  const std::size_t connections = core_.shared().connections.load(std::memory_order_relaxed);
  if (held <= limits.total / std::max<std::size_t>(connections, 1)) return;
  starved_ = true;
  core_.mark_starved(*this);
  update_interest();
}

void SocketConnection::relieve() {
  starved_ = false;
  update_interest();
}

void SocketConnection::drain() {
  draining_ = true;
  update_interest();
}

bool SocketConnection::owes_output() const {
  return !closing_ && (out_.size() > 0 || handler_->owes_answer());
}

void SocketConnection::sweep(std::int64_t now_ms) {
  if (closing_) return;
  const Limits& limits = core_.limits();
  const auto longer = [now_ms](std::int64_t since, std::int64_t limit) {
    return now_ms - since >= limit;
  };
  if (connecting_) {
    if (longer(opened_ms_, limits.connect_ms)) close(CloseReason::kConnectFailed);
    return;
  }
  if (longer(last_io_ms_, limits.idle_ms)) {
    close(CloseReason::kIdle);
    return;
  }
  if (!outgoing_ && !received_ && longer(opened_ms_, limits.first_bytes_ms)) {
    close(CloseReason::kNoFirstBytes);
    return;
  }
  // What came in this very tick has not begun to wait: end_input() will say since when.
  const bool waits_for_peer = unread() > 0 && in_consumed_ == 0 && partial_since_ms_ != 0 &&
                              !paused_ && !congested_ && !draining_;
  const auto grace = static_cast<std::int64_t>(unread() * 1000 /
                                               std::max<std::size_t>(limits.frame_bytes_per_s, 1));
  if (waits_for_peer && longer(partial_since_ms_, limits.frame_ms + grace)) {
    close(CloseReason::kFrameTooSlow);
    return;
  }
  out_.shrink();
}

void SocketConnection::close_after_flush(CloseReason reason) {
  if (closing_ || closing_after_flush_) return;
  closing_after_flush_ = true;
  close_reason_ = reason;
  core_.mark_dirty(*this);
}

void SocketConnection::close(CloseReason reason) {
  if (closing_) return;
  closing_ = true;
  close_reason_ = reason;
  core_.mark_closing(*this);
}

void SocketConnection::end() {
  fd_.reset();  // also takes it out of epoll
  if (handler_) handler_->on_close(*this, close_reason_);
  out_.clear(core_.pool());
  core_.pool().give(std::move(in_));
  account();
}

}  // namespace oncemq::net
