// Orders over HTTP: what they change in the broker, and every refusal.
#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "broker/fixture.h"
#include "front/http/http_fixture.h"
#include "front/http/letter_choice.h"
#include "model/message_id.h"
#include "wire/remoting/schema/broker_admin.h"
#include "wire/remoting/schema/transactions.h"

namespace oncemq::front {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view fields = "Content-Type: application/json\r\n") {
  return std::string(method) + " /api/v1" + std::string(target) +
         " HTTP/1.1\r\nHost: 127.0.0.1:8082\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class AdminOrdersTest : public HttpTest {
 protected:
  explicit AdminOrdersTest(store::CommitPolicy policy = store::CommitPolicy::kFlushed,
                           bool allow_faults = false)
      : HttpTest(policy, allow_faults) {
    start();
    make_topic("T");
    make_group("g");
  }

  struct Told {
    int status = 0;
    Json json;
    std::string text;  // all of the answer
    std::string code() const { return json["error"]["code"].as_string(); }
    std::string message() const { return json["error"]["message"].as_string(); }
  };
  static Told read(const std::string& answer) {
    Told told{.text = answer};
    if (answer.size() < 12) return told;
    told.status = std::stoi(answer.substr(9, 3));
    auto json = Json::parse(answer.substr(answer.find("\r\n\r\n") + 4));
    if (json) told.json = std::move(*json);
    return told;
  }
  Told order(std::string_view method, std::string_view target, std::string_view body = {}) {
    return read(ask(request_text(method, target, body)));
  }
  broker::Broker& broker() { return test_broker.broker; }
  broker::FakeStore& store() { return test_broker.store; }

  struct Half {
    std::int64_t offset = 0;
    std::int64_t log = 0;
  };
  Half send_half(std::string_view id) {
    FakeConnection& producer = connect();
    const std::string properties =
        broker::pairs("TRAN_MSG=true;PGROUP=pg;UNIQ_KEY=" + std::string(id));
    const Answer answer =
        call<wire::SendMessageV2>(producer,
                                  {.producer_group = "pg",
                                   .topic = "T",
                                   .default_topic = "TBW102",
                                   .queue_id = 1,
                                   .sys_flag = model::sysflag::kTransactionPrepared,
                                   .properties = properties},
                                  "body");
    EXPECT_EQ(answer.code, 0) << answer.remark;
    const std::int64_t offset = std::stoll(answer.fields.at("queueOffset"));
    return {
        offset,
        store().record(model::topic::kHalf, 0, static_cast<std::size_t>(offset)).log_offset.value};
  }
  // Id of a message that group g gave up.
  std::string letter(std::string_view properties = {}) {
    FakeConnection& client = connect();
    const std::string stored = broker::pairs(properties);
    const Answer sent = call<wire::SendMessageV2>(client,
                                                  {.producer_group = "pg",
                                                   .topic = "T",
                                                   .default_topic = "TBW102",
                                                   .default_topic_queue_nums = 4,
                                                   .queue_id = 0,
                                                   .properties = stored},
                                                  "body");
    EXPECT_EQ(sent.code, 0) << sent.remark;
    const auto id = model::parse_offset_message_id(sent.fields.at("msgId"));
    const Answer back = call<wire::ConsumerSendMessageBack>(
        client, {.offset = id->offset.value, .group = "g", .delay_level = -1});
    EXPECT_EQ(back.code, 0) << back.remark;
    const auto record = store().record("%DLQ%g", 0, store().count("%DLQ%g", 0) - 1);
    return model::offset_message_id(record.store_host, record.log_offset);
  }
};

// ---- topics

TEST_F(AdminOrdersTest, TopicsAreMadeChangedAndDeleted) {
  const Told made =
      order("POST", "/topics", R"({"name":"new","queues":3,"attributes":{"message.type":"FIFO"}})");
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_TRUE(made.json["done"].as_bool());
  EXPECT_EQ(made.json["topic"]["attributes"]["message.type"].as_string(), "FIFO");
  auto config = broker().topics().config("new");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->read_queues, 3);
  EXPECT_EQ(config->write_queues, 3);
  EXPECT_EQ(config->attributes.at("message.type"), "FIFO");

  const Told changed =
      order("PUT", "/topics/new",
            R"({"writeQueues":2,"permission":4,"attributes":{"message.type":null}})");
  EXPECT_EQ(changed.status, 200) << changed.text;
  config = broker().topics().config("new");
  EXPECT_EQ(config->read_queues, 3);  // not given
  EXPECT_EQ(config->write_queues, 2);
  EXPECT_EQ(config->perm, 4);
  EXPECT_TRUE(config->attributes.empty());

  send("T", "hello");
  const Told would = order("DELETE", "/topics/T?dryRun=true");
  EXPECT_EQ(would.status, 200);
  EXPECT_TRUE(would.json["dryRun"].as_bool());
  EXPECT_EQ(would.json["messages"].as_int(), 1);
  EXPECT_NE(broker().topics().find("T"), nullptr);
  EXPECT_EQ(order("DELETE", "/topics/T").status, 200);
  EXPECT_EQ(broker().topics().find("T"), nullptr);
  EXPECT_EQ(order("DELETE", "/topics/T").status, 404);
}

