package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.Test;

class ConsumeTest extends ClientTest {
  @Test
  void concurrentConsumerGetsEveryMessageAsSent() throws Exception {
    String topic = topic("concurrent", 4);
    DefaultMQProducer producer = producer();
    Map<String, SendResult> sent = new HashMap<>();
    for (int i = 0; i < 40; i++) {
      SendResult result = producer.send(message(topic, "tag" + i % 3, "key" + i, "body " + i));
      sent.put(result.getMsgId(), result);
    }
    Inbox inbox = consume(fresh("group"), topic, "*");
    for (int i = 40; i < 60; i++) {
      SendResult result = producer.send(message(topic, "tag" + i % 3, "key" + i, "body " + i));
      sent.put(result.getMsgId(), result);
    }
    List<MessageExt> got = inbox.awaitExactly(60, PATIENCE_MS);
    Set<String> ids = new HashSet<>();
    for (MessageExt message : got) {
      SendResult result = sent.get(message.getMsgId());
      assertTrue(ids.add(message.getMsgId()), "twice: " + message);
      assertEquals(topic, message.getTopic());
      assertEquals(result.getMessageQueue().getQueueId(), message.getQueueId());
      assertEquals(result.getQueueOffset(), message.getQueueOffset());
      assertEquals("key" + text(message.getBody()).substring(5), message.getKeys());
      assertEquals(0, message.getReconsumeTimes());
      assertTrue(message.getStoreTimestamp() >= message.getBornTimestamp() - 1000);
      assertTrue(message.getBornHostString().contains("127.0.0.1"), message.getBornHostString());
      assertTrue(message.getStoreHost().toString().endsWith(server().broker()));
      assertEquals("DefaultRegion", message.getProperty("MSG_REGION"));
    }
  }

