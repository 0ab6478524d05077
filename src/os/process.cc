#include "os/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <signal.h>
#include <unistd.h>

namespace oncemq::os {
namespace {

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::vector<std::string> host_addresses() {
  std::vector<std::string> addresses;
  std::vector<std::string> loopback;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET ||
        (entry->ifa_flags & IFF_UP) == 0) {
      continue;
    }
    sockaddr_in address{};
    std::copy_n(reinterpret_cast<const char*>(entry->ifa_addr), sizeof address,
                reinterpret_cast<char*>(&address));
    std::array<char, INET_ADDRSTRLEN> text{};
    if (::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size()) == nullptr) continue;
    ((entry->ifa_flags & IFF_LOOPBACK) != 0 ? loopback : addresses).emplace_back(text.data());
  }
  addresses.insert(addresses.end(), loopback.begin(), loopback.end());
  return addresses;
}

void block_signals() {
  const sigset_t signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int wait_for_signal() {
  const sigset_t signals = ending_signals();
  for (;;) {
    int signal = 0;
    if (::sigwait(&signals, &signal) == 0 && signal != SIGHUP) return signal;
  }
}

bool wait_for_signal(std::chrono::milliseconds time) {
  const sigset_t signals = ending_signals();
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::max(std::chrono::nanoseconds(0),
                               std::chrono::nanoseconds(until - std::chrono::steady_clock::now()));
    const timespec limit{.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000),
                         .tv_nsec = static_cast<long>(left.count() % 1'000'000'000)};
    const int signal = ::sigtimedwait(&signals, nullptr, &limit);
    if (signal < 0 && errno == EAGAIN) return false;
    if (signal == SIGTERM || signal == SIGINT) return true;
  }
}

void stop_waiting() {
  ::kill(::getpid(), SIGTERM);
}

Result<std::string> program_path() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0 || static_cast<std::size_t>(size) == path.size())
    return fail(Errc::kIo, "/proc/self/exe cannot be read");
  return std::string(path.data(), static_cast<std::size_t>(size));
}

Status become(const std::string& path, char* const* arguments) {
  ::execv(path.c_str(), arguments);
  const int error = errno;
  return fail(error == ENOENT ? Errc::kNotFound : Errc::kIo,
              path + ": " + std::generic_category().message(error));
}

void exit_now(int code) {
  ::_exit(code);
}

}  // namespace oncemq::os