TEST_F(AdminOrdersTest, ADryRunOfATopicChangesNothing) {
  EXPECT_EQ(order("POST", "/topics?dryRun=true", R"({"name":"new"})").status, 200);
  EXPECT_EQ(broker().topics().find("new"), nullptr);
  const Told told = order("PUT", "/topics/T?dryRun=true", R"({"readQueues":9})");
  EXPECT_EQ(told.json["topic"]["readQueues"].as_int(), 9);
  EXPECT_EQ(broker().topics().config("T")->read_queues, 4);
}

TEST_F(AdminOrdersTest, TopicRefusals) {
  EXPECT_EQ(order("POST", "/topics", R"({"name":"T"})").status, 409);
  EXPECT_EQ(order("POST", "/topics", R"({"name":"T"})").code(), "topic_exists");
  EXPECT_EQ(order("POST", "/topics", "{}").message(), "'name' is missing");
  EXPECT_THAT(order("POST", "/topics", R"({"name":"a b"})").message(), StartsWith("'name'"));
  EXPECT_THAT(order("POST", "/topics", R"({"name":"n","queues":0})").message(),
              StartsWith("'queues'"));
  EXPECT_THAT(order("POST", "/topics", R"({"name":"n","permission":3})").message(),
              StartsWith("'permission'"));
  EXPECT_THAT(order("POST", "/topics", R"({"name":"n","attributes":{"no.such":"x"}})").message(),
              StartsWith("'attributes'"));
  EXPECT_EQ(order("POST", "/topics", R"({"name":"TBW102"})").status, 400);
  EXPECT_EQ(order("PUT", "/topics/none", "{}").status, 404);
  EXPECT_THAT(order("PUT", "/topics/T", R"({"name":"U"})").message(), StartsWith("'name' is not"));
  EXPECT_EQ(order("PUT", "/topics/TBW102", R"({"readQueues":1})").status, 400);
  EXPECT_EQ(order("DELETE", "/topics/TBW102").status, 400);
  EXPECT_EQ(order("DELETE", "/topics/T", R"({"dryRun":true})").status, 400);
  EXPECT_EQ(broker().topics().config("T")->read_queues, 4);
}

// ---- groups

TEST_F(AdminOrdersTest, GroupsAreMadeChangedAndDeleted) {
  EXPECT_EQ(order("POST", "/groups", R"({"name":"h","retryMaxTimes":3,"orderly":true})").status,
            201);
  auto config = broker().groups().config("h");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->retry_max_times, 3);
  EXPECT_TRUE(config->consume_message_orderly);
  EXPECT_EQ(order("PUT", "/groups/h", R"({"consumeEnable":false})").status, 200);
  config = broker().groups().config("h");
  EXPECT_FALSE(config->consume_enable);
  EXPECT_EQ(config->retry_max_times, 3);
  EXPECT_EQ(order("DELETE", "/groups/h?dryRun=true").json["members"].as_int(-1), 0);
  EXPECT_NE(broker().groups().find("h"), nullptr);
  EXPECT_EQ(order("DELETE", "/groups/h").status, 200);
  EXPECT_EQ(broker().groups().find("h"), nullptr);
}

TEST_F(AdminOrdersTest, GroupRefusals) {
  EXPECT_EQ(order("POST", "/groups", R"({"name":"g"})").status, 409);
  EXPECT_THAT(order("POST", "/groups", R"({"name":"a/b"})").message(), StartsWith("'name'"));
  EXPECT_THAT(order("PUT", "/groups/g", R"({"retryMaxTimes":-2})").message(),
              StartsWith("'retryMaxTimes'"));
  EXPECT_EQ(order("PUT", "/groups/none", "{}").code(), "group_not_found");
  EXPECT_EQ(order("DELETE", "/groups/none").status, 404);
  EXPECT_EQ(order("DELETE", "/groups/CID_RMQ_SYS_TRANS").status, 400);
}

TEST_F(AdminOrdersTest, AnOffsetIsMoved) {
  for (int i = 0; i < 3; ++i) send("T", "m");  // into queue 1
  ASSERT_TRUE(broker().offsets().commit("g", "T", 1, model::ConsumeOffset{3}).has_value());
  const auto offset = [&] { return broker().offsets().query("g", "T", 1)->value; };
  Told told = order("POST", "/groups/g/reset?dryRun=true", R"({"topic":"T","to":"earliest"})");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_EQ(told.json["queues"].items().size(), 4U);
  EXPECT_EQ(offset(), 3);
  EXPECT_EQ(order("POST", "/groups/g/reset", R"({"topic":"T","to":"earliest"})").status, 200);
  EXPECT_EQ(offset(), 0);
  EXPECT_EQ(order("POST", "/groups/g/reset", R"({"topic":"T","queueId":1,"offset":2})").status,
            200);
  EXPECT_EQ(offset(), 2);
  EXPECT_EQ(order("POST", "/groups/g/reset", R"({"topic":"T","to":"latest"})").status, 200);
  EXPECT_EQ(offset(), 3);
  EXPECT_EQ(order("POST", "/groups/g/reset", R"({"topic":"T","toMs":0})").status, 200);
  EXPECT_EQ(offset(), 0);
}

