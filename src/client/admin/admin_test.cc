#include "client/admin/admin.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/admin/message_finder.h"
#include "client/test_support.h"
#include "model/message_id.h"
#include "model/record_codec.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/broker_admin.h"
#include "wire/remoting/schema/groups.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/query.h"
#include "wire/remoting/schema/topics.h"

namespace oncemq::client {
namespace {

// One port that is the name server, the master "a" and its replica at once.
class AdminTest : public testing::Test {
 protected:
  using Handle = std::function<void(net::Connection&, const wire::Command&)>;

  AdminTest()
      : broker_([this](net::Connection& connection, const wire::Command& command) {
          const auto found = handles_.find(command.code);
          if (found != handles_.end())
            found->second(connection, command);
          else
            answer(connection, command, 3, "not here");
        }) {
    server_ = std::move(*net::Server::open({.loops = 1}, clock_));
    address_ = server_->listen(Address::loopback(0), broker_)->to_string();
    client_ = std::move(*RemotingClient::open(clock_));
    admin_ = std::make_unique<Admin>(*client_, address_);
    finder_ = std::make_unique<MessageFinder>(*client_, address_);
    on<wire::GetBrokerClusterInfo>(wire::encode_body(wire::ClusterInfo{
        .brokers = {{"a",
                     {.addresses = {{0, address_}, {1, address_}}, .name = "a", .cluster = "C"}}},
        .clusters = {{"C", {"a"}}}}));
  }

  template <class Request>
  void on(Handle handle) {
    handles_[Request::meta.code] = std::move(handle);
  }
  // A success with that body.
  template <class Request>
  void on(std::string body) {
    on<Request>([body](net::Connection& connection, const wire::Command& command) {
      answer(connection, command, 0, {}, body);
    });
  }
  template <class Request>
  void refuse(std::int32_t code) {
    on<Request>([code](net::Connection& connection, const wire::Command& command) {
      answer(connection, command, code, "no");
    });
  }
  // Handlers run on the server's thread: set before, looked at after an answer came.
  void start() { server_->start(); }