  @Test
  void orderlyConsumerSeesEachQueueInOrder() throws Exception {
    String topic = topic("orderly", 3);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 60; i++) {
      producer.send(
          message(topic, String.valueOf(i)), (queues, m, n) -> queues.get((int) n % 3), i);
    }
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.orderly(message -> ConsumeOrderlyStatus.SUCCESS));
    started(consumer);
    List<MessageExt> got = inbox.awaitExactly(60, PATIENCE_MS);
    Map<Integer, Long> next = new HashMap<>();
    for (MessageExt message : got) {
      assertEquals(next.getOrDefault(message.getQueueId(), 0L), message.getQueueOffset());
      next.put(message.getQueueId(), message.getQueueOffset() + 1);
    }
  }

  @Test
  void orderlyConsumerRepeatsBeforeItGoesOn() throws Exception {
    String topic = topic("orderly-again", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 3; i++) {
      producer.send(message(topic, "body " + i));
    }
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        inbox.orderly(
            message ->
                text(message.getBody()).equals("body 1") && message.getReconsumeTimes() < 2
                    ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
                    : ConsumeOrderlyStatus.SUCCESS));
    started(consumer);
    inbox.awaitExactly(5, PATIENCE_MS);
    assertEquals(List.of("body 0", "body 1", "body 1", "body 1", "body 2"), inbox.bodies());
  }

  @Test
  void broadcastReachesEveryInstance() throws Exception {
    String topic = topic("broadcast", 2);
    String group = fresh("group");
    List<Inbox> inboxes = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Inbox inbox = new Inbox();
      DefaultMQPushConsumer consumer = newConsumer(group);
      consumer.setMessageModel(MessageModel.BROADCASTING);
      consumer.subscribe(topic, "*");
      consumer.registerMessageListener(
          inbox.concurrently(message -> ConsumeConcurrentlyStatus.RECONSUME_LATER));
      started(consumer);
      inboxes.add(inbox);
    }
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, "body " + i));
    }
    for (Inbox inbox : inboxes) {
      // A failed message is not repeated in this model.
      inbox.awaitExactly(10, PATIENCE_MS);
      assertEquals(10, new HashSet<>(inbox.bodies()).size());
    }
  }

  @Test
  void tagsAreFiltered() throws Exception {
    String topic = topic("tags", 2);
    DefaultMQProducer producer = producer();
    for (String tag : new String[] {"a", "b", "c", null, "标签"}) {
      for (int i = 0; i < 3; i++) {
        producer.send(message(topic, tag, null, tag + " " + i));
      }
    }
    Inbox two = consume(fresh("group"), topic, "a || 标签");
    Inbox one = consume(fresh("group"), topic, "b");
    Inbox all = consume(fresh("group"), topic, "*");
    assertEquals(
        List.of("a 0", "a 1", "a 2", "标签 0", "标签 1", "标签 2"),
        sorted(bodies(two.awaitExactly(6, PATIENCE_MS))));
    assertEquals(List.of("b 0", "b 1", "b 2"), sorted(bodies(one.awaitExactly(3, PATIENCE_MS))));
    all.awaitExactly(15, PATIENCE_MS);
  }

  @Test
  void tagsWithTheSameHashAreToldApart() throws Exception {
    // "Aa" and "BB" have the same Java hash code, which is all the consume queue keeps.
    String topic = topic("tag-hash", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "Aa", null, "mine"));
    producer.send(message(topic, "BB", null, "not mine"));
    producer.send(message(topic, "Aa", null, "mine too"));
    Inbox inbox = consume(fresh("group"), topic, "Aa");
    assertEquals(List.of("mine", "mine too"), sorted(bodies(inbox.awaitExactly(2, PATIENCE_MS))));
  }

  @Test
  void oneMatchBehindThousandsIsFound() throws Exception {
    String topic = topic("needle", 1);
    DefaultMQProducer producer = producer();
    for (int round = 0; round < 20; round++) {
      List<org.apache.rocketmq.common.message.Message> batch = new ArrayList<>();
      for (int i = 0; i < 150; i++) {
        batch.add(message(topic, "hay", null, "x"));
      }
      producer.send(batch);
    }
    producer.send(message(topic, "needle", null, "found"));
    Inbox inbox = consume(fresh("group"), topic, "needle");
    assertEquals("found", text(inbox.awaitExactly(1, PATIENCE_MS).get(0).getBody()));
  }

  @Test
  void waitingConsumerIsWokenAtOnce() throws Exception {
    String topic = topic("latency", 1);
    List<Long> delays = Collections.synchronizedList(new ArrayList<>());
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        inbox.concurrently(
            message -> {
              delays.add(System.nanoTime() - Long.parseLong(text(message.getBody())));
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }));
    started(consumer);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, String.valueOf(System.nanoTime())));
    inbox.await(1, PATIENCE_MS);
    delays.clear();
    for (int i = 0; i < 50; i++) {
      producer.send(message(topic, String.valueOf(System.nanoTime())));
      Thread.sleep(10);
    }
    inbox.awaitExactly(51, PATIENCE_MS);
    List<Long> sorted = delays.stream().sorted().toList();
    long median = sorted.get(sorted.size() / 2) / 1_000_000;
    // Far from a polling interval, even on a machine with other work.
    assertTrue(median < 1_000, "median " + median + " ms");
  }

  @Test
  void newGroupStartsFromTheEndWhenAskedTo() throws Exception {
    // Offset 0 in memory counts as "young topic", so the queue must have been consumed from first.
    String topic = topic("from-last", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "old"));
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
    Inbox inbox = new Inbox();
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    assertEquals("old", text(inbox.await(1, PATIENCE_MS).get(0).getBody()));
  }

  @Test
  void groupGoesOnWhereItStopped() throws Exception {
    String topic = topic("go-on", 2);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, "first " + i));
    }
    Inbox first = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(first.accepting());
    consumer.start();
    first.awaitExactly(10, PATIENCE_MS);
    consumer.shutdown();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, "second " + i));
    }
    Inbox second = consume(group, topic, "*");
    List<MessageExt> got = second.awaitExactly(10, PATIENCE_MS);
    assertTrue(bodies(got).stream().allMatch(body -> body.startsWith("second")), second.bodies().toString());
  }

  @Test
  void disabledGroupGetsNothingUntilEnabled() throws Exception {
    String topic = topic("disabled", 1);
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName(fresh("group"));
    config.setConsumeEnable(false);
    admin().createAndUpdateSubscriptionGroupConfig(server().broker(), config);
    producer().send(message(topic, "body"));
    Inbox inbox = consume(config.getGroupName(), topic, "*");
    Thread.sleep(3_000);
    assertEquals(0, inbox.size());
    config.setConsumeEnable(true);
    admin().createAndUpdateSubscriptionGroupConfig(server().broker(), config);
    inbox.awaitExactly(1, PATIENCE_MS);
  }

  @Test
  void suspendedConsumerGetsNothingUntilResumed() throws Exception {
    String topic = topic("suspend", 1);
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "one"));
    inbox.awaitExactly(1, PATIENCE_MS);
    consumer.suspend();
    // The pull that is already parked may still bring one message.
    producer.send(message(topic, "two"));
    Thread.sleep(500);
    producer.send(message(topic, "three"));
    Thread.sleep(1_500);
    assertFalse(inbox.bodies().contains("three"));
    consumer.resume();
    inbox.awaitExactly(3, PATIENCE_MS);
  }

  @Test
  void oneGroupReadsSeveralTopics() throws Exception {
    String one = topic("several-1", 1);
    String two = topic("several-2", 1);
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(one, "a");
    consumer.subscribe(two, "b");
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    DefaultMQProducer producer = producer();
    for (String tag : new String[] {"a", "b"}) {
      producer.send(message(one, tag, null, "one " + tag));
      producer.send(message(two, tag, null, "two " + tag));
    }
    assertEquals(List.of("one a", "two b"), sorted(bodies(inbox.awaitExactly(2, PATIENCE_MS))));
  }

  @Test
  void litePullConsumerSubscribes() throws Exception {
    String topic = topic("lite", 2);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 20; i++) {
      producer.send(message(topic, "body " + i));
    }
    DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(fresh("group"));
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(topic, "*");
    consumer.start();
    onClose(consumer::shutdown);
    Set<String> bodies = new HashSet<>();
    await(
        "twenty messages",
        PATIENCE_MS,
        () -> {
          consumer.poll(500).forEach(message -> bodies.add(text(message.getBody())));
          return bodies.size() == 20;
        });
    consumer.commit();
  }

  @Test
  void litePullConsumerSeeks() throws Exception {
    String topic = topic("lite-seek", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, "body " + i));
    }
    DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(fresh("group"));
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setAutoCommit(false);
    consumer.start();
    onClose(consumer::shutdown);
    MessageQueue queue = List.copyOf(consumer.fetchMessageQueues(topic)).get(0);
    consumer.assign(List.of(queue));
    consumer.seek(queue, 6);
    List<String> bodies = new ArrayList<>();
    await(
        "four messages",
        PATIENCE_MS,
        () -> {
          consumer.poll(500).forEach(message -> bodies.add(text(message.getBody())));
          return bodies.size() >= 4;
        });
    assertEquals(List.of("body 6", "body 7", "body 8", "body 9"), bodies);
  }

  private static List<String> bodies(List<MessageExt> messages) {
    return messages.stream().map(message -> text(message.getBody())).toList();
  }
}