TEST_F(AdminOrdersTest, ResetRefusals) {
  const auto message = [&](std::string_view body) {
    const Told told = order("POST", "/groups/g/reset", body);
    EXPECT_EQ(told.status, 400) << body;
    return told.message();
  };
  EXPECT_EQ(message(R"({"to":"latest"})"), "'topic' is missing");
  EXPECT_THAT(message(R"({"topic":"T"})"), StartsWith("'to'"));
  EXPECT_THAT(message(R"({"topic":"T","to":"latest","toMs":1})"), StartsWith("'to'"));
  EXPECT_THAT(message(R"({"topic":"T","to":"tomorrow"})"), StartsWith("'to'"));
  EXPECT_THAT(message(R"({"topic":"T","offset":1})"), StartsWith("'queueId'"));
  EXPECT_THAT(message(R"({"topic":"T","offset":99,"queueId":0})"), HasSubstr("between 0 and 1"));
  EXPECT_EQ(message(R"({"topic":"T","to":"latest","queueId":4})"), "there is no such queue");
  EXPECT_EQ(order("POST", "/groups/g/reset", R"({"topic":"U","to":"latest"})").status, 404);
  EXPECT_EQ(order("POST", "/groups/none/reset", R"({"topic":"T","to":"latest"})").status, 404);
}

// ---- settings

TEST_F(AdminOrdersTest, SettingsAreSetAndKept) {
  const Told would = order("PUT", "/config?dryRun=true", R"({"brokerPermission":4})");
  EXPECT_EQ(would.json["settings"]["brokerPermission"].as_string(), "4") << would.text;
  EXPECT_EQ(settings.get().broker_permission, 6);
  const Told told = order("PUT", "/config", R"({"brokerPermission":4,"logLevel":"warn"})");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_EQ(settings.get().broker_permission, 4);
  EXPECT_THAT(saved, ElementsAre("brokerPermission=4", "logLevel=warn"));
}

TEST_F(AdminOrdersTest, SettingRefusals) {
  EXPECT_THAT(order("PUT", "/config", R"({"logLevle":"warn"})").message(), HasSubstr("'logLevel'"));
  EXPECT_EQ(order("PUT", "/config", R"({"logLevle":"warn"})").status, 400);
  EXPECT_THAT(order("PUT", "/config", R"({"logLevel":"loud"})").message(), HasSubstr("logLevel"));
  EXPECT_THAT(order("PUT", "/config", R"({"logLevel":"warn\nroles=x"})").message(),
              StartsWith("'logLevel'"));
  EXPECT_EQ(order("PUT", "/config", "{}").status, 400);
  EXPECT_EQ(order("PUT", "/config", R"({"listenPort":1})").status, 403);
  EXPECT_EQ(order("PUT", "/config", R"({"httpAdminRemote":true})").status, 403);
  // All or none.
  EXPECT_EQ(order("PUT", "/config", R"({"brokerPermission":4,"listenPort":1})").status, 403);
  EXPECT_EQ(settings.get(), model::Settings{});
  EXPECT_TRUE(saved.empty());
  save_result = fail(Errc::kIo, "the file cannot be written");
  EXPECT_EQ(order("PUT", "/config", R"({"brokerPermission":4})").status, 500);
}

// ---- transactions

TEST_F(AdminOrdersTest, TransactionsAreShownAndDecided) {
  const Half first = send_half("A1");
  const Half second = send_half("B2");
  const Json list = api("/transactions?limit=1");
  EXPECT_EQ(list["transactions"].items().at(0)["transactionId"].as_string(), "A1");
  EXPECT_TRUE(list["more"].as_bool());
  const Json rest = api("/transactions?from=" + list["next"].as_string());
  EXPECT_EQ(rest["transactions"].items().at(0)["halfOffset"].as_int(), second.offset);
  EXPECT_FALSE(rest["more"].as_bool());

  const std::string id = model::offset_message_id(test_broker.options.address, {first.log});
  for (const std::string& name : {std::string("A1"), std::to_string(first.offset), id}) {
    const Json one = api("/transactions/" + name + "?body=true");
    EXPECT_EQ(one["halfOffset"].as_int(-1), first.offset) << name;
    EXPECT_EQ(one["state"].as_string(), "open");
    EXPECT_EQ(one["message"]["body"].as_string(), "body");
  }
  EXPECT_EQ(order("POST", "/transactions/A1/commit?dryRun=true").status, 200);
  EXPECT_EQ(store().count("T", 1), 0U);
  const Told told = order("POST", "/transactions/A1/commit");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_EQ(told.json["transaction"]["state"].as_string(), "committed");
  EXPECT_EQ(store().count("T", 1), 1U);
  EXPECT_EQ(order("POST", "/transactions/" + id + "/commit").status, 200);  // the same again
  EXPECT_EQ(store().count("T", 1), 1U);
  EXPECT_EQ(order("POST", "/transactions/A1/rollback").status, 409);
  EXPECT_EQ(order("POST", "/transactions/A1/rollback?dryRun=true").status, 409);
  EXPECT_EQ(order("POST", "/transactions/B2/rollback").status, 200);
  EXPECT_EQ(store().count("T", 1), 1U);
  EXPECT_TRUE(api("/transactions")["transactions"].items().empty());
  EXPECT_EQ(api("/transactions/B2")["state"].as_string(), "rolledBack");
}