  os::SystemClock clock_;
  std::map<std::int32_t, Handle> handles_;
  FakeBroker broker_;
  std::unique_ptr<net::Server> server_;
  std::string address_;
  std::unique_ptr<RemotingClient> client_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<MessageFinder> finder_;
};

TEST_F(AdminTest, ListsBrokersWithTheirSpeedOrWithoutAnAnswer) {
  int asked = 0;
  on<wire::GetBrokerRuntimeInfo>([&](net::Connection& connection, const wire::Command& command) {
    if (++asked == 1)
      answer(connection, command, 0, {},
             wire::encode_body(wire::KvTable{.table = {{"brokerVersionDesc", "V5_3_3"},
                                                       {"putTps", "12.5 10.0 9.0"},
                                                       {"getTransferredTps", "7.0"}}}));
    else
      answer(connection, command, 14, "starting");
  });
  start();
  const auto brokers = admin_->brokers();
  ASSERT_TRUE(brokers);
  ASSERT_EQ(brokers->size(), 2U);
  EXPECT_EQ((*brokers)[0].cluster, "C");
  EXPECT_EQ((*brokers)[0].id, 0);
  EXPECT_EQ((*brokers)[0].version, "V5_3_3");
  EXPECT_EQ((*brokers)[0].put_tps, "12.5");
  EXPECT_EQ((*brokers)[0].get_tps, "7.0");
  EXPECT_EQ((*brokers)[1].id, 1);
  EXPECT_EQ((*brokers)[1].version, "");
}

TEST_F(AdminTest, TopicsAreListedByName) {
  on<wire::GetAllTopicListFromNameServer>(wire::encode_body(wire::TopicList{.topics = {"b", "a"}}));
  start();
  EXPECT_EQ(*admin_->topics(), (std::vector<std::string>{"a", "b"}));
}

TEST_F(AdminTest, ATopicIsCreatedOnMastersAndDeletedOnTheNameServerToo) {
  std::string seen;
  on<wire::UpdateAndCreateTopic>([&](net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::UpdateAndCreateTopic>(command);
    seen += "create " + std::string(header->topic) + " " + std::to_string(header->write_queues) +
            "/" + std::to_string(header->read_queues) + " perm " + std::to_string(header->perm) +
            ";";
    answer(connection, command, 0);
  });
  on<wire::DeleteTopicInBroker>([&](net::Connection& connection, const wire::Command& command) {
    seen += "broker;";
    answer(connection, command, 0);
  });
  on<wire::DeleteTopicInNameServer>([&](net::Connection& connection, const wire::Command& command) {
    seen += "name server;";
    answer(connection, command, 0);
  });
  start();
  EXPECT_TRUE(admin_->create_topic({.name = "T", .read_queues = 3, .write_queues = 2, .perm = 4}));
  EXPECT_TRUE(admin_->delete_topic("T"));
  EXPECT_EQ(seen, "create T 2/3 perm 4;broker;name server;");
}

TEST_F(AdminTest, RefusalsNameTheBroker) {
  refuse<wire::UpdateAndCreateTopic>(16);
  refuse<wire::GetTopicStatsInfo>(17);
  refuse<wire::GetConsumeStats>(26);
  start();
  const Status created = admin_->create_topic({.name = "T"});
  EXPECT_EQ(created.error().code, Errc::kNoPermission);
  EXPECT_EQ(created.error().message, "a: code 16: no");
  EXPECT_EQ(admin_->topic_queues("T").error().code, Errc::kTopicNotFound);
  EXPECT_EQ(admin_->group_progress("G").error().code, Errc::kGroupNotFound);
  EXPECT_EQ(admin_->delete_group("G").error().code, Errc::kNotSupported);
  EXPECT_EQ(admin_->topics().error().message, "code 3: not here");
}

TEST_F(AdminTest, ShowsQueuesOfTopicsAndGroups) {
  on<wire::GetTopicStatsInfo>(wire::encode_body(wire::TopicStats{
      .queues = {
          {{"a", 1, "T"}, {.last_update_timestamp = 9, .max_offset = 12, .min_offset = 5}}}}));
  on<wire::GetConsumeStats>(wire::encode_body(wire::ConsumeStats{
      .queues = {
          {{"a", 1, "T"}, {.broker_offset = 12, .consumer_offset = 8, .last_timestamp = 7}}}}));
  start();
  const auto queues = admin_->topic_queues("T");
  ASSERT_TRUE(queues);
  ASSERT_EQ(queues->size(), 1U);
  EXPECT_EQ(queues->front().min_offset, 5);
  EXPECT_EQ(queues->front().max_offset, 12);
  const auto progress = admin_->group_progress("G");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->front().behind(), 4);
  EXPECT_EQ(progress->front().topic, "T");
}

TEST_F(AdminTest, GroupsAreCreatedFromTheirConfigAndListed) {
  std::string body;
  on<wire::UpdateAndCreateGroup>([&](net::Connection& connection, const wire::Command& command) {
    body = as_text(command.body);
    answer(connection, command, 0);
  });
  on<wire::GetAllGroupConfig>(R"({"dataVersion":{},"subscriptionGroupTable":{"g2":{},"g1":{}}})");
  start();
  EXPECT_TRUE(admin_->create_group({.name = "g1", .retry_max_times = 3}));
  EXPECT_EQ((*Json::parse(body))["groupName"].as_string(), "g1");
  EXPECT_EQ((*Json::parse(body))["retryMaxTimes"].as_int(), 3);
  EXPECT_EQ(*admin_->groups(), (std::vector<std::string>{"g1", "g2"}));
}

// ---- messages

std::string record(std::int64_t offset, const std::string& properties, const std::string& host) {
  const model::Message message{.topic = "T",
                               .queue_id = 1,
                               .born_host = *Address::parse("127.0.0.1:1"),
                               .store_host = *Address::parse(host),
                               .body = as_bytes("hello"),
                               .properties = properties};
  std::string bytes(model::encoded_size(message, {}), '\0');
  model::encode_record(
      message,
      {.queue_offset = {offset}, .log_offset = {offset * 100}, .store_timestamp = 50 - offset}, {},
      std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

class MessageFinderTest : public AdminTest {
 protected:
  MessageFinderTest() {
    on<wire::GetRouteInfoByTopic>(wire::encode_body(
        wire::TopicRoute{.brokers = {{.addresses = {{0, address_}}, .name = "a", .cluster = "C"}},
                         .queues = {{.broker_name = "a", .read_queues = 2, .write_queues = 2}}}));
  }
};

TEST_F(MessageFinderTest, GoesToTheBrokerThatTheIdNames) {
  on<wire::ViewMessageById>([&](net::Connection& connection, const wire::Command& command) {
    EXPECT_EQ(wire::decode_header<wire::ViewMessageById>(command)->offset, 700);
    answer(connection, command, 0, {}, record(7, "TAGS\x01x\x02KEYS\x01k", address_));
  });
  start();
  const std::string id = model::offset_message_id(*Address::parse(address_), model::LogOffset{700});
  const auto message = finder_->by_id(id);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->id, id);
  EXPECT_EQ(message->queue_offset, 7);
  EXPECT_EQ(message->body, "hello");
  EXPECT_EQ(message->property("TAGS"), "x");
  EXPECT_EQ(message->property("none"), "");
  EXPECT_EQ(message->all_properties()[1], (std::pair<std::string, std::string>("KEYS", "k")));
  EXPECT_EQ(finder_->by_id("nonsense").error().code, Errc::kInvalidArgument);
}

TEST_F(MessageFinderTest, KeysAreComparedAndNotOnlyTheirHash) {
  std::vector<bool> unique;
  on<wire::QueryMessage>([&](net::Connection& connection, const wire::Command& command) {
    unique.push_back(wire::decode_header<wire::QueryMessage>(command)->unique_key);
    answer_with<wire::QueryMessage>(connection, command, {},
                                    record(1, "KEYS\x01one two\x02UNIQ_KEY\x01U1", address_) +
                                        record(2, "KEYS\x01two\x02UNIQ_KEY\x01two", address_) +
                                        record(3, "KEYS\x01twofold", address_));
  });
  start();
  const auto by_key = finder_->by_key({.topic = "T", .key = "two"});
  ASSERT_TRUE(by_key);
  ASSERT_EQ(by_key->size(), 2U);
  EXPECT_EQ((*by_key)[0].queue_offset, 2);  // the older one
  const auto by_unique = finder_->by_key({.topic = "T", .key = "two", .unique = true});
  ASSERT_EQ(by_unique->size(), 1U);
  EXPECT_EQ(unique, (std::vector<bool>{false, true}));
}

TEST_F(MessageFinderTest, NothingFoundIsAnEmptyAnswer) {
  refuse<wire::QueryMessage>(22);
  start();
  EXPECT_TRUE(finder_->by_key({.topic = "T", .key = "k"})->empty());
}

TEST_F(MessageFinderTest, ReadsEachQueueFromItsBeginningUpToTheCount) {
  std::vector<std::pair<std::int32_t, std::int64_t>> asked;
  on<wire::PullMessage>([&](net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::PullMessage>(command);
    asked.emplace_back(header->queue_id, header->queue_offset);
    const auto at = header->queue_offset;
    if (at < 5)  // what is older than 5 has been deleted
      answer_with<wire::PullMessage>(connection, command, {.next_begin_offset = 5}, {}, 21);
    else if (at >= 8)
      answer_with<wire::PullMessage>(connection, command, {.next_begin_offset = 8}, {}, 19);
    else
      answer_with<wire::PullMessage>(connection, command, {.next_begin_offset = at + 1},
                                     record(at, "", address_));
  });
  start();
  const auto all = finder_->in_queues({.topic = "T", .count = 10});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 6U);  // 5, 6, 7 of two queues
  asked.clear();
  const auto some = finder_->in_queues({.topic = "T", .queue_id = 1, .offset = 6, .count = 1});
  ASSERT_EQ(some->size(), 1U);
  EXPECT_EQ(some->front().queue_offset, 6);
  EXPECT_EQ(asked, (std::vector<std::pair<std::int32_t, std::int64_t>>{{1, 6}}));
}

TEST_F(MessageFinderTest, BrokenRecordsAreAnError) {
  on<wire::ViewMessageById>(std::string("\0\0\0\x50 broken", 11));
  start();
  const auto message =
      finder_->by_id(model::offset_message_id(*Address::parse(address_), model::LogOffset{0}));
  EXPECT_EQ(message.error().code, Errc::kBadBytes);
}

}  // namespace
}  // namespace oncemq::client
