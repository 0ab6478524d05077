package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Why official consumers are given messages again, as the broker tells it over HTTP. */
@OnceMqOnly("Apache's broker does not know why")
class CausesTest extends ClientTest {
  private static OnceMqServer own;

  @BeforeAll
  static void start() {
    own = (OnceMqServer) Server.start();
  }

  @AfterAll
  static void stop() {
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  private JSONObject redeliveries(String group) throws Exception {
    return JSON.parseObject(own.page("/api/v1/groups/" + group + "/causes"));
  }

  private long count(String group, String cause) throws Exception {
    return redeliveries(group).getJSONObject("redeliveries").getLongValue(cause);
  }

  /** What the command line says. */
  private JSONArray told(String group, String... more) throws Exception {
    List<String> words = new ArrayList<>(List.of("group", "causes", group, "--json"));
    words.addAll(List.of(more));
    OnceMqTool.Result result = OnceMqTool.run(own, words.toArray(String[]::new));
    assertEquals(0, result.code(), result.errors());
    return JSON.parseArray(result.out());
  }

  @Test
  void aConsumerThatAsksForItAgain() throws Exception {
    String topic = topic("asked", 1);
    String group = fresh("group");
    AtomicBoolean first = new AtomicBoolean(true);
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        inbox.concurrently(
            message ->
                first.getAndSet(false)
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                    : ConsumeConcurrentlyStatus.CONSUME_SUCCESS));
    started(consumer);
    producer().send(message(topic, "body"));
    inbox.awaitExactly(2, PATIENCE_MS);
    JSONObject causes = redeliveries(group);
    assertEquals(1, causes.getJSONObject("redeliveries").getLongValue("consumer_asked"));
    JSONObject event = causes.getJSONArray("recent").getJSONObject(0);
    assertEquals(topic, event.getString("topic"));
    assertEquals(0, event.getLongValue("offset"));
    JSONObject row = told(group).getJSONObject(0);
    assertEquals("consumer_asked", row.getString("cause"));
    assertEquals(1, row.getLongValue("messages"));
    JSONObject latest = told(group, "--recent").getJSONObject(0);
    assertEquals(topic, latest.getString("topic"));
    assertEquals(1, OnceMqTool.run(own, "group", "causes", fresh("nobody")).code());
    assertTrue(
        own.page("/metrics")
            .contains(
                "oncemq_group_redeliveries_total{group=\"" + group + "\",cause=\"consumer_asked\"} 1"));
  }

  /** One message object sent twice has one key, as has what a client sends again by itself. */
  @Test
  void aProducerThatSendsItTwice() throws Exception {
    String topic = topic("twice", 1);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    Message message = message(topic, "body");
    producer.send(message);
    producer.send(message);
    producer.send(message(topic, "another"));
    consume(group, topic, "*").awaitExactly(3, PATIENCE_MS);
    await("offsets", PATIENCE_MS, () -> count(group, "send_repeated") == 1);
    JSONObject latest = told(group, "--recent").getJSONObject(0);
    assertEquals("send_repeated", latest.getString("cause"));
    assertEquals(topic, latest.getString("topic"));
    assertEquals(1, latest.getLongValue("offset"));
    assertTrue(
        own.page("/metrics").contains("oncemq_redeliveries_total{cause=\"send_repeated\"} 1"));
  }

  @Test
  void anOffsetThatWasReset() throws Exception {
    String topic = topic("back", 1);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 5; i++) {
      producer.send(message(topic, "body " + i));
    }
    Inbox inbox = consume(group, topic, "*");
    inbox.awaitExactly(5, PATIENCE_MS);
    await(
        "committed",
        PATIENCE_MS,
        () -> {
          ConsumeStats stats = admin().examineConsumeStats(group, topic);
          return stats.getOffsetTable().size() == 1 && stats.computeTotalDiff() == 0;
        });
    admin().resetOffsetByTimestamp(topic, group, 0, true);
    inbox.await(10, PATIENCE_MS);
    assertTrue(count(group, "offset_back") >= 5, redeliveries(group).toString());
    assertEquals(0, count(group, "queue_moved"));
    assertEquals(0, count(group, "consumer_asked"));
  }

  @Test
  void aQueueThatMovedToAnotherConsumer() throws Exception {
    String topic = topic("moved", 1);
    String group = fresh("group");
    // It takes the messages and does not come to an end with them.
    Inbox stuck = new Inbox();
    AtomicBoolean over = new AtomicBoolean();
    DefaultMQPushConsumer first = newConsumer(group);
    first.subscribe(topic, "*");
    first.registerMessageListener(
        stuck.concurrently(
            message -> {
              while (!over.get()) {
                Server.pause(20);
              }
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }));
    started(first);
    onClose(() -> over.set(true));
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 3; i++) {
      producer.send(message(topic, "body " + i));
    }
    stuck.await(3, PATIENCE_MS);
    // With two members and one queue, the queue is with whoever comes first by name.
    Inbox moved = new Inbox();
    DefaultMQPushConsumer second = newConsumer(group);
    second.setInstanceName("0-" + fresh("instance"));
    second.subscribe(topic, "*");
    second.registerMessageListener(moved.accepting());
    started(second);
    moved.await(3, PATIENCE_MS);
    assertEquals(3, count(group, "queue_moved"), redeliveries(group).toString());
    over.set(true);
  }
}
