#include "client/sdk/session.h"

#include "base/check.h"
#include "client/sdk/name_servers.h"

namespace oncemq::sdk {

Result<std::unique_ptr<Session>> Session::open(const std::vector<std::string>& name_servers,
                                               const std::string& instance,
                                               wire::ConsumerGroup group) {
  auto resolved = resolve_name_servers(name_servers);
  if (!resolved) return tl::unexpected(std::move(resolved.error()));
  std::unique_ptr<Session> session(new Session);
  auto client = client::RemotingClient::open(session->clock_);
  if (!client) return failure(Errc::kInternal, client.error().message);
  session->client_ = std::move(*client);
  session->routes_ =
      std::make_unique<Routes>(*session->client_, std::move(*resolved), Routes::For::kConsuming);
  session->heart_ = std::make_unique<Heart>(
      *session->client_, Heart::consumer(client_id(instance, session->random_), std::move(group)),
      [] {});
  session->calls_ = std::make_unique<Calls>(*session->client_, *session->routes_);
  session->routes_->on_new([raw = session.get()](const Route& route) {
    for (const auto& [broker, address] : route.masters) raw->heart_->meet(address);
  });
  const auto started = std::make_shared<client::Meeting<bool>>();  // see RemotingClient
  // From the first tick on the loop knows its thread.
  session->client_->loop().post([raw = session.get(), started] {
    raw->heart_->start();
    started->bring(true);
  });
  (void)started->wait();
  return session;
}

Session::~Session() {
  if (calls_ == nullptr) return;
  ONCE_CHECK(!in_callback(), "a consumer cannot end in its own callback");
  close();
  client_.reset();  // its thread uses the others
}

Result<client::Answer> Session::call(Calls::Call call) {
  return wait_for<client::Answer>([&](Calls::OnAnswer on_answer) {
    call.on_answer = std::move(on_answer);
    calls_->start(std::move(call));
  });
}

void Session::pause(std::int64_t pause_ms) {
  (void)wait_for<bool>([&](const std::function<void(Result<bool>)>& over) {
    client_->loop().add_timer(client_->loop().now_ms() + pause_ms, [over] { over(true); });
  });
}

void Session::close(const std::function<void()>& also) {
  const auto end = [this, also] {
    also();
    calls_->close();
    routes_->close();
    heart_->leave([] {});  // nobody waits for brokers
  };
  if (in_callback()) {
    client_->loop().post(end);  // callbacks do not run within each other
    return;
  }
  const auto ended = std::make_shared<client::Meeting<bool>>();  // as above
  client_->loop().post([end, ended] {
    end();
    ended->bring(true);
  });
  (void)ended->wait();
}

}  // namespace oncemq::sdk
