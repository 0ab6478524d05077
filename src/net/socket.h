#pragma once

#include <cstddef>
#include <utility>

#include "base/result.h"
#include "net/address.h"

namespace oncemq::net {

// Owns a file descriptor. Thread rule: external.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  void reset();

 private:
  int number_ = -1;
};

// Everything below makes non-blocking, close-on-exec sockets without Nagle's delay.

struct Bound {
  Fd fd;
  Address address;  // with the port that was given
};
// Listens with a backlog of 1024. kInUse | kNoPermission | kInvalidArgument | kBusy | kIo.
Result<Bound> listen_on(const Address& at);

struct Accepted {
  Fd fd;  // empty: nobody waits
  Address peer;
  Address local;
};
// kBusy when descriptors or memory ran out.
Result<Accepted> accept_from(const Fd& listener);

// Starts a connection; it is established, or has failed, when the socket becomes writable. kBusy |
// kIo.
Result<Fd> start_connect(const Address& to);
// The outcome after the socket became writable.
Status connect_outcome(const Fd& fd);

Address local_address(const Fd& fd);

}  // namespace oncemq::net