TEST_F(AdminOrdersTest, ADiscardedTransactionIsResumed) {
  const Half half = send_half("A1");
  broker::TransactionBatch batch;
  const auto span = broker().transactions().index().half_record(half.offset);
  ASSERT_TRUE(span.has_value());
  const auto record = model::decode_record(span->bytes, model::Verify::kNone)->record;
  ASSERT_TRUE(broker().transactions().stage_discard(record, 15, batch).has_value());
  broker().transactions().commit(batch);

  const Json list = api("/transactions?discarded=true");
  EXPECT_EQ(list["transactions"].items().at(0)["state"].as_string(), "discarded");
  EXPECT_EQ(api("/transactions/A1")["state"].as_string(), "discarded");
  EXPECT_EQ(order("POST", "/transactions/A1/resume?dryRun=true").status, 200);
  const Told told = order("POST", "/transactions/A1/resume");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_EQ(api("/transactions")["transactions"].items().at(0)["transactionId"].as_string(), "A1");
  // By its old place it is not open any more; by its name it is.
  EXPECT_EQ(order("POST", "/transactions/" + std::to_string(half.offset) + "/resume").status, 409);
  EXPECT_EQ(order("POST", "/transactions/A1/resume").status, 409);
  EXPECT_EQ(order("POST", "/transactions/A1/commit").status, 200);
  EXPECT_EQ(store().count("T", 1), 1U);
}

TEST_F(AdminOrdersTest, TransactionRefusals) {
  (void)send_half("A1");
  (void)send_half("A1");  // a producer that sent it twice
  for (const char* const name : {"77", "nobody", "7F0000010000000000000000000FFFFF"}) {
    EXPECT_EQ(read(ask(get("/api/v1/transactions/" + std::string(name)))).status, 404) << name;
    EXPECT_EQ(order("POST", "/transactions/" + std::string(name) + "/commit").status, 404) << name;
  }
  EXPECT_THAT(order("POST", "/transactions/A1/commit").message(), StartsWith("2 transactions"));
  EXPECT_EQ(order("POST", "/transactions/0/resume").status, 409);
  EXPECT_EQ(order("POST", "/transactions/0/commit", R"({"why":"x"})").status, 400);
  EXPECT_EQ(api("/transactions?limit=0")["error"]["code"].as_string(), "invalid_argument");
  EXPECT_EQ(store().count("T", 1), 0U);
}

