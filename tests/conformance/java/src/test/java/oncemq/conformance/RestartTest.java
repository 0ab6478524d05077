package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The broker ends, by request or by kill -9, while official clients use it. */
class RestartTest extends ClientTest {
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

  @Test
  void killedBrokerLosesNothingItAcknowledged() throws Exception {
    String topic = topic("killed", 2);
    String group = fresh("group");
    Inbox inbox = consume(group, topic, "*");
    DefaultMQProducer producer = newProducer();
    producer.setSendMsgTimeout(2_000);
    producer.setRetryTimesWhenSendFailed(0);
    started(producer);
    Map<String, SendResult> acknowledged = new ConcurrentHashMap<>();
    Set<String> attempted = ConcurrentHashMap.newKeySet();
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger number = new AtomicInteger();
    Thread sender =
        new Thread(
            () -> {
              while (!over.get()) {
                String body = "body " + number.incrementAndGet();
                attempted.add(body);
                try {
                  SendResult result = producer.send(message(topic, body));
                  if (result.getSendStatus() == SendStatus.SEND_OK) {
                    acknowledged.put(body, result);
                  }
                } catch (Exception e) {
                  pause(20);
                }
              }
            });
    sender.start();
    for (int round = 0; round < 2; round++) {
      int before = acknowledged.size();
      await("sends", 60_000, () -> acknowledged.size() > before + 200);
      own.kill();
      own.boot();
    }
    int before = acknowledged.size();
    await("sends after the restart", 60_000, () -> acknowledged.size() > before + 100);
    over.set(true);
    sender.join();
    await(
        "every acknowledged message", 90_000, () -> new HashSet<>(inbox.bodies()).containsAll(acknowledged.keySet()));
    assertTrue(attempted.containsAll(inbox.bodies()), "a message that nobody sent");
    for (MessageExt message : inbox.all()) {
      SendResult result = acknowledged.get(text(message.getBody()));
      if (result != null && result.getMsgId().equals(message.getMsgId())) {
        assertEquals(result.getQueueOffset(), message.getQueueOffset(), text(message.getBody()));
        assertEquals(result.getMessageQueue().getQueueId(), message.getQueueId());
      }
    }
  }

  @Test
  void stoppedBrokerRemembersEverything() throws Exception {
    String topic = topic("stopped", 3);
    String group = fresh("group");
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName(group);
    config.setRetryMaxTimes(5);
    admin().createAndUpdateSubscriptionGroupConfig(own.broker(), config);
    DefaultMQProducer producer = producer();
    SendResult keyed = producer.send(message(topic, "tag", "the-key", "keyed"));
    for (int i = 0; i < 9; i++) {
      producer.send(message(topic, "first " + i));
    }
    Message late = message(topic, "late");
    late.setDelayTimeLevel(2);
    producer.send(late);
    Inbox first = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(first.accepting());
    consumer.start();
    first.await(10, PATIENCE_MS);
    consumer.shutdown();
    own.restart();

    TopicConfig kept = admin().examineTopicConfig(own.broker(), topic);
    assertEquals(3, kept.getWriteQueueNums());
    assertEquals(5, admin().examineSubscriptionGroupConfig(own.broker(), group).getRetryMaxTimes());
    await(
        "route", 40_000, () -> admin().examineTopicRouteInfo(topic).getQueueDatas().size() == 1);
    assertEquals("keyed", text(admin().viewMessage(topic, keyed.getOffsetMsgId()).getBody()));
    assertEquals(
        1, admin().queryMessage(topic, "the-key", 32, 0, Long.MAX_VALUE).getMessageList().size());
    DefaultMQProducer again = producer();
    again.send(message(topic, "second"));
    Inbox second = consume(group, topic, "*");
    await("the rest", PATIENCE_MS, () -> second.bodies().containsAll(List.of("second", "late")) || (first.bodies().contains("late") && second.bodies().contains("second")));
    assertFalse(second.bodies().stream().anyMatch(body -> body.startsWith("first")), second.bodies().toString());
    long total = 0;
    for (int i = 0; i < 3; i++) {
      total += admin().maxOffset(queue(topic, i));
    }
    assertEquals(12, total);
  }

  private static void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
