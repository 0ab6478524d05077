package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.body.CMResult;
import org.apache.rocketmq.remoting.protocol.body.Connection;
import org.apache.rocketmq.remoting.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumerConnection;
import org.apache.rocketmq.remoting.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.remoting.protocol.heartbeat.ConsumeType;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.junit.jupiter.api.Test;

/** What an operator learns about and does to clients that are connected. */
class RunningClientTest extends ClientTest {
  @Test
  void consumerTellsItsRunningInfo() throws Exception {
    String topic = topic("running", 2);
    String group = fresh("group");
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = running(group, topic, inbox);
    producer().send(message(topic, "body"));
    inbox.await(1, PATIENCE_MS);
    String id = clientId(group);
    ConsumerRunningInfo info = admin().getConsumerRunningInfo(group, id, false);
    assertEquals("false", info.getProperties().getProperty("PROP_CONSUMEORDERLY"));
    assertTrue(info.getMqTable().containsKey(queue(topic, 0)), info.getMqTable().toString());
    assertTrue(
        info.getSubscriptionSet().stream().anyMatch(data -> data.getTopic().equals(topic)));
    ConsumerRunningInfo stack = admin().getConsumerRunningInfo(group, id, true);
    assertTrue(stack.getJstack().contains("ConsumeMessageThread"), "jstack of the client");
    assertEquals(id, consumer.buildMQClientId());
    assertThrows(
        MQClientException.class, () -> admin().getConsumerRunningInfo(group, "nobody", false));
  }

  @Test
  void connectionsAreListed() throws Exception {
    String topic = topic("connections", 1);
    String group = fresh("group");
    running(group, topic, new Inbox());
    clientId(group);
    ConsumerConnection consumers = admin().examineConsumerConnectionInfo(group);
    assertEquals(ConsumeType.CONSUME_PASSIVELY, consumers.getConsumeType());
    assertEquals(MessageModel.CLUSTERING, consumers.getMessageModel());
    assertTrue(consumers.getSubscriptionTable().containsKey(topic));
    Connection connection = consumers.getConnectionSet().iterator().next();
    assertEquals(LanguageCode.JAVA, connection.getLanguage());
    assertTrue(connection.getClientAddr().startsWith("127.0.0.1:"), connection.getClientAddr());

    DefaultMQProducer producer = producer();
    producer.send(message(topic, "body"));
    await(
        "producer",
        PATIENCE_MS,
        () ->
            admin()
                    .examineProducerConnectionInfo(producer.getProducerGroup(), topic)
                    .getConnectionSet()
                    .size()
                == 1);
  }

  @Test
  void unregisteredConsumerIsGoneAtOnce() throws Exception {
    String topic = topic("unregister", 1);
    String group = fresh("group");
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(new Inbox().accepting());
    consumer.start();
    clientId(group);
    consumer.shutdown();
    await(
        "offline",
        PATIENCE_MS,
        () -> {
          try {
            admin().examineConsumerConnectionInfo(group);
            return false;
          } catch (MQBrokerException e) {
            return e.getResponseCode() == 206;
          }
        });
  }

  @Test
  void offsetsAreResetWhileTheConsumerRuns() throws Exception {
    String topic = topic("reset", 2);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, "body " + i));
    }
    Inbox inbox = new Inbox();
    running(group, topic, inbox);
    inbox.awaitExactly(10, PATIENCE_MS);
    // Committed: nothing of the first pass is in flight any more.
    await(
        "committed",
        PATIENCE_MS,
        () -> {
          ConsumeStats stats = admin().examineConsumeStats(group, topic);
          return stats.getOffsetTable().size() == 2 && stats.computeTotalDiff() == 0;
        });
    Map<MessageQueue, Long> reset = admin().resetOffsetByTimestamp(topic, group, 0, true);
    assertEquals(Map.of(queue(topic, 0), 0L, queue(topic, 1), 0L), reset);
    inbox.await(20, PATIENCE_MS);
    assertEquals(10, new HashSet<>(inbox.bodies()).size());
  }

  @Test
  void offsetsAreResetWhileNobodyRuns() throws Exception {
    String topic = topic("reset-offline", 1);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 6; i++) {
      producer.send(message(topic, "body " + i));
    }
    Inbox first = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(first.accepting());
    consumer.start();
    first.awaitExactly(6, PATIENCE_MS);
    consumer.shutdown();
    Map<String, Long> times = new HashMap<>();
    first.all().forEach(one -> times.put(text(one.getBody()), one.getStoreTimestamp()));
    long time = times.get("body 3");
    admin().resetOffsetByTimestamp(topic, group, time, true);
    Inbox again = consume(group, topic, "*");
    // Messages of one millisecond are one place in time.
    List<String> wanted =
        times.keySet().stream().filter(body -> times.get(body) >= time).sorted().toList();
    again.awaitExactly(wanted.size(), PATIENCE_MS);
    assertEquals(wanted, sorted(again.bodies()));
  }

  @Test
  void oneMessageIsConsumedDirectly() throws Exception {
    String topic = topic("direct", 1);
    String group = fresh("group");
    Inbox inbox = new Inbox();
    running(group, topic, inbox);
    SendResult sent = producer().send(message(topic, "tag", "key", "body"));
    inbox.await(1, PATIENCE_MS);
    ConsumeMessageDirectlyResult result =
        admin().consumeMessageDirectly(group, clientId(group), topic, sent.getOffsetMsgId());
    assertNotNull(result);
    assertEquals(CMResult.CR_SUCCESS, result.getConsumeResult());
    assertEquals(List.of("body", "body"), inbox.bodies());
  }

  @Test
  void progressIsCounted() throws Exception {
    String topic = topic("progress", 1);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    consumer.start();
    producer.send(message(topic, "one"));
    inbox.awaitExactly(1, PATIENCE_MS);
    consumer.shutdown();
    producer.send(message(topic, "two"));
    producer.send(message(topic, "three"));
    ConsumeStats stats = admin().examineConsumeStats(group, topic);
    assertEquals(3, stats.getOffsetTable().get(queue(topic, 0)).getBrokerOffset());
    assertEquals(1, stats.getOffsetTable().get(queue(topic, 0)).getConsumerOffset());
    assertEquals(2, stats.computeTotalDiff());
    assertTrue(stats.getOffsetTable().get(queue(topic, 0)).getLastTimestamp() > 0);
  }

  private DefaultMQPushConsumer running(String group, String topic, Inbox inbox)
      throws Exception {
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    return started(consumer);
  }

  private String clientId(String group) throws Exception {
    await(
        "connection",
        PATIENCE_MS,
        () -> admin().examineConsumerConnectionInfo(group).getConnectionSet().size() == 1);
    return admin()
        .examineConsumerConnectionInfo(group)
        .getConnectionSet()
        .iterator()
        .next()
        .getClientId();
  }
}
