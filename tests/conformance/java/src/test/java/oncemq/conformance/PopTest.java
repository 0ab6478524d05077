package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The official push consumer in POP mode, as {@code mqadmin setConsumeMode} and {@code
 * clientRebalance=false} make it. It asks for a failed message after 10 s at the earliest: that is
 * the client's table.
 */
class PopTest extends ClientTest {
  private static Server own;

  @BeforeAll
  static void start() {
    own = Server.start();
  }

  @AfterAll
  static void stop() {
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  private String popGroup(String topic, int retryMaxTimes) throws Exception {
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName(fresh("group"));
    config.setRetryMaxTimes(retryMaxTimes);
    admin().createAndUpdateSubscriptionGroupConfig(server().broker(), config);
    admin()
        .setMessageRequestMode(
            server().broker(), topic, config.getGroupName(), MessageRequestMode.POP, 0, 10_000);
    return config.getGroupName();
  }

  private DefaultMQPushConsumer popping(
      String group, String topic, MessageListenerConcurrently listener) throws Exception {
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setClientRebalance(false);
    consumer.setPopInvisibleTime(30_000);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(listener);
    return started(consumer);
  }

  private OffsetWrapper progress(String group, String topic) throws Exception {
    ConsumeStats stats = admin().examineConsumeStats(group, topic);
    OffsetWrapper sum = new OffsetWrapper();
    for (OffsetWrapper one : stats.getOffsetTable().values()) {
      sum.setBrokerOffset(sum.getBrokerOffset() + one.getBrokerOffset());
      sum.setConsumerOffset(sum.getConsumerOffset() + one.getConsumerOffset());
      sum.setPullOffset(sum.getPullOffset() + one.getPullOffset());
    }
    return sum;
  }

  @Test
  void everyMessageComesOnceAndTheOffsetFollows() throws Exception {
    String topic = topic("pop", 4);
    String group = popGroup(topic, 16);
    Inbox inbox = new Inbox();
    popping(group, topic, inbox.accepting());
    popping(group, topic, inbox.accepting());
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 200; i++) {
      producer.send(message(topic, "body " + i));
    }
    List<MessageExt> got = inbox.awaitExactly(200, PATIENCE_MS);
    assertEquals(200, new HashSet<>(inbox.bodies()).size());
    assertTrue(got.stream().allMatch(one -> one.getProperty("POP_CK") != null), "they were popped");
    await("acks", PATIENCE_MS, () -> progress(group, topic).getConsumerOffset() == 200);
    assertEquals(200, progress(group, topic).getPullOffset());
  }

  @Test
  void aFailedMessageComesAgainWhenTheClientAskedForIt() throws Exception {
    String topic = topic("pop-again", 1);
    String group = popGroup(topic, 16);
    Map<Integer, Long> times = new ConcurrentHashMap<>();
    Inbox inbox = new Inbox();
    popping(
        group,
        topic,
        inbox.concurrently(
            one -> {
              times.putIfAbsent(one.getReconsumeTimes(), System.currentTimeMillis());
              return one.getReconsumeTimes() == 0
                  ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                  : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }));
    Message message = message(topic, "tag", "key", "body");
    message.putUserProperty("user", "kept");
    SendResult sent = producer().send(message);
    List<MessageExt> got = inbox.awaitExactly(2, PATIENCE_MS + 20_000);
    MessageExt again = got.get(1);
    assertEquals(1, again.getReconsumeTimes());
    assertEquals(sent.getMsgId(), again.getMsgId());
    assertEquals(topic, again.getTopic());
    assertEquals("key", again.getKeys());
    assertEquals("kept", again.getUserProperty("user"));
    long waited = times.get(1) - times.get(0);
    assertTrue(waited >= 9_900, "not before the client's 10 s: " + waited);
    if (!Server.apache()) {
      assertTrue(waited < 20_000, "and not long after them: " + waited);
    }
    await("ack", PATIENCE_MS, () -> progress(group, topic).getConsumerOffset() == 1);
  }