TEST_F(AdminOrdersTest, OpenTransactionsAreMeasured) {
  (void)send_half("A1");
  test_broker.clock.advance_ms(5'000);
  (void)send_half("B2");
  const std::string text = page("/metrics");
  EXPECT_THAT(text, HasSubstr("\noncemq_transactions_open 2\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_transaction_oldest_seconds 5\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_transaction_checks_unanswered 0\n"));
  EXPECT_THAT(text, HasSubstr("\noncemq_memory_bytes{owner=\"transactions\"} "));
  EXPECT_EQ(order("POST", "/transactions/0/rollback").status, 200);
  EXPECT_THAT(page("/metrics"), HasSubstr("\noncemq_transactions_open 1\n"));
  EXPECT_THAT(page("/metrics"), HasSubstr("\noncemq_transaction_oldest_seconds 0\n"));
  EXPECT_EQ(order("POST", "/transactions/1/commit").status, 200);
  EXPECT_THAT(page("/metrics"), HasSubstr("\noncemq_transactions_open 0\n"));
}

// ---- dead letters

TEST_F(AdminOrdersTest, DeadLettersAreReplayedAndPurged) {
  broker().service_tick();
  const std::string one = letter();
  const std::string two = letter();
  const std::string both = R"({"ids":[")" + one + R"(",")" + two + R"("]})";
  Told told = order("POST", "/dlq/g/replay?dryRun=true", both);
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_FALSE(told.json["letters"].items().at(0)["already"].as_bool(true));
  EXPECT_EQ(store().count("%RETRY%g", 0), 0U);

  told = order("POST", "/dlq/g/replay", R"({"by":"ann","ids":[")" + one + R"("]})");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_EQ(store().count("%RETRY%g", 0), 1U);
  const Json row = told.json["letters"].items().at(0);
  EXPECT_EQ(row["by"].as_string(), "ann");
  EXPECT_EQ(model::parse_offset_message_id(row["copy"].as_string())->offset,
            store().record("%RETRY%g", 0, 0).log_offset);

  told = order("POST", "/dlq/g/purge", both);
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_TRUE(told.json["letters"].items().at(0)["already"].as_bool());
  EXPECT_EQ(told.json["letters"].items().at(0)["order"].as_string(), "group");
  EXPECT_EQ(told.json["letters"].items().at(1)["order"].as_string(), "purge");
  EXPECT_THAT(told.json["letters"].items().at(1)["by"].as_string(), StartsWith("127.0.0.1:"));
  EXPECT_EQ(store().count("%RETRY%g", 0), 1U);

  const Json letters = api("/dlq/g");
  EXPECT_EQ(letters["letters"].items().at(0)["mark"]["by"].as_string(), "ann");
  EXPECT_EQ(letters["letters"].items().at(1)["mark"]["order"].as_string(), "purge");
  EXPECT_EQ(letters["letters"].items().at(1)["offsetMessageId"].as_string(), two);
}

TEST_F(AdminOrdersTest, DeadLetterRefusals) {
  broker().service_tick();
  const std::string one = letter();
  EXPECT_EQ(order("POST", "/dlq/g/replay").message(), "'ids' is missing");
  EXPECT_EQ(order("POST", "/dlq/g/replay", R"({"ids":["zz"]})").status, 404);
  EXPECT_THAT(order("POST", "/dlq/g/replay", R"({"ids":[]})").message(), StartsWith("'ids'"));
  EXPECT_THAT(order("POST", "/dlq/g/replay", R"({"ids":[")" + one + R"("],"to":"x"})").message(),
              StartsWith("'to'"));
  EXPECT_EQ(order("POST", "/dlq/other/purge", R"({"ids":[")" + one + R"("]})").status, 404);
  EXPECT_EQ(order("POST", "/dlq/other/purge?dryRun=true", R"({"ids":[")" + one + R"("]})").status,
            404);
  // One that is there and one that is not: the first is done, and the answer says which.
  const std::string missing = model::offset_message_id(test_broker.options.address, {1 << 30});
  const Told told =
      order("POST", "/dlq/g/purge", R"({"ids":[")" + missing + R"(",")" + one + R"("]})");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_EQ(told.json["refused"].as_int(), 1);
  EXPECT_EQ(told.json["letters"].items().at(0)["error"]["code"].as_string(), "message_not_found");
  EXPECT_EQ(told.json["letters"].items().at(1)["order"].as_string(), "purge");
  EXPECT_EQ(read(ask(get("/api/v1/dlq/none"))).status, 404);
}

TEST_F(AdminOrdersTest, DeadLettersAreChosenByWhatTheyAre) {
  broker().service_tick();
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i)
    ids.push_back(letter("KEYS=k" + std::to_string(i) + ";TAGS=" + (i < 4 ? "paid" : "sent") +
                         ";UNIQ_KEY=u" + std::to_string(i) + ";amount=" + std::to_string(i)));
  const auto chosen = [&](std::string_view body) {
    const Told told = order("POST", "/dlq/g/purge?dryRun=true", body);
    EXPECT_EQ(told.status, 200) << told.text;
    std::string numbers;
    for (const Json& row : told.json["letters"].items())
      numbers += std::to_string(std::ranges::find(ids, row["id"].as_string()) - ids.begin());
    return numbers;
  };
  EXPECT_EQ(chosen(R"({"where":"amount > 2"})"), "345");
  EXPECT_EQ(chosen(R"({"where":"amount > 2","tags":["paid"]})"), "3");
  EXPECT_EQ(chosen(R"({"key":"k1"})"), "1");
  EXPECT_EQ(chosen(R"({"ids":["u2","u4","other"]})"), "24");
  EXPECT_EQ(chosen(R"({"properties":{"amount":"5"}})"), "5");
  EXPECT_EQ(chosen(R"({"topic":"T","limit":2})"), "01");
  EXPECT_EQ(chosen(R"({"topic":"T","limit":2,"from":2})"), "23");
  EXPECT_EQ(chosen(R"({"topic":"other"})"), "");
  EXPECT_EQ(chosen(R"({"beginMs":)" + std::to_string(test_broker.clock.wall_ms() + 1) + "}"), "");
  EXPECT_EQ(chosen(R"({"endMs":)" + std::to_string(test_broker.clock.wall_ms()) + "}"), "012345");
  EXPECT_EQ(store().count("%RETRY%g", 0), 0U);

  // In earnest; what has a mark is not chosen again, so the same order may be repeated to the end.
  Told told = order("POST", "/dlq/g/replay", R"({"where":"amount < 3","limit":2})");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_EQ(told.json["letters"].items().size(), 2U);
  EXPECT_EQ(told.json["next"].as_int(), 2);
  EXPECT_EQ(store().count("%RETRY%g", 0), 2U);
  told = order("POST", "/dlq/g/replay", R"({"where":"amount < 3","limit":2})");
  EXPECT_EQ(told.json["letters"].items().size(), 1U);
  EXPECT_TRUE(told.json["next"].is_null());
  EXPECT_EQ(store().count("%RETRY%g", 0), 3U);
  EXPECT_EQ(chosen(R"({"endMs":9000000000000})"), "345");
}

