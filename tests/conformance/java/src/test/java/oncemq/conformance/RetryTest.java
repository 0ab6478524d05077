package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
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
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.Test;

/** Retry over the delay levels (the server is started with 1 s for most of them) and dead letters. */
class RetryTest extends ClientTest {
  @Test
  void failedMessageComesAgainWithItsIdsAndProperties() throws Exception {
    String topic = topic("retry", 1);
    String group = fresh("group");
    Inbox inbox = failing(group, topic, 16, 3);
    Message message = message(topic, "tag", "key1 key2", "body");
    message.putUserProperty("user", "属性");
    message.setFlag(99);
    SendResult sent = producer().send(message);
    List<MessageExt> got = inbox.awaitExactly(4, PATIENCE_MS + 10_000);
    for (int round = 0; round < 4; round++) {
      MessageExt one = got.get(round);
      assertEquals(round, one.getReconsumeTimes());
      assertEquals(sent.getMsgId(), one.getMsgId());
      // The client shows the real topic again.
      assertEquals(topic, one.getTopic());
      assertEquals("tag", one.getTags());
      assertEquals("key1 key2", one.getKeys());
      assertEquals("属性", one.getUserProperty("user"));
      assertEquals(99, one.getFlag());
      assertEquals("body", text(one.getBody()));
      assertEquals(got.get(0).getBornTimestamp(), one.getBornTimestamp());
      assertEquals(got.get(0).getBornHostString(), one.getBornHostString());
      if (round > 0) {
        assertEquals(sent.getOffsetMsgId(), one.getProperty("ORIGIN_MESSAGE_ID"));
        assertEquals(topic, one.getProperty("RETRY_TOPIC"));
      }
    }
  }

  @Test
  void retryWaitsForItsLevel() throws Exception {
    String topic = topic("retry-level", 1);
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              messages.forEach(inbox::add);
              context.setDelayLevelWhenNextConsume(2);
              return messages.get(0).getReconsumeTimes() == 0
                  ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                  : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    started(consumer);
    producer().send(message(topic, "body"));
    List<MessageExt> got = inbox.awaitExactly(2, PATIENCE_MS + 10_000);
    long waited = got.get(1).getStoreTimestamp() - got.get(0).getStoreTimestamp();
    assertTrue(waited >= 1_950, "level 2 is 2 s, it came after " + waited);
  }

