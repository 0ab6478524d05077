#include "front/http/http_site.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "front/http/http_fixture.h"

namespace oncemq::front {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using HttpSiteTest = HttpTest;

TEST_F(HttpSiteTest, SaysHowItStands) {
  EXPECT_THAT(ask(get("/readyz")), HasSubstr("503 Service Unavailable"));
  EXPECT_THAT(page("/readyz"), StartsWith("starting"));
  EXPECT_THAT(ask(get("/healthz")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ask(get("/metrics")), StartsWith("HTTP/1.1 503 "));
  start();
  EXPECT_THAT(ask(get("/readyz")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(page("/readyz"), "ready\n");
  test_broker.store.refuses = Error{Errc::kNotWritable, "the disk is full"};
  EXPECT_THAT(ask(get("/readyz")), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(page("/readyz"), "not writable: the disk is full\n");
  test_broker.store.refuses = std::nullopt;
  site->set_phase(HttpSite::Phase::kStopping);
  EXPECT_THAT(page("/readyz"), StartsWith("stopping"));
}

TEST_F(HttpSiteTest, HealthAsksTheLoopsOfTheClients) {
  start();
  EXPECT_EQ(page("/healthz"), "ok\n");
  client_loop_runs = false;
  // The verdict holds for a moment, so that asking without end does not wake the loops without end.
  EXPECT_EQ(page("/healthz"), "ok\n");
  test_broker.clock.advance_ms(LoopHealth::kFreshMs);
  std::vector<net::Peer> peers;
  for (int i = 0; i < 2; ++i) {
    peers.emplace_back(port);
    peers.back().send(get("/healthz"));
  }
  for (int i = 0; i < 20; ++i) step();
  for (net::Peer& peer : peers) EXPECT_EQ(peer.receive(), "");
  test_broker.clock.advance_ms(LoopHealth::kAnswerMs);
  for (net::Peer& peer : peers) {
    const std::string answer = receive(peer);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(answer, HasSubstr("no answer within 2000 ms from loop-0"));
  }
  // It comes to itself: the late answer of the first question disturbs nobody.
  client_loop_runs = true;
  for (int i = 0; i < 5; ++i) step();
  test_broker.clock.advance_ms(LoopHealth::kFreshMs);
  EXPECT_EQ(page("/healthz"), "ok\n");
}

TEST_F(HttpSiteTest, OneConnectionManyRequests) {
  start();
  net::Peer peer(port);
  peer.send(get("/readyz") + get("/healthz") + get("/nothing"));
  const std::string answers = receive(peer, 3);
  EXPECT_THAT(answers, HasSubstr("ready\n"));
  EXPECT_THAT(answers, HasSubstr("ok\n"));
  EXPECT_THAT(answers, HasSubstr("404 Not Found"));
  peer.send(get("/readyz", "Connection: close\r\n"));
  EXPECT_THAT(receive(peer), HasSubstr("Connection: close\r\n"));
  step();
  EXPECT_TRUE(peer.ended());
}

TEST_F(HttpSiteTest, HeadHasNoBody) {
  start();
  net::Peer peer(port);
  peer.send("HEAD /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string answer;
  for (int i = 0; i < 20; ++i) {
    step();
    answer += peer.receive();
  }
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpSiteTest, RefusesWhatIsNotServed) {
  start();
  const std::string post = ask("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(post, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(ask(get("/api/v2")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: [::1]:8082\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  net::Peer peer(port);
  peer.send("no request at all\r\n\r\n");
  EXPECT_THAT(receive(peer), StartsWith("HTTP/1.1 400 "));
  step();
  EXPECT_TRUE(peer.ended());
}

TEST_F(HttpSiteTest, AHeadThatDripsEndsAndCostsNobodyElse) {
  start();
  net::Peer drip(port);
  drip.send("GET / HT");
  for (int i = 0; i < 12; ++i) {
    test_broker.clock.advance_ms(1'000);
    drip.send("T");
    for (int n = 0; n < 3; ++n) step();
    EXPECT_EQ(page("/readyz"), "ready\n");
  }
  EXPECT_TRUE(drip.ended());
}

TEST_F(HttpSiteTest, ConnectionsAreBounded) {
  start();
  std::vector<net::Peer> peers;
  for (std::size_t i = 0; i < 100; ++i) {
    peers.emplace_back(port);
    step();
  }
  for (int i = 0; i < 5; ++i) step();
  net::Peer late(port);
  for (int i = 0; i < 5; ++i) step();
  EXPECT_TRUE(late.ended());
  peers.front().send(get("/readyz"));
  EXPECT_THAT(receive(peers.front()), HasSubstr("ready\n"));
}

TEST_F(HttpSiteTest, MetricsTellWhatHappened) {
  start();
  send("t", "hello");
  send("t", "again");
  make_group("g");
  FakeConnection& consumer = connect();
  pull(consumer, 0, 0);
  pull(consumer, 7, 21);
  ASSERT_TRUE(
      test_broker.broker.offsets().commit("g", "t", 1, model::ConsumeOffset{1}).has_value());
  test_broker.clock.advance_ms(90'000);
  const std::string text = page("/metrics");
  for (const MetricRow& row : metric_table())
    EXPECT_THAT(text, HasSubstr("# TYPE " + std::string(row.name) + " "));
  EXPECT_THAT(text,
              HasSubstr("\noncemq_requests_total{request=\"SEND_MESSAGE\",lane=\"send\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("\noncemq_requests_total{request=\"PULL_MESSAGE\",lane=\"pull\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_request_answers_total{request=\"PULL_MESSAGE\","
                              "answer=\"PULL_OFFSET_MOVED\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_send_appended_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_send_committed_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_send_answered_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_topic_messages_in_total{topic=\"t\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_topic_messages_out_total{topic=\"t\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_group_messages_out_total{topic=\"t\",group=\"g\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_group_lag_messages{topic=\"t\",group=\"g\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_group_lag_seconds{topic=\"t\",group=\"g\"} 90\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_group_in_flight_messages{topic=\"t\",group=\"g\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_store_writable 1\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_startup_seconds 0.042\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_redeliveries_total{cause=\"consumer_asked\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_memory_bytes{owner=\"private\"} 900\n"));
  for (const std::string_view owner :
       {"connections", "http", "staging", "key_index", "queues", "offsets", "deliveries", "clients",
        "pop", "dead_letters", "parked_pulls", "parked_pops", "timers", "transactions",
        "idempotency", "sql_filters", "topics", "groups"})
    EXPECT_THAT(text, HasSubstr("\noncemq_memory_bytes{owner=\"" + std::string(owner) + "\"} "));
  EXPECT_THAT(text, Not(HasSubstr("# EOF")));
}

TEST_F(HttpSiteTest, MessagesWithheldByTheirExpressionsCostAreToldByGroup) {
  start();
  test_broker.broker.stats().filter_over("t", "g", "a > 1", 2);
  test_broker.broker.stats().filter_over("u", "g", "a > 1", 1);
  EXPECT_THAT(page("/metrics"), HasSubstr("\noncemq_group_filter_over_total{group=\"g\"} 3\n"));
}

TEST_F(HttpSiteTest, NoLineIsSaidTwiceAndAllAreWellFormed) {
  start();
  send("t", "hello");
  std::istringstream lines(page("/metrics"));
  std::set<std::string> series;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) continue;
    const std::size_t space = line.rfind(' ');
    ASSERT_NE(space, std::string::npos) << line;
    EXPECT_TRUE(series.insert(line.substr(0, space)).second) << line;
    double value = 0;
    EXPECT_TRUE(std::istringstream(line.substr(space + 1)) >> value) << line;
  }
  EXPECT_GT(series.size(), 100U);
}

TEST_F(HttpSiteTest, OpenMetricsWhenAskedFor) {
  start();
  const std::string answer = ask(
      get("/metrics", "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: application/openmetrics-text; version=1.0.0"));
  EXPECT_THAT(answer, HasSubstr("# TYPE oncemq_requests counter\n"));
  EXPECT_TRUE(answer.ends_with("# EOF\n"));
}

TEST_F(HttpSiteTest, ApiTellsTopicsGroupsAndMessages) {
  start();
  send("t", "hello");
  make_group("g");
  ASSERT_TRUE(
      test_broker.broker.offsets().commit("g", "t", 1, model::ConsumeOffset{0}).has_value());
  EXPECT_EQ(api("/cluster")["broker"].as_string(), "b-a");
  EXPECT_EQ(api("/config")["httpListenPort"].as_string(), "8082");
  EXPECT_EQ(api("/topics?prefix=t")["topics"].items().size(), 1U);
  EXPECT_TRUE(api("/topics?limit=1")["more"].as_bool());
  const Json topic = api("/topics/t");
  EXPECT_EQ(topic["messages"].as_int(), 1);
  EXPECT_EQ(topic["groups"].items().at(0).as_string(), "g");
  const Json group = api("/groups/g");
  EXPECT_EQ(group["lag"].items().at(0)["messages"].as_int(), 1);
  EXPECT_EQ(api("/groups?prefix=g")["groups"].items().at(0)["lag"].as_int(), 1);

  const Json stored =
      api("/topics/t/queues/1/messages?offset=0&body=true")["messages"].items().at(0);
  EXPECT_EQ(stored["body"].as_string(), "hello");
  EXPECT_EQ(stored["properties"]["KEYS"].as_string(), "k1");
  const Json same = api("/messages/" + stored["offsetMessageId"].as_string());
  EXPECT_EQ(same["body"].as_string(), "hello");
  EXPECT_EQ(same["queueId"].as_int(), 1);
}

TEST_F(HttpSiteTest, ApiErrorsSayWhatToDo) {
  start();
  const auto error = [this](std::string_view target) { return api(target)["error"]; };
  EXPECT_EQ(error("/topics/missing")["code"].as_string(), "topic_not_found");
  EXPECT_THAT(error("/topics/missing")["hint"].as_string(), HasSubstr("/api/v1/topics"));
  EXPECT_EQ(error("/groups/missing")["code"].as_string(), "group_not_found");
  EXPECT_EQ(error("/groups/missing/causes")["code"].as_string(), "group_not_found");
  EXPECT_EQ(error("/nothing")["code"].as_string(), "not_found");
  EXPECT_EQ(error("/topics?limit=0")["code"].as_string(), "invalid_argument");
  EXPECT_EQ(error("/topics?limit=x")["code"].as_string(), "invalid_argument");
  EXPECT_EQ(error("/topics/%RETRY%g")["code"].as_string(), "bad_bytes");
  EXPECT_EQ(error("/messages?topic=t")["code"].as_string(), "invalid_argument");
  EXPECT_EQ(error("/messages/zz")["code"].as_string(), "invalid_argument");
  EXPECT_EQ(error("/topics/TBW102/queues/99999/messages")["code"].as_string(), "invalid_argument");
  EXPECT_EQ(error("/topics//queues")["code"].as_string(), "not_found");
}

TEST_F(HttpSiteTest, CausesAreToldWithTheirEvents) {
  start();
  for (int i = 0; i < 3; ++i) send("t", "m");
  make_group("g");
  FakeConnection& first = connect("10.0.0.1:1");
  FakeConnection& second = connect("10.0.0.2:1");
  pull(first, 0, 0);
  pull(second, 1, 0);  // took the queue over at an older offset
  const Json causes = api("/groups/g/causes");
  EXPECT_EQ(causes["redeliveries"]["queue_moved"].as_int(), 2);
  const Json event = causes["recent"].items().at(0);
  EXPECT_EQ(event["topic"].as_string(), "t");
  EXPECT_EQ(event["offset"].as_int(), 1);
  EXPECT_EQ(event["messages"].as_int(), 2);
  EXPECT_EQ(api("/causes")["redeliveries"]["queue_moved"].as_int(), 2);
  const Json twice = api("/duplicates?topic=t&group=g")["duplicates"].items().at(0);
  EXPECT_EQ(twice["what"].as_string(), "queue_moved");
  EXPECT_EQ(twice["copies"].as_int(), 2);
  EXPECT_EQ(twice["of"].as_int(), 5);
  EXPECT_THAT(page("/metrics"), HasSubstr("oncemq_group_redeliveries_total{group=\"g\","
                                          "cause=\"queue_moved\"} 2\n"));
}

TEST(Metrics, ThePageInDocsIsCurrent) {
  std::ifstream file(ONCEMQ_SOURCE_DIR "/docs/metrics.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), metrics_markdown()) << "oncemq docs metrics > docs/metrics.md";
}

TEST(Metrics, NamesFollowTheRules) {
  std::set<std::string_view> names;
  for (const MetricRow& row : metric_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.name.starts_with("oncemq_")) << row.name;
    EXPECT_EQ(row.type == MetricType::kCounter, row.name.ends_with("_total")) << row.name;
    if (row.type == MetricType::kHistogram) {
      EXPECT_TRUE(row.name.ends_with("_seconds")) << row.name;
    }
    EXPECT_TRUE(row.help.ends_with('.')) << row.name;
    EXPECT_EQ(row.help.find_first_of("\n\\"), std::string_view::npos) << row.name;
  }
}

}  // namespace
}  // namespace oncemq::front