TEST_F(AdminOrdersTest, AChoiceOfDeadLettersIsBounded) {
  broker().service_tick();
  for (std::size_t i = 0; i <= LetterChoice::kLookedMax; ++i) letter("KEYS=k");
  Told told = order("POST", "/dlq/g/purge", R"({"key":"other"})");
  EXPECT_EQ(told.status, 200) << told.text;
  EXPECT_TRUE(told.json["letters"].items().empty());
  EXPECT_EQ(told.json["next"].as_int(), static_cast<std::int64_t>(LetterChoice::kLookedMax));
  told = order("POST", "/dlq/g/purge", R"({"key":"k"})");
  EXPECT_EQ(told.json["letters"].items().size(), LetterChoice::kLettersMax);
  EXPECT_EQ(told.json["next"].as_int(), static_cast<std::int64_t>(LetterChoice::kLettersMax));
}

TEST_F(AdminOrdersTest, AChoiceOfDeadLettersIsRefused) {
  broker().service_tick();
  letter("KEYS=k");
  const auto refusal = [&](std::string_view body) {
    return order("POST", "/dlq/g/replay", body).message();
  };
  EXPECT_EQ(refusal("{}"), "'ids' is missing");
  EXPECT_THAT(refusal(R"({"where":"amount >"})"), StartsWith("'where' "));
  EXPECT_THAT(refusal(R"({"beginMs":2,"endMs":1})"), StartsWith("'beginMs' "));
  EXPECT_THAT(refusal(R"({"limit":65})"), StartsWith("'limit' "));
  EXPECT_THAT(refusal(R"({"key":"k","tag":"paid"})"), StartsWith("'tag' is not known here"));
  EXPECT_EQ(order("POST", "/dlq/none/purge", R"({"key":"k"})").status, 404);
  EXPECT_EQ(store().count("%RETRY%g", 0), 0U);
}

// ---- of all orders

