#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "net/connection.h"
#include "net/event_loop.h"
#include "wire/remoting/schema.h"

namespace oncemq::front {

class LoopEdge;

// What a client said to a question of ours; views valid during the callback.
struct ClientAnswer {
  std::int32_t code = 0;
  std::string_view remark;
  Bytes body;
};

// Requests of the broker to clients, on the clients' own connections: notifications, and questions
// of operators that are passed on. Each loop has its own numbers, because the answer comes back on
// the loop that asked. Thread rule: confined to the loop.
class ClientCalls {
 public:
  // kConsumerOffline: the connection is gone or ended; kClientTimeout; kBusy: kWaitingMax.
  using Done = std::function<void(const Result<ClientAnswer>& answer)>;
  // Operators ask one at a time. Replies of request-reply wait here for a round trip, or 10 s when
  // the asker is stuck: 400 of those per second and loop. About 1 KiB each, besides the properties
  // of the reply: 4 MiB.
  static constexpr std::size_t kWaitingMax = 4096;

  explicit ClientCalls(LoopEdge& edge) : edge_(edge) {}

  // One-way; nothing happens when the connection is gone.
  template <class R>
  void tell(net::ConnectionRef to, const typename R::Header& header, std::string_view body = {}) {
    std::string frame;
    wire::encode_request<R>(frame, wire::HeaderKind::kJson, ++opaque_, header, body.size(), true);
    write(to, frame, body);
  }
  template <class R>
  void ask(net::ConnectionRef to, const typename R::Header& header, std::string_view body,
           std::int64_t timeout_ms, Done done) {
    std::string frame;
    wire::encode_request<R>(frame, wire::HeaderKind::kJson, ++opaque_, header, body.size());
    wait(to, frame, body, timeout_ms, std::move(done));
  }

  // An answer came in. One that nobody waits for is dropped.
  void on_answer(net::ConnectionRef from, const wire::Command& answer);
  void on_close(net::ConnectionRef connection);
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    net::ConnectionRef connection;
    net::TimerId timer;
    Done done;
  };

  bool write(net::ConnectionRef to, std::string_view frame, std::string_view body);
  void wait(net::ConnectionRef to, std::string_view frame, std::string_view body,
            std::int64_t timeout_ms, Done done);
  void finish(std::int32_t opaque, const Result<ClientAnswer>& answer);

  LoopEdge& edge_;
  std::int32_t opaque_ = 0;
  std::unordered_map<std::int32_t, Waiting> waiting_;
};

}  // namespace oncemq::front