  @Test
  @OnceMqOnly("there the retry topic of a new group is announced late: 20 s and more")
  void firstRetryOfANewGroupIsNotLate() throws Exception {
    String topic = topic("retry-first", 1);
    Inbox inbox = failing(fresh("group"), topic, 16, 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "body"));
    inbox.await(1, PATIENCE_MS);
    long begun = System.currentTimeMillis();
    inbox.await(2, PATIENCE_MS);
    long waited = System.currentTimeMillis() - begun;
    assertTrue(waited < 15_000, "the first retry has a level of 1 s and came after " + waited);
  }

  @Test
  void afterTheLastRoundComesTheDeadLetterQueue() throws Exception {
    String topic = topic("dead", 1);
    String group = fresh("group");
    Inbox inbox = failing(group, topic, 2, Integer.MAX_VALUE);
    Message message = message(topic, "tag", "key", "poison");
    message.putUserProperty("user", "kept");
    SendResult sent = producer().send(message);
    inbox.await(3, PATIENCE_MS + 10_000);
    MessageExt dead = onlyDeadLetter(group);
    assertEquals("poison", text(dead.getBody()));
    assertEquals(3, dead.getReconsumeTimes());
    assertEquals(sent.getMsgId(), dead.getMsgId());
    assertEquals(sent.getOffsetMsgId(), dead.getProperty("ORIGIN_MESSAGE_ID"));
    assertEquals(topic, dead.getProperty("RETRY_TOPIC"));
    assertEquals("tag", dead.getTags());
    assertEquals("key", dead.getKeys());
    assertEquals("kept", dead.getUserProperty("user"));
    assertEquals(3, inbox.size());
    assertEquals(
        1, admin().examineTopicRouteInfo("%DLQ%" + group).getQueueDatas().get(0).getReadQueueNums());
  }

  @Test
  void groupConfigLimitsTheRounds() throws Exception {
    String topic = topic("dead-config", 1);
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName(fresh("group"));
    config.setRetryMaxTimes(1);
    admin().createAndUpdateSubscriptionGroupConfig(server().broker(), config);
    Inbox inbox = failing(config.getGroupName(), topic, 1, Integer.MAX_VALUE);
    producer().send(message(topic, "poison"));
    inbox.await(2, PATIENCE_MS + 10_000);
    assertEquals("poison", text(onlyDeadLetter(config.getGroupName()).getBody()));
  }

  @Test
  void deadLetterAtOnceWhenTheListenerSaysSo() throws Exception {
    String topic = topic("dead-now", 1);
    String group = fresh("group");
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              context.setDelayLevelWhenNextConsume(-1);
              return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            });
    started(consumer);
    producer().send(message(topic, "hopeless"));
    assertEquals("hopeless", text(onlyDeadLetter(group).getBody()));
  }

  @Test
  void orderlyConsumerEndsInTheDeadLetterQueueAndGoesOn() throws Exception {
    String topic = topic("dead-orderly", 1);
    String group = fresh("group");
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setMaxReconsumeTimes(2);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        inbox.orderly(
            message ->
                text(message.getBody()).equals("poison")
                    ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
                    : ConsumeOrderlyStatus.SUCCESS));
    started(consumer);
    DefaultMQProducer producer = producer();
    SendResult sent = producer.send(message(topic, "tag", "key", "poison"));
    producer.send(message(topic, "good"));
    inbox.await(4, PATIENCE_MS);
    assertEquals(List.of("poison", "poison", "poison", "good"), inbox.bodies());
    MessageExt dead = onlyDeadLetter(group);
    assertEquals("poison", text(dead.getBody()));
    assertEquals("key", dead.getKeys());
    assertEquals("tag", dead.getTags());
    assertEquals(topic, dead.getProperty("RETRY_TOPIC"));
    // It was sent back as a message of its own, which keeps the unique id.
    assertEquals(sent.getMsgId(), dead.getProperty("ORIGIN_MESSAGE_ID"));
  }

  @Test
  void deadLettersCanBeConsumed() throws Exception {
    String topic = topic("dead-read", 1);
    String group = fresh("group");
    Inbox inbox = failing(group, topic, 0, Integer.MAX_VALUE);
    producer().send(message(topic, "poison"));
    inbox.await(1, PATIENCE_MS);
    onlyDeadLetter(group);
    Inbox dead = consume(fresh("readers"), "%DLQ%" + group, "*");
    assertEquals("poison", text(dead.awaitExactly(1, PATIENCE_MS).get(0).getBody()));
  }

  @Test
  void batchListenerSendsBackOnlyWhatFailed() throws Exception {
    String topic = topic("retry-batch", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 6; i++) {
      producer.send(message(topic, "body " + i));
    }
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.setConsumeMessageBatchMaxSize(6);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              messages.forEach(inbox::add);
              if (messages.size() > 1) {
                context.setAckIndex(messages.size() - 2);
              }
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    started(consumer);
    List<MessageExt> got = inbox.await(7, PATIENCE_MS + 10_000);
    assertEquals("body 5", text(got.get(6).getBody()));
    assertEquals(1, got.get(6).getReconsumeTimes());
  }

  /** A concurrent consumer that fails the first {@code failures} deliveries of each message. */
  private Inbox failing(String group, String topic, int maxReconsume, int failures)
      throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setMaxReconsumeTimes(maxReconsume);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        inbox.concurrently(
            message ->
                message.getReconsumeTimes() < failures
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                    : ConsumeConcurrentlyStatus.CONSUME_SUCCESS));
    started(consumer);
    return inbox;
  }

  private MessageExt onlyDeadLetter(String group) throws Exception {
    String topic = "%DLQ%" + group;
    await("dead letter", PATIENCE_MS, () -> admin().maxOffset(queue(topic, 0)) == 1);
    DefaultMQPullConsumer puller = puller(fresh("puller"));
    PullResult result = puller.pull(queue(topic, 0), "*", 0, 32);
    assertEquals(PullStatus.FOUND, result.getPullStatus());
    assertEquals(1, result.getMsgFoundList().size());
    assertNotEquals(0, result.getMaxOffset());
    return result.getMsgFoundList().get(0);
  }
}