TEST_F(AdminOrdersTest, MethodsThatAPathHasAreNamed) {
  const Told told = order("PUT", "/topics");
  EXPECT_EQ(told.status, 405);
  EXPECT_THAT(told.text, HasSubstr("\r\nAllow: GET, HEAD, POST\r\n"));
  EXPECT_THAT(order("POST", "/topics/T").text, HasSubstr("\r\nAllow: GET, HEAD, PUT, DELETE\r\n"));
  EXPECT_THAT(order("DELETE", "/groups/g/reset").text, HasSubstr("\r\nAllow: POST\r\n"));
  EXPECT_THAT(ask(get("/api/v1/groups/g/reset")), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(order("PATCH", "/topics/T").text, StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(order("POST", "/nothing").status, 404);
  EXPECT_EQ(order("POST", "/topics/%zz").status, 400);
}

TEST_F(AdminOrdersTest, AMisspeltDryRunIsNotEarnest) {
  for (const char* const query : {"?dryrun=true", "?dryRun", "?dryRun=1", "?dryRun=true&x=y", "?"})
    EXPECT_EQ(order("DELETE", "/topics/T" + std::string(query)).status, 400) << query;
  EXPECT_NE(broker().topics().find("T"), nullptr);
  EXPECT_EQ(order("DELETE", "/topics/T?dryRun=false").status, 200);
  EXPECT_EQ(broker().topics().find("T"), nullptr);
}

TEST_F(AdminOrdersTest, BodiesThatAreNoObject) {
  for (const char* const body : {"[]", "{", "name=x"}) {
    const Told told = order("POST", "/topics", body);
    EXPECT_EQ(told.status, 400) << body;
    EXPECT_THAT(told.message(), StartsWith("the body is not"));
  }
  EXPECT_EQ(order("POST", "/topics", std::string(HttpParser::kBodyMax + 1, ' ')).status, 413);
}

TEST_F(AdminOrdersTest, ABrowserIsRefusedBeforeAnythingIsRead) {
  const auto status = [&](std::string_view fields) {
    return read(ask(request_text("DELETE", "/topics/T", "", fields))).status;
  };
  EXPECT_EQ(status(""), 415);
  EXPECT_EQ(status("Content-Type: text/plain\r\n"), 415);
  EXPECT_EQ(status("Content-Type: application/json\r\nOrigin: http://evil.example\r\n"), 403);
  EXPECT_EQ(read(ask("DELETE /api/v1/topics/T HTTP/1.1\r\nHost: evil.example:8082\r\n"
                     "Content-Type: application/json\r\n\r\n"))
                .status,
            421);
  // What a browser asks before it sends JSON to another origin: no leave is given.
  const std::string preflight =
      ask("OPTIONS /api/v1/topics/T HTTP/1.1\r\nHost: 127.0.0.1:8082\r\n"
          "Origin: http://evil.example\r\nAccess-Control-Request-Method: DELETE\r\n\r\n");
  EXPECT_THAT(preflight, Not(HasSubstr("HTTP/1.1 2")));
  EXPECT_THAT(preflight, Not(HasSubstr("Access-Control-Allow")));
  EXPECT_NE(broker().topics().find("T"), nullptr);
  EXPECT_EQ(status("Content-Type: application/json\r\nOrigin: http://127.0.0.1:8082\r\n"), 200);
}

TEST_F(AdminOrdersTest, NothingIsTakenWhileStopping) {
  site->set_phase(HttpSite::Phase::kStopping);
  EXPECT_EQ(order("DELETE", "/topics/T").status, 503);
  EXPECT_EQ(read(ask(get("/api/v1/topics/T"))).status, 200);
}

TEST_F(AdminOrdersTest, AFullStoreIsSaid) {
  const Half half = send_half("A1");
  store().refuses = Error{Errc::kNotWritable, "the disk is full"};
  const Told told = order("POST", "/transactions/" + std::to_string(half.offset) + "/commit");
  EXPECT_EQ(told.status, 503) << told.text;
  EXPECT_EQ(told.message(), "the disk is full");
  store().refuses = std::nullopt;
  EXPECT_EQ(order("POST", "/transactions/A1/commit").status, 200);
}

TEST_F(AdminOrdersTest, AnOrderIsOneLineOfTheLog) {
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view line) { lines.emplace_back(line); });
  log::set_level(log::Level::kInfo);
  (void)order("POST", "/topics", "{\"name\":\"n\",\n\"queues\":1}");
  (void)order("DELETE", "/topics/none");
  log::set_sink({});
  std::erase_if(lines, [](const std::string& line) { return line.find(" orders ") == line.npos; });
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0],
              HasSubstr(" orders POST /api/v1/topics {\"name\":\"n\",?\"queues\":1}: 201"));
  EXPECT_THAT(lines[0], HasSubstr("127.0.0.1:"));
  EXPECT_THAT(lines[1], HasSubstr(" orders DELETE /api/v1/topics/none : "));
}

TEST_F(AdminOrdersTest, TheIndexHasAllOrders) {
  std::set<std::string> seen;
  const Json index = api("");
  for (const Json& row : index["paths"].items())
    seen.insert(row["method"].as_string() + " " + row["path"].as_string());
  for (const char* const one :
       {"GET /api/v1/transactions", "GET /api/v1/transactions/{}", "GET /api/v1/timers",
        "GET /api/v1/dlq/{}", "POST /api/v1/topics", "PUT /api/v1/topics/{}",
        "DELETE /api/v1/topics/{}", "POST /api/v1/groups", "PUT /api/v1/groups/{}",
        "DELETE /api/v1/groups/{}", "POST /api/v1/groups/{}/reset", "PUT /api/v1/config",
        "POST /api/v1/transactions/{}/commit", "POST /api/v1/transactions/{}/rollback",
        "POST /api/v1/transactions/{}/resume", "POST /api/v1/dlq/{}/replay",
        "POST /api/v1/dlq/{}/purge"})
    EXPECT_TRUE(seen.contains(one)) << one;
}

// ---- answers wait for the disk

struct DurableOrdersTest : AdminOrdersTest {
  DurableOrdersTest() : AdminOrdersTest(store::CommitPolicy::kDurable) {}
};

TEST_F(DurableOrdersTest, AVerdictIsAnsweredWhenItIsOnDisk) {
  (void)send_half("A1");
  store().autocommit = false;
  net::Peer peer(port);
  net::Peer opposite(port);
  peer.send(request_text("POST", "/transactions/A1/commit", ""));
  for (int i = 0; i < 20; ++i) step();
  opposite.send(request_text("POST", "/transactions/A1/rollback", ""));
  for (int i = 0; i < 20; ++i) step();
  store().flush();
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(peer.receive(), "");
  EXPECT_EQ(opposite.receive(), "");
  store().sync();
  EXPECT_EQ(read(receive(peer)).status, 200);
  EXPECT_EQ(read(receive(opposite)).status, 409);
}

TEST_F(DurableOrdersTest, ATableIsAnsweredWhenItIsOnDisk) {
  service_runs = false;
  net::Peer peer(port);
  peer.send(request_text("POST", "/topics", R"({"name":"new"})"));
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(peer.receive(), "");
  service_runs = true;
  EXPECT_EQ(read(receive(peer)).status, 201);
}

