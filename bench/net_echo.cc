// The event loop beside Asio: one server thread that cuts frames of 1.2 KB and answers each with
// 100 bytes, which is what a send costs without its work. The same generator drives both; counted
// is the processor time of the server's thread alone.
//
//   messages_per_cpu_s   messages per second of the server thread's processor time
//   p50_us               from the writing of a request to its answer, seen by the generator
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <asio.hpp>
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "net/server.h"
#include "os/clock.h"
#include "os/process_usage.h"

namespace {

using oncemq::Bytes;
using oncemq::load_be;
using oncemq::store_be;

constexpr std::size_t kRequest = 1200;
constexpr std::size_t kAnswer = 100;
constexpr std::size_t kRead = 64U << 10;

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string frame_of(std::size_t size) {
  std::string frame(size, 'x');
  store_be<std::int32_t>(reinterpret_cast<std::byte*>(frame.data()),
                         static_cast<std::int32_t>(size - 4));
  return frame;
}
const std::string kAnswerFrame = frame_of(kAnswer);

// Whole frames at the front of the bytes; `count` says how many, the result how long they are.
std::size_t whole_frames(Bytes bytes, std::size_t& count) {
  std::size_t used = 0;
  while (bytes.size() - used >= 4) {
    const std::size_t size = load_be<std::uint32_t>(bytes.data() + used) + 4;
    if (bytes.size() - used < size) break;
    used += size;
    ++count;
  }
  return used;
}

// ---- this project's loop

class OwnServer final : public oncemq::net::Acceptor {
 public:
  OwnServer() {
    server_ = std::move(*oncemq::net::Server::open({.loops = 1}, clock_));
    port_ = server_->listen(oncemq::Address::loopback(0), *this)->port;
    thread_ = std::thread([this] { server_->loop(0).run(); });
  }
  ~OwnServer() override {
    server_->loop(0).stop();
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  std::thread& thread() { return thread_; }

  std::unique_ptr<oncemq::net::ConnectionHandler> on_accept(oncemq::net::Connection&) override {
    return std::make_unique<Handler>();
  }

 private:
  struct Handler final : oncemq::net::ConnectionHandler {
    std::size_t on_bytes(oncemq::net::Connection& connection, Bytes unread) override {
      std::size_t count = 0;
      const std::size_t used = whole_frames(unread, count);
      for (; count > 0; --count) connection.write(oncemq::as_bytes(kAnswerFrame));
      return used;
    }
    void on_close(oncemq::net::Connection&, oncemq::net::CloseReason) override {}
  };

  oncemq::os::SystemClock clock_;
  std::unique_ptr<oncemq::net::Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// ---- Asio, as its documentation suggests to write it, with the buffers kept

class AsioServer {
 public:
  AsioServer() : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {
    port_ = acceptor_.local_endpoint().port();
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~AsioServer() {
    context_.stop();
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  std::thread& thread() { return thread_; }

 private:
  class Session : public std::enable_shared_from_this<Session> {
   public:
    explicit Session(asio::ip::tcp::socket socket) : socket_(std::move(socket)), in_(kRead) {
      socket_.set_option(asio::ip::tcp::no_delay(true));
    }
    void read() {
      socket_.async_read_some(asio::buffer(in_.data() + size_, in_.size() - size_),
                              [self = shared_from_this()](asio::error_code error, std::size_t got) {
                                if (!error) self->take(got);
                              });
    }

   private:
    void take(std::size_t got) {
      size_ += got;
      std::size_t count = 0;
      const std::size_t used = whole_frames(Bytes(in_.data(), size_), count);
      std::memmove(in_.data(), in_.data() + used, size_ - used);
      size_ -= used;
      out_.clear();
      for (; count > 0; --count) out_ += kAnswerFrame;
      if (out_.empty()) {
        read();
        return;
      }
      asio::async_write(socket_, asio::buffer(out_),
                        [self = shared_from_this()](asio::error_code error, std::size_t) {
                          if (!error) self->read();
                        });
    }

    asio::ip::tcp::socket socket_;
    std::vector<std::byte> in_;
    std::size_t size_ = 0;
    std::string out_;
  };

  void accept() {
    acceptor_.async_accept([this](asio::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      std::make_shared<Session>(std::move(socket))->read();
      accept();
    });
  }

  asio::io_context context_{1};
  asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// ---- the generator

class Generator {
 public:
  Generator(std::uint16_t port, std::size_t connections, std::size_t window)
      : requests_(window, frame_of(kRequest)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::size_t i = 0; i < connections; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) std::abort();
      fcntl(fd, F_SETFL, O_NONBLOCK);
      polls_.push_back({.fd = fd, .events = POLLIN});
      lines_.emplace_back();
    }
    for (const std::string& request : requests_) joined_ += request;
  }
  ~Generator() {
    for (const pollfd& item : polls_) close(item.fd);
  }

  // Until that many more were answered; every answer is followed by a request.
  void run(std::size_t messages) {
    std::size_t answered = 0;
    if (!begun_) {
      for (std::size_t i = 0; i < polls_.size(); ++i) send(i, requests_.size());
      begun_ = true;
    }
    while (answered < messages) {
      poll(polls_.data(), polls_.size(), -1);
      for (std::size_t i = 0; i < polls_.size(); ++i) {
        if ((polls_[i].revents & POLLOUT) != 0) write(i);
        if ((polls_[i].revents & POLLIN) != 0) answered += receive(i);
      }
    }
  }
  double p50_us() {
    std::nth_element(latencies_.begin(), latencies_.begin() + middle(), latencies_.end());
    return latencies_[static_cast<std::size_t>(middle())] * 1e6;
  }

 private:
  struct Line {
    std::deque<double> sent;
    std::size_t partial = 0;  // of an answer
    std::size_t unsent = 0;   // bytes of whole requests, from the beginning of one
  };
  std::ptrdiff_t middle() const { return static_cast<std::ptrdiff_t>(latencies_.size() / 2); }

  void send(std::size_t i, std::size_t count) {
    const double now = seconds(CLOCK_MONOTONIC);
    lines_[i].sent.insert(lines_[i].sent.end(), count, now);
    lines_[i].unsent += count * kRequest;
    write(i);
  }
  void write(std::size_t i) {
    Line& line = lines_[i];
    // All requests are alike: where in a request the stream stands is all that counts.
    const std::size_t within = (kRequest - line.unsent % kRequest) % kRequest;
    const std::size_t size = std::min(line.unsent, joined_.size() - within);
    const ssize_t sent = ::send(polls_[i].fd, joined_.data() + within, size, MSG_NOSIGNAL);
    if (sent > 0) line.unsent -= static_cast<std::size_t>(sent);
    polls_[i].events = static_cast<short>(line.unsent > 0 ? POLLIN | POLLOUT : POLLIN);
  }
  std::size_t receive(std::size_t i) {
    const ssize_t got = recv(polls_[i].fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) std::abort();
    Line& line = lines_[i];
    line.partial += static_cast<std::size_t>(got);
    const std::size_t count = line.partial / kAnswer;
    line.partial %= kAnswer;
    const double now = seconds(CLOCK_MONOTONIC);
    for (std::size_t k = 0; k < count; ++k) {
      latencies_.push_back(now - line.sent.front());
      line.sent.pop_front();
    }
    if (count > 0) send(i, count);
    return count;
  }

  std::vector<std::string> requests_;
  std::string joined_;
  std::vector<pollfd> polls_;
  std::vector<Line> lines_;
  std::vector<double> latencies_;
  std::array<char, kRead> buffer_{};
  bool begun_ = false;
};

template <class Server>
void echo(benchmark::State& state) {
  Server server;
  Generator generator(server.port(), static_cast<std::size_t>(state.range(0)),
                      static_cast<std::size_t>(state.range(1)));
  constexpr std::size_t kMessages = 20'000;
  generator.run(kMessages);  // warm
  clockid_t clock{};
  pthread_getcpuclockid(server.thread().native_handle(), &clock);
  const double before = seconds(clock);
  std::size_t messages = 0;
  for (auto _ : state) {
    generator.run(kMessages);
    messages += kMessages;
  }
  state.counters["messages_per_cpu_s"] = static_cast<double>(messages) / (seconds(clock) - before);
  state.counters["p50_us"] = generator.p50_us();
  state.SetItemsProcessed(static_cast<std::int64_t>(messages));
}

// What a connection costs that has said something once and is silent now, in the server's and the
// generator's process together (the generator's part is a few hundred bytes).
void idle_connections(benchmark::State& state) {
  rlimit many{};
  getrlimit(RLIMIT_NOFILE, &many);
  many.rlim_cur = many.rlim_max;
  setrlimit(RLIMIT_NOFILE, &many);
  if (many.rlim_cur < 2 * static_cast<rlim_t>(state.range(0)) + 100) {
    state.SkipWithError("too few descriptors allowed");
    return;
  }
  for (auto _ : state) {
    OwnServer server;
    const auto before = *oncemq::os::process_usage(getpid());
    Generator generator(server.port(), static_cast<std::size_t>(state.range(0)), 1);
    generator.run(static_cast<std::size_t>(state.range(0)) * 2);
    const auto after = *oncemq::os::process_usage(getpid());
    state.counters["rss_bytes_per_connection"] =
        static_cast<double>(after.rss_bytes - before.rss_bytes) /
        static_cast<double>(state.range(0));
  }
}
BENCHMARK(idle_connections)->Arg(9'900)->Iterations(1)->Unit(benchmark::kMillisecond);

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"connections", "window"})
      ->Args({4, 32})
      ->Args({1, 1})
      ->Args({32, 8})
      ->Args({500, 1})
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}
BENCHMARK_TEMPLATE(echo, OwnServer)->Apply(shapes);
BENCHMARK_TEMPLATE(echo, AsioServer)->Apply(shapes);

}  // namespace