  /** In a POP group an orderly listener still pulls: the client shares the queues out by itself. */
  @Test
  void ordersAreKeptInAPopGroup() throws Exception {
    String topic = topic("pop-order", 2);
    String group = popGroup(topic, 16);
    Inbox inbox = new Inbox();
    List<DefaultMQPushConsumer> consumers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      DefaultMQPushConsumer consumer = newConsumer(group);
      consumer.setClientRebalance(false);
      consumer.setPopInvisibleTime(30_000);
      consumer.subscribe(topic, "*");
      consumer.registerMessageListener(inbox.orderly(one -> ConsumeOrderlyStatus.SUCCESS));
      consumers.add(started(consumer));
    }
    // A queue that moves may bring what was not yet saved once more.
    await(
        "a queue each",
        2 * PATIENCE_MS,
        () ->
            consumers.stream()
                .allMatch(
                    one ->
                        one.getDefaultMQPushConsumerImpl()
                                .getRebalanceImpl()
                                .getProcessQueueTable()
                                .keySet()
                                .stream()
                                .filter(queue -> queue.getTopic().equals(topic))
                                .count()
                            == 1));
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 60; i++) {
      producer.send(message(topic, "body " + i), queue(topic, i % 2));
    }
    Map<Integer, Long> last = new HashMap<>();
    for (MessageExt one : inbox.awaitExactly(60, PATIENCE_MS)) {
      Long before = last.put(one.getQueueId(), one.getQueueOffset());
      assertTrue(before == null || before < one.getQueueOffset(), "in the order of the queue");
    }
    await("acks", PATIENCE_MS, () -> progress(group, topic).getConsumerOffset() == 60);
  }

  @Test
  void afterTheLastRoundComesTheDeadLetterQueue() throws Exception {
    String topic = topic("pop-dead", 1);
    String group = popGroup(topic, 0);
    Inbox inbox = new Inbox();
    popping(group, topic, inbox.concurrently(one -> ConsumeConcurrentlyStatus.RECONSUME_LATER));
    SendResult sent = producer().send(message(topic, "tag", "key", "poison"));
    DefaultMQPullConsumer puller = puller(fresh("tools"));
    MessageExt[] dead = new MessageExt[1];
    await(
        "dead letter",
        PATIENCE_MS + 20_000,
        () -> {
          PullResult result = puller.pull(queue("%DLQ%" + group, 0), "*", 0, 32);
          if (result.getPullStatus() != PullStatus.FOUND) {
            return false;
          }
          assertEquals(1, result.getMsgFoundList().size());
          dead[0] = result.getMsgFoundList().get(0);
          return true;
        });
    assertEquals("poison", text(dead[0].getBody()));
    assertEquals(sent.getMsgId(), dead[0].getMsgId());
    assertEquals(sent.getOffsetMsgId(), dead[0].getProperty("ORIGIN_MESSAGE_ID"));
    assertEquals(topic, dead[0].getProperty("RETRY_TOPIC"));
    assertEquals(1, inbox.size());
    assertEquals(1, progress(group, topic).getConsumerOffset());
  }

  @Test
  void aKilledBrokerBringsBackNothingThatWasAcked() throws Exception {
    String topic = topic("pop-killed", 2);
    String group = popGroup(topic, 16);
    Set<String> bodies = ConcurrentHashMap.newKeySet();
    AtomicInteger deliveries = new AtomicInteger();
    popping(
        group,
        topic,
        (messages, context) -> {
          messages.forEach(one -> bodies.add(text(one.getBody())));
          deliveries.addAndGet(messages.size());
          return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 100; i++) {
      producer.send(message(topic, "before " + i));
    }
    await("first half", PATIENCE_MS, () -> progress(group, topic).getConsumerOffset() == 100);
    assertEquals(100, deliveries.get());
    server().kill();
    server().boot();
    await(
        "a send after the start",
        60_000,
        () -> {
          producer.send(message(topic, "after"));
          return true;
        });
    await("it comes", 60_000, () -> bodies.contains("after"));
    assertEquals(101, bodies.size());
    assertEquals(101, deliveries.get());
    await("ack", PATIENCE_MS, () -> progress(group, topic).getConsumerOffset() == 101);
  }

  @Test
  void aGroupThatGoesBackToPullingGoesOnWhereItWas() throws Exception {
    String topic = topic("pop-switch", 1);
    String group = popGroup(topic, 16);
    Inbox popped = new Inbox();
    DefaultMQPushConsumer popper = popping(group, topic, popped.accepting());
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, "popped " + i));
    }
    popped.awaitExactly(10, PATIENCE_MS);
    await("acks", PATIENCE_MS, () -> progress(group, topic).getConsumerOffset() == 10);
    popper.shutdown();
    admin()
        .setMessageRequestMode(
            server().broker(), topic, group, MessageRequestMode.PULL, 0, 10_000);
    Inbox pulled = consume(group, topic, "*");
    for (int i = 0; i < 5; i++) {
      producer.send(message(topic, "pulled " + i));
    }
    pulled.awaitExactly(5, PATIENCE_MS);
    assertTrue(pulled.bodies().stream().allMatch(body -> body.startsWith("pulled")));
  }
}
