package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.junit.jupiter.api.Test;

/** SQL92 subscriptions; docs/sql-filters.md has the rules. */
class FilterTest extends ClientTest {
  @Test
  void pushConsumerGetsWhatMatches() throws Exception {
    String topic = topic("sql", 2);
    Inbox inbox = bySql(fresh("group"), topic, "a > 1 AND (b = 'x' OR b IS NULL)");
    DefaultMQProducer producer = producer();
    send(producer, topic, "small", "a", "1", "b", "x");
    send(producer, topic, "both", "a", "2", "b", "x");
    send(producer, topic, "other", "a", "2", "b", "y");
    send(producer, topic, "alone", "a", "10");
    send(producer, topic, "none");
    inbox.awaitExactly(2, PATIENCE_MS);
    assertEquals(List.of("alone", "both"), sorted(inbox.bodies()));
  }

  /** Apache reads the property with the type of the constant, and then "2.5" is no number. */
  @Test
  @OnceMqOnly("a decimal matches no whole number there")
  void decimalsAreComparedWithWholeNumbers() throws Exception {
    String topic = topic("decimal", 1);
    Inbox inbox = bySql(fresh("group"), topic, "a BETWEEN 2 AND 3");
    DefaultMQProducer producer = producer();
    for (String value : List.of("1.9", "2", "2.5", "3.0", "3.1", "x")) {
      send(producer, topic, value, "a", value);
    }
    inbox.awaitExactly(3, PATIENCE_MS);
    assertEquals(List.of("2", "2.5", "3.0"), sorted(inbox.bodies()));
  }

  @Test
  void tagsAndTextsAndSearches() throws Exception {
    String topic = topic("texts", 1);
    String group = fresh("group");
    Inbox inbox =
        bySql(
            group,
            topic,
            "TAGS IN ('red', 'blue') AND name STARTSWITH 'o''' AND name NOT CONTAINS 'z'"
                + " AND ok = TRUE");
    DefaultMQProducer producer = producer();
    for (String tag : List.of("red", "green", "blue")) {
      for (String name : List.of("o'neil", "o'zon", "neil")) {
        Message message = message(topic, tag, "", tag + " " + name);
        message.putUserProperty("name", name);
        message.putUserProperty("ok", "true");
        producer.send(message);
      }
    }
    inbox.awaitExactly(2, PATIENCE_MS);
    assertEquals(List.of("blue o'neil", "red o'neil"), sorted(inbox.bodies()));
  }

  @Test
  @OnceMqOnly("text behind an expression is ignored there")
  void brokenExpressionIsRefusedAtTheStart() throws Exception {
    String topic = topic("broken", 1);
    for (String broken : List.of("a >", "a > 1 b = 2", "a > 'x'")) {
      DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
      consumer.subscribe(topic, MessageSelector.bySql(broken));
      consumer.registerMessageListener(new Inbox().accepting());
      onClose(consumer::shutdown);
      MQClientException refusal = assertThrows(MQClientException.class, consumer::start);
      assertEquals(23, refusal.getResponseCode(), broken);
      assertTrue(refusal.getErrorMessage().contains("at character"), refusal.getErrorMessage());
    }
  }

  @Test
  @OnceMqOnly("a broken expression in a pull is not refused there")
  @SuppressWarnings("deprecation")
  void pullsCarryTheirExpression() throws Exception {
    String topic = topic("pull", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      send(producer, topic, "body " + i, "n", String.valueOf(i));
    }
    DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(fresh("group"));
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setInstanceName(fresh("instance"));
    consumer.setHeartbeatBrokerInterval(1_000);
    consumer.start();
    onClose(consumer::shutdown);
    consumer.fetchSubscribeMessageQueues(topic);
    // The client itself refuses to ask before a heartbeat has told it the broker's version.
    await(
        "a first heartbeat",
        PATIENCE_MS,
        () ->
            consumer
                    .pull(queue(topic, 0), MessageSelector.bySql("n > 0"), 0, 32, PATIENCE_MS)
                    .getPullStatus()
                == PullStatus.FOUND);
    PullResult result =
        consumer.pull(queue(topic, 0), MessageSelector.bySql("n >= 7"), 0, 32, PATIENCE_MS);
    assertEquals(PullStatus.FOUND, result.getPullStatus());
    assertEquals(3, result.getMsgFoundList().size());
    assertEquals(10, result.getNextBeginOffset());
    result = consumer.pull(queue(topic, 0), MessageSelector.bySql("n > 9"), 0, 32, PATIENCE_MS);
    assertEquals(PullStatus.NO_MATCHED_MSG, result.getPullStatus());
    assertEquals(10, result.getNextBeginOffset());
    MQBrokerException refusal =
        assertThrows(
            MQBrokerException.class,
            () ->
                consumer.pull(
                    queue(topic, 0), MessageSelector.bySql("n > 1 n"), 0, 32, PATIENCE_MS));
    assertEquals(23, refusal.getResponseCode());
    assertTrue(refusal.getErrorMessage().contains("at character 7"), refusal.getErrorMessage());
  }

