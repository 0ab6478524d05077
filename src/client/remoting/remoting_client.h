#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"
#include "client/remoting/answer.h"
#include "client/remoting/channel.h"
#include "net/event_loop.h"
#include "os/clock.h"
#include "os/thread.h"
#include "wire/remoting/schema.h"

namespace oncemq::client {

struct RemotingOptions {
  std::int64_t timeout_ms = 3'000;  // of one call
  wire::HeaderKind header = wire::HeaderKind::kJson;
  OnRequest on_request{};  // runs on the client's thread; without it requests are passed over
};

// Requests to name servers and brokers, by address ("HOST:PORT"), over one connection each that is
// opened when it is needed and again after it was lost. Runs one thread, "client". Thread rule:
// monitor; no call from within an on_answer may wait.
class RemotingClient {
 public:
  // The clock outlives the client.
  static Result<std::unique_ptr<RemotingClient>> open(const os::Clock& clock,
                                                      RemotingOptions options = {});
  ~RemotingClient();  // whoever waits gets kIo

  // Waits for the answer. kIo (no connection, no answer) | kInvalidArgument, kNotFound (address) |
  // kBadBytes. A refusal is an answer: see Answer::status().
  template <class Request>
  Result<Answer> call(std::string_view address, const typename Request::Header& header,
                      Bytes body = {}) {
    const std::int32_t opaque = next_opaque();
    return invoke(address, opaque, frame<Request>(opaque, header, body, false));
  }
  // `on_answer` runs once, on the client's thread; also for errors that show at once.
  template <class Request>
  void call_async(std::string_view address, const typename Request::Header& header, Bytes body,
                  OnAnswer on_answer) {
    call_async<Request>(address, header, body, options_.timeout_ms, std::move(on_answer));
  }
  // With a time of its own instead of the client's.
  template <class Request>
  void call_async(std::string_view address, const typename Request::Header& header, Bytes body,
                  std::int64_t timeout_ms, OnAnswer on_answer) {
    const std::int32_t opaque = next_opaque();
    invoke_async(address, opaque, frame<Request>(opaque, header, body, false), timeout_ms,
                 std::move(on_answer));
  }
  // Nobody learns whether it arrived. kInvalidArgument | kNotFound (address).
  template <class Request>
  Status call_oneway(std::string_view address, const typename Request::Header& header,
                     Bytes body = {}) {
    return send_oneway(address, frame<Request>(next_opaque(), header, body, true));
  }

  // Of the client's thread: for tasks and timers beside the calls. As long as the client.
  net::EventLoop& loop() { return *loop_; }
  // Connections that are open or being opened. Waits for the client's thread.
  std::size_t connections();

 private:
  RemotingClient(std::unique_ptr<net::Shared> shared, const RemotingOptions& options);

  template <class Request>
  std::string frame(std::int32_t opaque, const typename Request::Header& header, Bytes body,
                    bool oneway) const {
    std::string bytes;
    wire::encode_request<Request>(bytes, options_.header, opaque, header, body.size(), oneway);
    bytes += as_text(body);
    return bytes;
  }
  std::int32_t next_opaque() {
    return opaque_.fetch_add(1, std::memory_order_relaxed) & 0x7fffffff;
  }
  Result<Answer> invoke(std::string_view address, std::int32_t opaque, std::string frame);
  void invoke_async(std::string_view address, std::int32_t opaque, std::string frame,
                    std::int64_t timeout_ms, OnAnswer on_answer);
  Status send_oneway(std::string_view address, std::string frame);
  // On the loop: the channel to that address, opened when there is none.
  Result<Channel*> channel(const std::string& name, const Address& address);

  const RemotingOptions options_;
  std::unique_ptr<net::Shared> shared_;
  std::unique_ptr<net::EventLoop> loop_;
  std::unordered_map<std::string, Channel*> channels_;  // confined to the loop
  std::atomic<std::int32_t> opaque_{1};
  os::Thread thread_;
};

}  // namespace oncemq::client
