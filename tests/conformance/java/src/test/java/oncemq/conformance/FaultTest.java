package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.Test;

/** Duplicates on purpose: what an official client sees of each fault. */
@OnceMqOnly("Apache's broker has no faults to order")
class FaultTest extends FaultsAllowedTest {
  private static final int MESSAGES = 5;

  private static String fault(String... words) throws Exception {
    List<String> all = new ArrayList<>(List.of("fault"));
    Collections.addAll(all, words);
    return tool(all.toArray(String[]::new));
  }

  /** The line of the latest fault that the topic has. */
  private static String told(String topic) throws Exception {
    List<String> lines =
        fault("list").lines().filter(line -> line.contains(" " + topic + " ")).toList();
    assertFalse(lines.isEmpty());
    return lines.get(lines.size() - 1);
  }

  private long stored(String topic) throws Exception {
    return admin().examineTopicStats(topic).getOffsetTable().values().stream()
        .mapToLong(one -> one.getMaxOffset() - one.getMinOffset())
        .sum();
  }

  private void send(String topic) throws Exception {
    DefaultMQProducer producer = producer();
    for (int i = 0; i < MESSAGES; i++) {
      producer.send(message(topic, "body " + i));
    }
  }

  private void sendWithLostAnswers(String topic) throws Exception {
    DefaultMQProducer producer = impatientProducer();
    for (int i = 0; i < MESSAGES; i++) {
      fault("add", "lose-send-response", "--topic", topic, "--count", "1");
      SendResult result = producer.send(message(topic, "body " + i));
      assertEquals(SendStatus.SEND_OK, result.getSendStatus());
      assertTrue(told(topic).contains("count reached"), told(topic));
    }
  }

  private static void awaitEach(Inbox inbox, int times) throws Exception {
    await(
        "every message, times " + times,
        PATIENCE_MS,
        () -> {
          List<String> bodies = inbox.bodies();
          for (int i = 0; i < MESSAGES; i++) {
            if (Collections.frequency(bodies, "body " + i) < times) {
              return false;
            }
          }
          return true;
        });
  }

  @Test
  void aLostAnswerIsASecondCopyInAnOrdinaryTopic() throws Exception {
    String topic = topic("lost", 4);
    sendWithLostAnswers(topic);
    assertEquals(2 * MESSAGES, stored(topic));
    awaitEach(consume(fresh("group"), topic, "*"), 2);
  }

  @Test
  void aLostAnswerIsNothingInAnIdempotentTopic() throws Exception {
    TopicConfig config = new TopicConfig(fresh("lost-once"), 4, 4, 6);
    config.setAttributes(Map.of("+idempotent.key", "UNIQ_KEY"));
    configure(config);
    sendWithLostAnswers(config.getTopicName());
    assertEquals(MESSAGES, stored(config.getTopicName()));
  }

  @Test
  void aLostAnswerToABatch() throws Exception {
    String topic = topic("lost-batch", 1);
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < MESSAGES; i++) {
      batch.add(message(topic, "body " + i));
    }
    fault("add", "lose-send-response", "--topic", topic, "--count", "1");
    assertEquals(SendStatus.SEND_OK, impatientProducer().send(batch).getSendStatus());
    assertEquals(2 * MESSAGES, stored(topic));
  }

  @Test
  void aPushConsumerIsGivenMessagesTwice() throws Exception {
    String topic = topic("twice", 2);
    String group = fresh("group");
    send(topic);
    fault("add", "deliver-twice", "--topic", topic, "--group", group);
    awaitEach(consume(group, topic, "*"), 2);
  }

  @Test
  void anOrderlyConsumerIsGivenMessagesTwice() throws Exception {
    String topic = topic("twice-order", 1);
    String group = fresh("group");
    send(topic);
    fault("add", "deliver-twice", "--topic", topic, "--group", group);
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setPullBatchSize(1);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.orderly(one -> ConsumeOrderlyStatus.SUCCESS));
    started(consumer);
    // While a message is still in the client's queue, its second delivery is taken for the same.
    inbox.await(MESSAGES, PATIENCE_MS);
    await("strikes", PATIENCE_MS, () -> told(topic).matches(".* [1-9][0-9]* +0 +active .*"));
  }

  @Test
  void aPopConsumerIsGivenMessagesTwice() throws Exception {
    String topic = topic("twice-pop", 2);
    String group = popGroup(topic);
    send(topic);
    fault("add", "deliver-twice", "--topic", topic);
    awaitEach(popping(group, topic), 2);
  }

  @Test
  void lostOffsetsBringMessagesBackToTheNextConsumer() throws Exception {
    String topic = topic("lost-offset", 2);
    String group = fresh("group");
    send(topic);
    fault("add", "lose-ack", "--topic", topic, "--group", group);
    awaitEach(consume(group, topic, "*"), 1);
    awaitClosed();
    fault("clear", "--all");
    awaitEach(consume(group, topic, "*"), 1);
  }

  @Test
  void aLostAckBringsAPoppedMessageBack() throws Exception {
    String topic = topic("lost-ack", 2);
    String group = popGroup(topic);
    send(topic);
    fault("add", "lose-ack", "--topic", topic, "--count", String.valueOf(MESSAGES));
    Inbox inbox = popping(group, topic);
    inbox.await(MESSAGES + 1, PATIENCE_MS);
    await("the end of the fault", PATIENCE_MS, () -> told(topic).contains("count reached"));
  }

  @Test
  void anExpiredHandleBringsAPoppedMessageBack() throws Exception {
    String topic = topic("expired", 1);
    String group = popGroup(topic);
    fault("add", "expire-handle", "--topic", topic, "--group", group, "--count", "1");
    Inbox inbox = popping(group, topic);
    producer().send(message(topic, "body"));
    List<MessageExt> got = inbox.await(2, PATIENCE_MS);
    assertEquals(0, got.get(0).getReconsumeTimes());
    assertEquals(1, got.get(1).getReconsumeTimes());
    assertTrue(told(topic).contains("count reached"), told(topic));
  }

  @Test
  void aPausedSendIsAnsweredWhenThePauseEnds() throws Exception {
    String topic = topic("paused", 1);
    DefaultMQProducer producer = newProducer();
    producer.setSendMsgTimeout(60_000);
    started(producer);
    fault("add", "pause", "--topic", topic, "--for", "5m");
    CompletableFuture<SendResult> sent =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return producer.send(message(topic, "body"));
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    await("a held request", PATIENCE_MS, () -> told(topic).matches(".* [1-9][0-9]* +[0-9]+ +active .*"));
    assertEquals(0, stored(topic));
    assertFalse(sent.isDone());
    String id = told(topic).trim().split("\\s+")[1];
    fault("clear", id);
    assertEquals(SendStatus.SEND_OK, sent.get(60, TimeUnit.SECONDS).getSendStatus());
    assertEquals(1, stored(topic));
  }

  @Test
  void withoutTheSwitchEveryOrderIsRefused() throws Exception {
    for (List<String> words :
        List.of(
            List.of("fault", "add", "lose-ack", "--topic", "any"),
            List.of("fault", "list"),
            List.of("fault", "clear", "--all"))) {
      OnceMqTool.Result result = OnceMqTool.run(Server.shared(), words.toArray(String[]::new));
      assertEquals(1, result.code());
      assertTrue(result.errors().contains("--allow-faults"), result.errors());
    }
  }
}
