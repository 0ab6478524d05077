#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/test_broker.h"
#include "front/remoting/remoting_edge.h"
#include "model/live_settings.h"
#include "net/server.h"
#include "wire/remoting/command.h"
#include "wire/remoting/frame.h"
#include "wire/remoting/schema.h"

// The protocol edge with bytes in and bytes out: a real loop that is stepped by hand, connections
// that are buffers. Thread rule: confined to the test.
namespace oncemq::front {

class FakeConnection final : public net::Connection {
 public:
  FakeConnection(net::EventLoop& loop, std::uint32_t slot, std::string_view peer)
      : loop_(loop), slot_(slot), peer_(Address::parse(peer).value()) {}

  net::EventLoop& loop() const override { return loop_; }
  net::ConnectionRef ref() const override { return {.loop = 0, .slot = slot_, .generation = 1}; }
  const Address& peer() const override { return peer_; }
  const Address& socket_peer() const override { return peer_; }
  const Address& local() const override { return peer_; }
  net::ConnectionHandler& handler() const override { return *session; }
  void write(Bytes bytes) override { out.append(as_text(bytes)); }
  MutableBytes prepare(std::size_t size) override {
    room_.resize(size);
    return room_;
  }
  void commit(std::size_t size) override { write(Bytes(room_).first(size)); }
  void write_pinned(Bytes bytes, std::shared_ptr<const void> pin) override {
    pins.push_back(std::move(pin));
    write(bytes);
  }
  std::size_t unsent() const override { return out.size(); }
  bool congested() const override { return is_congested; }
  void pause_reading() override { paused = true; }
  void resume_reading() override { paused = false; }
  void expect(std::size_t size) override { expected = size; }
  void close_after_flush(net::CloseReason reason) override { closed = reason; }
  void close(net::CloseReason reason) override { closed = reason; }
  bool closing() const override { return closed.has_value(); }

  std::unique_ptr<net::ConnectionHandler> handler_owner;
  Session* session = nullptr;  // the same
  std::string out;
  std::vector<std::shared_ptr<const void>> pins;
  std::optional<net::CloseReason> closed;
  std::size_t expected = 0;
  bool paused = false;
  bool is_congested = false;

 private:
  net::EventLoop& loop_;
  const std::uint32_t slot_;
  const Address peer_;
  std::vector<std::byte> room_;
};

// A decoded answer that owns its strings.
struct Answer {
  std::int32_t code = -1;
  std::int32_t opaque = 0;
  std::int32_t flag = 0;
  std::string remark;
  std::map<std::string, std::string> fields;
  std::string body;
};

class EdgeTest : public ::testing::Test {
 protected:
  explicit EdgeTest(store::CommitPolicy policy = store::CommitPolicy::kFlushed,
                    bool allow_faults = false)
      : test_broker(policy, allow_faults) {
    kv = route::KvConfig::open(test_broker.disk, "namesrv").value();
    names = std::make_unique<route::NameService>(settings, test_broker.clock, *kv);
    server = net::Server::open({.loops = 1}, test_broker.clock).value();
    loop = &server->loop(0);
    remoting = std::make_unique<RemotingEdge>(
        *server, EdgeParts{.settings = settings,
                           .clock = test_broker.clock,
                           .broker = &test_broker.broker,
                           .store = &test_broker.store,
                           .options = &test_broker.options,
                           .switches = &test_broker.switches,
                           .names = names.get(),
                           .kv = kv.get(),
                           .save_settings = [this](std::span<const model::SettingAssignment> set) {
                             for (const auto& a : set) saved.push_back(a.name + "=" + a.value);
                             return save_result;
                           }});
    edge = remoting->edges()[0].get();
    remoting->set_serving(true);
    test_broker.start([this](store::CommittedOffset mark) {
      remoting->committed();
      if (committed) committed(mark);
    });
  }
  ~EdgeTest() override {
    test_broker.broker.parked().stop();
    tick();
    for (auto& connection : connections) {
      if (connection->handler_owner) disconnect(*connection);
    }
    server.reset();
    remoting->ended();
  }

