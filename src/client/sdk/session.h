#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/remoting/meeting.h"
#include "client/remoting/remoting_client.h"
#include "client/sdk/calls.h"
#include "client/sdk/failure.h"
#include "client/sdk/heart.h"
#include "client/sdk/routes.h"
#include "os/clock.h"
#include "os/random.h"
#include "wire/remoting/body/heartbeat.h"

namespace oncemq::sdk {

// What a consumer stands on that asks brokers when it is asked itself: its thread, and on it
// routes, heart and calls. Thread rule: monitor.
class Session {
 public:
  // Introduces the group to every broker of the routes that are found. kInvalidArgument |
  // kUnreachable (a name server's name) | kInternal.
  static Result<std::unique_ptr<Session>> open(const std::vector<std::string>& name_servers,
                                               const std::string& instance,
                                               wire::ConsumerGroup group);
  ~Session();  // close(); not on its own thread

  // Of its thread.
  client::RemotingClient& client() { return *client_; }
  Routes& routes() { return *routes_; }
  Calls& calls() { return *calls_; }

  const os::Clock& clock() const { return clock_; }
  std::int64_t now_ms() const { return clock_.monotonic_ms(); }
  // Whether this is its thread, on which nobody may wait.
  bool in_callback() { return client_->loop().in_loop(); }

  // Runs `start` on its thread and waits for what that brings, once. kWouldBlock.
  template <class T>
  Result<T> wait_for(const std::function<void(std::function<void(Result<T>)>)>& start) {
    if (in_callback()) return failure(Errc::kWouldBlock, "a callback cannot wait");
    const auto meeting = std::make_shared<client::Meeting<Result<T>>>();  // see RemotingClient
    client_->loop().post([&start, meeting] {
      start([meeting](Result<T> brought) { meeting->bring(std::move(brought)); });
    });
    return meeting->wait();
  }

  // Waits for the call, whose `on_answer` is set here. kWouldBlock, and as Calls::Call says.
  Result<client::Answer> call(Calls::Call call);
  // Waits for that long; not on its own thread.
  void pause(std::int64_t pause_ms);

  // Ends calls with kClosed, now and later, and `also` in the same step; tells brokers and waits
  // for none. Has happened when it returns, on its own thread soon after. Any number of times.
  void close(const std::function<void()>& also = [] {});

 private:
  Session() = default;

  os::SystemClock clock_;
  os::SystemRandom random_;
  std::unique_ptr<client::RemotingClient> client_;
  std::unique_ptr<Routes> routes_;
  std::unique_ptr<Heart> heart_;
  std::unique_ptr<Calls> calls_;
};

}  // namespace oncemq::sdk