  @Test
  void litePullConsumerFilters() throws Exception {
    String topic = topic("lite-sql", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      send(producer, topic, String.valueOf(i), "n", String.valueOf(i));
    }
    DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(fresh("group"));
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setInstanceName(fresh("instance"));
    consumer.setConsumeFromWhere(
        org.apache.rocketmq.common.consumer.ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(topic, MessageSelector.bySql("n IN ('3', '5') OR n > 8"));
    consumer.start();
    onClose(consumer::shutdown);
    Inbox inbox = new Inbox();
    await(
        "three messages",
        PATIENCE_MS,
        () -> {
          consumer.poll(500).forEach(inbox::add);
          return inbox.size() >= 3;
        });
    assertEquals(List.of("3", "5", "9"), sorted(inbox.bodies()));
  }

  /** What comes again lies in the retry topic, which the group has without an expression. */
  @Test
  void failedMessagesOfAFilteredGroupComeAgain() throws Exception {
    String topic = topic("sql-retry", 1);
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(topic, MessageSelector.bySql("n = 1"));
    consumer.registerMessageListener(
        inbox.concurrently(
            message ->
                message.getReconsumeTimes() == 0
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                    : ConsumeConcurrentlyStatus.CONSUME_SUCCESS));
    started(consumer);
    DefaultMQProducer producer = producer();
    send(producer, topic, "noise", "n", "2");
    send(producer, topic, "match", "n", "1");
    inbox.awaitExactly(2, PATIENCE_MS);
    assertEquals(List.of("match", "match"), inbox.bodies());
    assertEquals(1, inbox.all().get(1).getReconsumeTimes());
    assertEquals("1", inbox.all().get(1).getUserProperty("n"));
  }

  @Test
  void popConsumerGetsWhatMatches() throws Exception {
    String topic = topic("sql-pop", 2);
    String group = popGroup(topic);
    DefaultMQProducer producer = producer();
    send(producer, topic, "early", "n", "2");
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setClientRebalance(false);
    consumer.subscribe(topic, MessageSelector.bySql("n > 1"));
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    inbox.await(1, PATIENCE_MS);
    send(producer, topic, "noise", "n", "1");
    send(producer, topic, "late", "n", "3");
    inbox.awaitExactly(2, PATIENCE_MS);
    assertEquals(List.of("early", "late"), inbox.bodies());
    assertTrue(inbox.all().stream().allMatch(one -> one.getProperty("POP_CK") != null), "popped");
  }

  /** A pull that waits is woken by a message that matches, and not by the others. */
  @Test
  void waitingConsumerGetsAMatchAtOnce() throws Exception {
    String topic = topic("wait", 1);
    DefaultMQProducer producer = producer();
    Inbox inbox = bySql(fresh("group"), topic, "n = 1");
    send(producer, topic, "first", "n", "1");
    inbox.await(1, PATIENCE_MS);
    for (int i = 0; i < 20; i++) {
      send(producer, topic, "noise", "n", "2");
    }
    Thread.sleep(1_000);
    long begin = System.currentTimeMillis();
    send(producer, topic, "second", "n", "1");
    inbox.await(2, PATIENCE_MS);
    // Well under the 15 s that a pull waits.
    assertTrue(System.currentTimeMillis() - begin < 5_000);
    assertEquals(List.of("first", "second"), inbox.bodies());
  }

  private Inbox bySql(String group, String topic, String expression) throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, MessageSelector.bySql(expression));
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    return inbox;
  }

  private static void send(
      DefaultMQProducer producer, String topic, String body, String... properties)
      throws Exception {
    Message message = message(topic, body);
    for (int i = 0; i < properties.length; i += 2) {
      message.putUserProperty(properties[i], properties[i + 1]);
    }
    producer.send(message);
  }
}
