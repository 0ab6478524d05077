#include "net/socket.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace oncemq::net {
namespace {

constexpr int kBacklog = 1024;

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t to_native(const Address& address, SocketAddress& into) {
  std::memset(&into, 0, sizeof into);
  if (address.is_v6) {
    into.v6.sin6_family = AF_INET6;
    into.v6.sin6_port = htons(address.port);
    std::memcpy(&into.v6.sin6_addr, address.ip.data(), 16);
    return sizeof into.v6;
  }
  into.v4.sin_family = AF_INET;
  into.v4.sin_port = htons(address.port);
  std::memcpy(&into.v4.sin_addr, address.ip.data(), 4);
  return sizeof into.v4;
}

Address from_native(const SocketAddress& native) {
  Address address;
  if (native.any.sa_family == AF_INET6) {
    address.port = ntohs(native.v6.sin6_port);
    const auto* ip = reinterpret_cast<const std::byte*>(&native.v6.sin6_addr);
    // A dual-stack listener sees IPv4 clients as ::ffff:a.b.c.d.
    if (IN6_IS_ADDR_V4MAPPED(&native.v6.sin6_addr)) {
      std::memcpy(address.ip.data(), ip + 12, 4);
    } else {
      address.is_v6 = true;
      std::memcpy(address.ip.data(), ip, 16);
    }
  } else if (native.any.sa_family == AF_INET) {
    address.port = ntohs(native.v4.sin_port);
    std::memcpy(address.ip.data(), &native.v4.sin_addr, 4);
  }
  return address;
}

Errc code_of(int error) {
  switch (error) {
    case EADDRINUSE:
      return Errc::kInUse;
    case EACCES:
    case EPERM:
      return Errc::kNoPermission;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return Errc::kInvalidArgument;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Errc::kBusy;
    default:
      return Errc::kIo;
  }
}

tl::unexpected<Error> failed(const char* what, const Address& address, int error) {
  return fail(code_of(error), std::string(what) + " " + address.to_string() + ": " +
                                  std::generic_category().message(error));
}

void no_delay(const Fd& fd) {
  const int on = 1;
  (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Fd make_socket(const Address& address) {
  return Fd(
      socket(address.is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

void Fd::reset() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Address local_address(const Fd& fd) {
  SocketAddress native{};
  socklen_t size = sizeof native;
  if (getsockname(fd.get(), &native.any, &size) != 0) return {};
  return from_native(native);
}

Result<Bound> listen_on(const Address& at) {
  Bound bound{.fd = make_socket(at), .address = at};
  if (!bound.fd) return failed("no socket for", at, errno);
  // A restart must not wait for the TIME_WAIT of the previous run.
  const int on = 1;
  (void)setsockopt(bound.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.is_v6) {
    const int off = 0;
    (void)setsockopt(bound.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  SocketAddress native;
  const socklen_t size = to_native(at, native);
  if (bind(bound.fd.get(), &native.any, size) != 0) return failed("cannot bind", at, errno);
  if (listen(bound.fd.get(), kBacklog) != 0) return failed("cannot listen on", at, errno);
  bound.address.port = local_address(bound.fd).port;
  return bound;
}

Result<Accepted> accept_from(const Fd& listener) {
  SocketAddress native{};
  socklen_t size = sizeof native;
  Accepted accepted;
  accepted.fd = Fd(accept4(listener.get(), &native.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted.fd) {
    const Errc code = code_of(errno);
    if (code == Errc::kBusy)
      return fail(code, std::string("accept: ") + std::generic_category().message(errno));
    return accepted;  // nobody waits, or who waited has gone away
  }
  no_delay(accepted.fd);
  accepted.peer = from_native(native);
  accepted.local = local_address(accepted.fd);
  return accepted;
}

Result<Fd> start_connect(const Address& to) {
  Fd fd = make_socket(to);
  if (!fd) return failed("no socket for", to, errno);
  no_delay(fd);
  SocketAddress native;
  const socklen_t size = to_native(to, native);
  if (connect(fd.get(), &native.any, size) != 0 && errno != EINPROGRESS)
    return failed("cannot connect to", to, errno);
  return fd;
}

Status connect_outcome(const Fd& fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return fail(code_of(error), std::generic_category().message(error));
  return {};
}

}  // namespace oncemq::net