  FakeConnection& connect(std::string_view peer = "10.0.0.9:50000") {
    connections.push_back(std::make_unique<FakeConnection>(
        *loop, static_cast<std::uint32_t>(connections.size()), peer));
    FakeConnection& connection = *connections.back();
    connection.handler_owner = remoting->on_accept(connection);
    connection.session = static_cast<Session*>(connection.handler_owner.get());
    return connection;
  }
  void disconnect(FakeConnection& connection) {
    connection.session->on_close(connection, net::CloseReason::kPeerClosed);
    connection.handler_owner.reset();
    connection.session = nullptr;
  }
  // One read; what is returned was consumed. As in a read buffer, the bytes stay until the tick
  // ends.
  std::size_t feed(FakeConnection& connection, std::string_view bytes) {
    fed_.emplace_back(bytes);
    return connection.session->on_bytes(connection, as_bytes(fed_.back()));
  }
  void tick() {
    loop->run_once(0);
    fed_.clear();
  }

  template <class R>
  std::string request(const typename R::Header& header, std::string_view body = {},
                      bool oneway = false, wire::HeaderKind kind = wire::HeaderKind::kJson) {
    std::string frame;
    wire::encode_request<R>(frame, kind, ++opaque, header, body.size(), oneway);
    return frame.append(body);
  }
  // Sends and ticks; the next answer of the connection.
  template <class R>
  Answer call(FakeConnection& connection, const typename R::Header& header,
              std::string_view body = {}) {
    const std::string frame = request<R>(header, body);
    EXPECT_EQ(feed(connection, frame), frame.size());
    tick();
    test_broker.broker.service_tick();
    tick();
    return take(connection);
  }
  // The next frame that was written to the connection; code -1 when there is none.
  static Answer take(FakeConnection& connection) {
    const wire::Cut cut = wire::cut_frame(as_bytes(connection.out));
    Answer answer;
    if (cut.state != wire::Cut::State::kComplete) return answer;
    wire::Command command;
    const Status decoded = command.decode(cut.frame);
    EXPECT_TRUE(decoded.has_value()) << decoded.error().message;
    answer.code = command.code;
    answer.opaque = command.opaque;
    answer.flag = command.flag;
    answer.remark = command.remark;
    for (const wire::ExtField& field : command.ext)
      answer.fields.emplace(std::string(field.name), std::string(field.value));
    answer.body = as_text(command.body);
    connection.out.erase(0, cut.size);
    return answer;
  }

  void make_topic(std::string_view name, std::int32_t queues = 4,
                  std::int32_t perm = model::perm::kRead | model::perm::kWrite) {
    const Status status = test_broker.broker.topics().update(
        {.name = std::string(name), .read_queues = queues, .write_queues = queues, .perm = perm});
    ASSERT_TRUE(status.has_value()) << status.error().message;
  }
  void make_group(std::string_view name) {
    ASSERT_TRUE(test_broker.broker.groups().update({.name = std::string(name)}).has_value());
  }

  std::function<void(store::CommittedOffset)> committed;  // whoever else wants to know
  broker::TestBroker test_broker;
  model::LiveSettings settings{model::Settings{}};
  std::unique_ptr<route::KvConfig> kv;
  std::unique_ptr<route::NameService> names;
  std::unique_ptr<RemotingEdge> remoting;
  std::unique_ptr<net::Server> server;
  net::EventLoop* loop = nullptr;
  LoopEdge* edge = nullptr;
  std::vector<std::unique_ptr<FakeConnection>> connections;
  std::vector<std::string> saved;
  Status save_result;
  std::int32_t opaque = 100;

 private:
  std::deque<std::string> fed_;  // a deque: what was fed before does not move
};

}  // namespace oncemq::front
