#include "client/remoting/remoting_client.h"

#include <utility>

#include "client/remoting/meeting.h"

namespace oncemq::client {
RemotingClient::RemotingClient(std::unique_ptr<net::Shared> shared, const RemotingOptions& options)
    : options_(options), shared_(std::move(shared)) {}

Result<std::unique_ptr<RemotingClient>> RemotingClient::open(const os::Clock& clock,
                                                             RemotingOptions options) {
  std::unique_ptr<RemotingClient> client(
      new RemotingClient(std::make_unique<net::Shared>(net::Limits{}), options));
  auto loop = net::EventLoop::open(0, clock, *client->shared_);
  if (!loop) return fail(std::move(loop.error()));
  client->loop_ = std::move(*loop);
  client->thread_ = os::Thread("client", [raw = client->loop_.get()] { raw->run(); });
  return client;
}

RemotingClient::~RemotingClient() {
  // Behind everything that was posted, so that nobody's answer is forgotten.
  if (loop_) loop_->post([raw = loop_.get()] { raw->stop(); });
  thread_.join();
}

Result<Channel*> RemotingClient::channel(const std::string& name, const Address& address) {
  const auto found = channels_.find(name);
  if (found != channels_.end()) return found->second;
  auto handler = std::make_unique<Channel>(
      *loop_, name, [this](Channel& gone) { channels_.erase(gone.address()); },
      options_.on_request);
  Channel* const made = handler.get();
  auto connection = loop_->connect(address, std::move(handler));
  if (!connection) return fail(std::move(connection.error()));
  made->attach(**connection);
  channels_.emplace(name, made);
  return made;
}

void RemotingClient::invoke_async(std::string_view address, std::int32_t opaque, std::string frame,
                                  std::int64_t timeout_ms, OnAnswer on_answer) {
  auto resolved = net::resolve(address);  // may wait for DNS: not on the loop
  loop_->post([this, name = std::string(address), resolved = std::move(resolved), opaque,
               timeout_ms, frame = std::move(frame), on_answer = std::move(on_answer)]() mutable {
    if (!resolved) {
      on_answer(fail(std::move(resolved.error())));
      return;
    }
    auto to = channel(name, resolved->front());
    if (!to) {
      on_answer(fail(std::move(to.error())));
      return;
    }
    (*to)->send(opaque, as_bytes(frame), timeout_ms, std::move(on_answer));
  });
}

Result<Answer> RemotingClient::invoke(std::string_view address, std::int32_t opaque,
                                      std::string frame) {
  // The callback may outlive this call only by its last instructions: wait() returns when bring()
  // has let go of the lock, so the meeting is shared for that moment.
  const auto meeting = std::make_shared<Meeting<Result<Answer>>>();
  invoke_async(address, opaque, std::move(frame), options_.timeout_ms,
               [meeting](Result<Answer> answer) { meeting->bring(std::move(answer)); });
  return meeting->wait();
}

Status RemotingClient::send_oneway(std::string_view address, std::string frame) {
  auto resolved = net::resolve(address);
  if (!resolved) return fail(std::move(resolved.error()));
  loop_->post([this, name = std::string(address), to = resolved->front(),
               frame = std::move(frame)]() mutable {
    auto found = channel(name, to);
    if (found) (*found)->send_oneway(as_bytes(frame));
  });
  return {};
}

std::size_t RemotingClient::connections() {
  const auto meeting = std::make_shared<Meeting<std::size_t>>();  // as in invoke()
  loop_->post([this, meeting] { meeting->bring(channels_.size()); });
  return meeting->wait();
}

}  // namespace oncemq::client
