#include "front/remoting/client_calls.h"

#include <vector>

#include "front/remoting/loop_edge.h"

namespace oncemq::front {

bool ClientCalls::write(net::ConnectionRef to, std::string_view frame, std::string_view body) {
  Session* session = edge_.find(to);
  if (session == nullptr) return false;
  session->connection().write(as_bytes(frame));
  if (!body.empty()) session->connection().write(as_bytes(body));
  return true;
}

void ClientCalls::wait(net::ConnectionRef to, std::string_view frame, std::string_view body,
                       std::int64_t timeout_ms, Done done) {
  if (waiting_.size() >= kWaitingMax) {
    done(fail(Errc::kBusy, "too many questions to clients are waiting"));
    return;
  }
  if (!write(to, frame, body)) {
    done(fail(Errc::kConsumerOffline, "the client is not connected"));
    return;
  }
  const std::int32_t opaque = opaque_;
  const net::TimerId timer =
      edge_.loop().add_timer(edge_.loop().now_ms() + timeout_ms, [this, opaque] {
        finish(opaque, fail(Errc::kClientTimeout, "the client did not answer in time"));
      });
  waiting_.emplace(opaque, Waiting{to, timer, std::move(done)});
}

void ClientCalls::on_answer(net::ConnectionRef from, const wire::Command& answer) {
  const auto entry = waiting_.find(answer.opaque);
  // Only the connection that was asked may answer.
  if (entry == waiting_.end() || !(entry->second.connection == from)) return;
  edge_.loop().cancel(entry->second.timer);
  finish(answer.opaque, ClientAnswer{answer.code, answer.remark, answer.body});
}

void ClientCalls::on_close(net::ConnectionRef connection) {
  std::vector<std::int32_t> gone;
  for (const auto& [opaque, entry] : waiting_)
    if (entry.connection == connection) gone.push_back(opaque);
  for (const std::int32_t opaque : gone) {
    edge_.loop().cancel(waiting_.at(opaque).timer);
    finish(opaque, fail(Errc::kConsumerOffline, "the client's connection ended"));
  }
}

void ClientCalls::finish(std::int32_t opaque, const Result<ClientAnswer>& answer) {
  const auto entry = waiting_.find(opaque);
  if (entry == waiting_.end()) return;
  const Done done = std::move(entry->second.done);
  waiting_.erase(entry);
  done(answer);
}

}  // namespace oncemq::front
