#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "front/http/http_site.h"
#include "front/remoting/edge_fixture.h"
#include "net/test_support.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {

inline std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1:8082\r\n" +
         std::string(fields) + "\r\n";
}

// Both edges in one process, each on a loop that the test steps.
class HttpTest : public EdgeTest {
 protected:
  explicit HttpTest(store::CommitPolicy policy = store::CommitPolicy::kFlushed,
                    bool allow_faults = false)
      : EdgeTest(policy, allow_faults) {
    net::ServerOptions options = http_server_options(settings.get());
    options.limits.sweep_ms = 1'000;
    http = net::Server::open(options, test_broker.clock).value();
    site = std::make_unique<HttpSite>(*http, test_broker.clock, settings);
    committed = [this](store::CommittedOffset mark) { site->committed(mark); };
    port = http->listen(Address::loopback(0), *site, {.proxy_protocol = false}).value();
  }
  ~HttpTest() override { http.reset(); }

  void start() {
    site->attach({.server = server.get(),
                  .metrics = &remoting->metrics(),
                  .broker = &test_broker.broker,
                  .store = &test_broker.store,
                  .options = &test_broker.options,
                  .names = names.get(),
                  .startup_ms = 42,
                  .process =
                      [] {
                        return ProcessSample{1.5, 1000, 900};
                      },
                  .change_settings =
                      [this](std::span<const model::SettingAssignment> set) {
                        return change_settings(
                            settings,
                            [this](std::span<const model::SettingAssignment> rows) {
                              for (const auto& row : rows)
                                saved.push_back(row.name + "=" + row.value);
                              return save_result;
                            },
                            set);
                      }});
    site->set_phase(HttpSite::Phase::kReady);
  }
  void step() {
    http->loop(0).run_once(1);
    if (client_loop_runs) loop->run_once(0);
    if (service_runs) test_broker.broker.service_tick();
  }
  // What the peer has received when the connection ended or the answers are complete.
  std::string receive(net::Peer& peer, std::size_t answers = 1) {
    std::string text;
    for (int i = 0; i < 500; ++i) {
      step();
      text += peer.receive();
      if (complete(text, answers)) break;
    }
    return text;
  }
  static bool complete(std::string_view text, std::size_t answers) {
    for (; answers > 0; --answers) {
      const std::size_t end = text.find("\r\n\r\n");
      const std::size_t length = text.find("Content-Length: ");
      if (end == std::string_view::npos || length > end) return false;
      std::size_t size = 0;
      std::istringstream(std::string(text.substr(length + 16, 12))) >> size;
      if (text.size() < end + 4 + size) return false;
      text.remove_prefix(end + 4 + size);
    }
    return true;
  }
  std::string ask(std::string_view request) {
    net::Peer peer(port);
    peer.send(request);
    return receive(peer);
  }
  std::string page(std::string_view target, std::string_view fields = {}) {
    const std::string answer = ask(get(target, fields));
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "(no answer)" : answer.substr(end + 4);
  }
  Json api(std::string_view target) {
    auto json = Json::parse(page("/api/v1" + std::string(target)));
    EXPECT_TRUE(json.has_value());
    return json ? *json : Json{};
  }
  void send(std::string_view topic, std::string_view body) {
    FakeConnection& producer = connect();
    const Answer answer = call<wire::SendMessage>(producer,
                                                  {.producer_group = "p",
                                                   .topic = topic,
                                                   .default_topic = "TBW102",
                                                   .default_topic_queue_nums = 4,
                                                   .queue_id = 1,
                                                   .properties = "KEYS\x01k1\x02"},
                                                  body);
    EXPECT_EQ(answer.code, 0) << answer.remark;
  }
  void pull(FakeConnection& consumer, std::int64_t offset, std::int32_t expected) {
    const Answer answer =
        call<wire::PullMessage>(consumer, {.consumer_group = "g",
                                           .topic = "t",
                                           .queue_id = 1,
                                           .queue_offset = offset,
                                           .max_messages = 32,
                                           .sys_flag = wire::pullflag::kSubscription,
                                           .subscription = "*"});
    EXPECT_EQ(answer.code, expected) << answer.remark;
  }

  std::unique_ptr<net::Server> http;
  std::unique_ptr<HttpSite> site;
  Address port;
  bool client_loop_runs = true;
  bool service_runs = true;
};

}  // namespace oncemq::front
