package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.junit.jupiter.api.Test;

/** Batches, positions and the trace, as official consumers use them. */
class ConsumeModesTest extends ClientTest {
  @Test
  void listenersGetBatches() throws Exception {
    String topic = topic("batches", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 40; i++) {
      producer.send(message(topic, String.valueOf(i)));
    }
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.setConsumeMessageBatchMaxSize(8);
    consumer.subscribe(topic, "*");
    Inbox inbox = new Inbox();
    List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              sizes.add(messages.size());
              messages.forEach(inbox::add);
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    started(consumer);
    inbox.awaitExactly(40, PATIENCE_MS);
    assertEquals(8, Collections.max(sizes));
  }

  /** Orderly: a batch that is suspended comes again as a whole before anything behind it. */
  @Test
  void suspendedOrderlyBatchComesAgain() throws Exception {
    String topic = topic("suspend", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 8; i++) {
      producer.send(message(topic, String.valueOf(i)));
    }
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.setConsumeMessageBatchMaxSize(4);
    consumer.subscribe(topic, "*");
    List<String> seen = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger calls = new AtomicInteger();
    consumer.registerMessageListener(
        (MessageListenerOrderly)
            (messages, context) -> {
              messages.forEach(message -> seen.add(text(message.getBody())));
              context.setSuspendCurrentQueueTimeMillis(200);
              return calls.incrementAndGet() == 1
                  ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
                  : ConsumeOrderlyStatus.SUCCESS;
            });
    started(consumer);
    await("the last message", PATIENCE_MS, () -> seen.contains("7"));
    int first = seen.lastIndexOf("0");
    assertTrue(first > 0, seen.toString());
    assertEquals(seen.subList(0, first), seen.subList(first, 2 * first));
    assertEquals(
        List.of("0", "1", "2", "3", "4", "5", "6", "7"), seen.subList(first, seen.size()));
  }

  @Test
  void r11_batchIsStoredOnce() throws Exception {
    String topic = topic("batch-once", 1);
    DefaultMQProducer producer = producer();
    List<org.apache.rocketmq.common.message.Message> batch = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      batch.add(message(topic, String.valueOf(i)));
    }
    producer.send(batch);
    producer.send(batch);
    assertEquals(20, admin().maxOffset(queue(topic, 0)));
  }

  /** The group is new while messages arrive: between its first answers none may be passed over. */
  @Test
  void r30_freshGroupMissesNothingWhileProducing() throws Exception {
    String topic = topic("fresh", 2);
    DefaultMQProducer producer = producer();
    Thread sender =
        new Thread(
            () -> {
              for (int i = 0; i < 400; i++) {
                try {
                  producer.send(message(topic, String.valueOf(i)));
                  Thread.sleep(2);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              }
            });
    sender.start();
    List<Inbox> inboxes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread.sleep(100);
      inboxes.add(consume(fresh("group"), topic, "*"));
    }
    sender.join();
    for (Inbox inbox : inboxes) {
      await(
          "all of them",
          PATIENCE_MS,
          () -> new java.util.HashSet<>(inbox.bodies()).size() == 400);
    }
  }

  @Test
  void litePullConsumerCommitsAndGoesOnThere() throws Exception {
    String topic = topic("lite-commit", 1);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, String.valueOf(i)));
    }
    DefaultLitePullConsumer first = lite(group);
    first.setPullBatchSize(4);
    MessageQueue queue = List.copyOf(first.fetchMessageQueues(topic)).get(0);
    first.assign(List.of(queue));
    first.seekToBegin(queue);
    assertEquals(List.of("0", "1", "2", "3"), polled(first, 4));
    first.commit();
    await("commit", PATIENCE_MS, () -> first.committed(queue) == 4);
    first.shutdown();
    DefaultLitePullConsumer second = lite(group);
    second.assign(List.of(queue));
    assertEquals(List.of("4", "5", "6", "7", "8", "9"), polled(second, 6));
  }

  @Test
  void litePullConsumerStartsAtATime() throws Exception {
    String topic = topic("lite-time", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "old"));
    Thread.sleep(50);
    long between = System.currentTimeMillis();
    Thread.sleep(50);
    producer.send(message(topic, "new"));
    DefaultLitePullConsumer consumer = lite(fresh("group"));
    MessageQueue queue = List.copyOf(consumer.fetchMessageQueues(topic)).get(0);
    consumer.assign(List.of(queue));
    consumer.seek(queue, consumer.offsetForTimestamp(queue, between));
    assertEquals(List.of("new"), polled(consumer, 1));
    consumer.seekToEnd(queue);
    producer.send(message(topic, "newest"));
    assertEquals(List.of("newest"), polled(consumer, 1));
  }

  @Test
  void traceOfAMessageIsFound() throws Exception {
    String topic = topic("traced", 1);
    DefaultMQProducer producer = new DefaultMQProducer(fresh("producers"), true, null);
    producer.setNamesrvAddr(server().namesrv());
    producer.setInstanceName(fresh("instance"));
    started(producer);
    SendResult sent = producer.send(message(topic, "tag", "traced-key", "x"));
    DefaultMQPushConsumer consumer =
        new DefaultMQPushConsumer(
            fresh("group"),
            null,
            new org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely(),
            true,
            null);
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setInstanceName(fresh("instance"));
    consumer.setConsumeFromWhere(
        org.apache.rocketmq.common.consumer.ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(topic, "*");
    Inbox inbox = new Inbox();
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    inbox.await(1, PATIENCE_MS);
    String command =
        "queryMsgTraceById -i "
            + sent.getMsgId()
            + " -t RMQ_SYS_TRACE_TOPIC -b "
            + (System.currentTimeMillis() - 600_000)
            + " -e "
            + (System.currentTimeMillis() + 600_000);
    await(
        "producer and consumer in the trace",
        PATIENCE_MS,
        () -> {
          String out = MqAdmin.run(server(), command);
          return out.contains("Pub")
              && out.contains(producer.getProducerGroup())
              && out.contains("Sub")
              && out.contains(consumer.getConsumerGroup());
        });
  }

  private DefaultLitePullConsumer lite(String group) throws Exception {
    DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(group);
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setInstanceName(fresh("instance"));
    consumer.setAutoCommit(false);
    consumer.start();
    onClose(consumer::shutdown);
    return consumer;
  }

  private static List<String> polled(DefaultLitePullConsumer consumer, int count)
      throws Exception {
    List<String> bodies = new ArrayList<>();
    await(
        count + " messages",
        PATIENCE_MS,
        () -> {
          for (MessageExt message : consumer.poll(500)) {
            bodies.add(text(message.getBody()));
          }
          return bodies.size() >= count;
        });
    return bodies;
  }
}