// ---- faults

class FaultOrdersTest : public AdminOrdersTest {
 protected:
  FaultOrdersTest() : AdminOrdersTest(store::CommitPolicy::kFlushed, true) {}
};

TEST_F(FaultOrdersTest, FaultsAreAddedShownAndEnded) {
  constexpr const char* kWhole =
      R"({"fault":"lose-ack","topic":"T","group":"g","probability":0.5,"count":3,"forMs":9000})";
  EXPECT_EQ(order("POST", "/faults?dryRun=true", kWhole).status, 200);
  EXPECT_TRUE(api("/faults")["faults"].items().empty());
  const Told added = order("POST", "/faults", kWhole);
  EXPECT_EQ(added.status, 201) << added.text;
  EXPECT_EQ(added.json["id"].as_int(), 1);
  EXPECT_EQ(order("POST", "/faults", R"({"fault":"pause","topic":"T"})").json["id"].as_int(), 2);

  const Json list = api("/faults")["faults"];
  ASSERT_EQ(list.items().size(), 2U);
  const Json& first = list.items()[0];
  EXPECT_EQ(first["fault"].as_string(), "lose-ack");
  EXPECT_EQ(first["group"].as_string(), "g");
  EXPECT_EQ(first["probability"].as_double(), 0.5);
  EXPECT_EQ(first["count"].as_int(), 3);
  EXPECT_EQ(first["struck"].as_int(-1), 0);
  EXPECT_EQ(first["leftMs"].as_int(), 9000);
  EXPECT_EQ(first["state"].as_string(), "active");
  EXPECT_EQ(list.items()[1]["probability"].as_double(), 1);

  EXPECT_EQ(order("DELETE", "/faults/1?dryRun=true").status, 200);
  EXPECT_EQ(order("DELETE", "/faults/1").status, 200);
  EXPECT_EQ(order("DELETE", "/faults/1").status, 404);
  EXPECT_EQ(order("DELETE", "/faults?dryRun=true").json["cleared"].as_int(), 1);
  EXPECT_EQ(order("DELETE", "/faults").json["cleared"].as_int(), 1);
  EXPECT_EQ(order("DELETE", "/faults").json["cleared"].as_int(-1), 0);
}

TEST_F(FaultOrdersTest, FaultRefusals) {
  EXPECT_EQ(order("POST", "/faults", R"({"topic":"T"})").message(), "'fault' is missing");
  EXPECT_THAT(order("POST", "/faults", R"({"fault":"x","topic":"T"})").message(),
              HasSubstr("is no fault"));
  EXPECT_THAT(order("POST", "/faults", R"({"fault":"pause","topic":"T","forMs":600001})").message(),
              HasSubstr("10 minutes"));
  for (const char* probability : {"2", "-1", "\"0.5\"", "true"}) {
    const Told told =
        order("POST", "/faults",
              R"({"fault":"pause","topic":"T","probability":)" + std::string(probability) + "}");
    EXPECT_EQ(told.message(), "'probability' must be a number from 0 to 1") << probability;
  }
  EXPECT_EQ(order("DELETE", "/faults/x").status, 400);
}

TEST_F(FaultOrdersTest, HowOftenFaultsStruckIsAMetric) {
  ASSERT_TRUE(broker().faults()->strikes(broker::FaultKind::kLoseAck, "T", "g") == false);
  order("POST", "/faults", R"({"fault":"lose-ack","topic":"T"})");
  ASSERT_TRUE(broker().faults()->strikes(broker::FaultKind::kLoseAck, "T", "g"));
  const std::string metrics = page("/metrics");
  EXPECT_THAT(metrics, HasSubstr("oncemq_faults_total{kind=\"lose-ack\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("oncemq_faults_total{kind=\"pause\"} 0\n"));
}

TEST_F(AdminOrdersTest, FaultsAreRefusedWhereTheyAreNotAllowed) {
  for (const Told& told : {order("POST", "/faults", R"({"fault":"lose-ack","topic":"T"})"),
                           order("DELETE", "/faults/1"), order("DELETE", "/faults"),
                           read(ask(get("/api/v1/faults")))}) {
    EXPECT_EQ(told.status, 403) << told.text;
    EXPECT_THAT(told.message(), HasSubstr("--allow-faults"));
  }
  EXPECT_EQ(page("/metrics").find("oncemq_faults_total{"), std::string::npos);
}

TEST_F(DurableOrdersTest, AnAnswerToNobodyHurtsNobody) {
  (void)send_half("A1");
  store().autocommit = false;
  net::Peer peer(port);
  peer.send(request_text("POST", "/transactions/A1/commit", ""));
  for (int i = 0; i < 20; ++i) step();
  peer.reset();
  for (int i = 0; i < 20; ++i) step();
  store().sync();
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(api("/transactions/A1")["state"].as_string(), "committed");
}

}  // namespace
}  // namespace oncemq::front
