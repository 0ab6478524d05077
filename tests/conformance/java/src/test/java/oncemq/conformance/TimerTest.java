package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.producer.RecallMessageHandle;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Messages for a point in time, and taking them back. */
class TimerTest extends ClientTest {
  private static Server own;

  @BeforeAll
  static void start() {
    own = Server.start("recallMessageEnable", "true");
  }

  @AfterAll
  static void stop() {
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  private static int refusal(DefaultMQProducer producer, Message message) {
    return assertThrows(MQBrokerException.class, () -> producer.send(message)).getResponseCode();
  }

  private static int recallRefusal(DefaultMQProducer producer, String topic, String handle) {
    return assertThrows(MQBrokerException.class, () -> producer.recallMessage(topic, handle))
        .getResponseCode();
  }

  @Test
  void allThreeWaysToSayWhen() throws Exception {
    String topic = topic("timer", 2);
    Inbox inbox = consume(fresh("group"), topic, "red");
    DefaultMQProducer producer = producer();
    Map<String, Long> due = new ConcurrentHashMap<>();
    Message inMs = message(topic, "red", "key", "in ms");
    inMs.setDelayTimeMs(2_300);
    due.put("in ms", System.currentTimeMillis() + 2_300);
    producer.send(inMs);
    Message inSec = message(topic, "red", "key", "in s");
    inSec.setDelayTimeSec(3);
    due.put("in s", System.currentTimeMillis() + 3_000);
    producer.send(inSec);
    Message at = message(topic, "red", "key", "at");
    long when = System.currentTimeMillis() + 1_500;
    at.setDeliverTimeMs(when);
    due.put("at", when);
    producer.send(at);
    Message past = message(topic, "red", "key", "past");
    past.setDeliverTimeMs(when - 60_000);
    due.put("past", 0L);
    SendResult now = producer.send(past);
    assertNull(now.getRecallHandle());
    for (MessageExt message : inbox.awaitExactly(4, PATIENCE_MS)) {
      String body = text(message.getBody());
      assertEquals(topic, message.getTopic());
      assertEquals("red", message.getTags());
      assertEquals("key", message.getKeys());
      assertTrue(
          message.getStoreTimestamp() >= due.get(body),
          body + " came " + (due.get(body) - message.getStoreTimestamp()) + " ms early");
    }
  }

  @Test
  void refusalsAreApaches() throws Exception {
    String topic = topic("timer", 1);
    DefaultMQProducer producer = producer();
    Message far = message(topic, "far");
    far.setDelayTimeSec(400L * 86_400);
    assertEquals(13, refusal(producer, far));
    Message strange = message(topic, "strange");
    strange.putUserProperty("x", "y");
    strange.getProperties().put("TIMER_DELAY_MS", "soon");
    assertEquals(13, refusal(producer, strange));
    Message both = message(topic, "level wins");
    both.setDelayTimeLevel(1);
    both.setDelayTimeSec(3_600);
    producer.send(both);
    assertEquals(
        List.of("level wins"),
        consume(fresh("group"), topic, "*").awaitExactly(1, PATIENCE_MS).stream()
            .map(message -> text(message.getBody()))
            .collect(Collectors.toList()));
  }

  @Test
  void recalledMessageIsNotDelivered() throws Exception {
    String topic = topic("timer", 1);
    Inbox inbox = consume(fresh("group"), topic, "*");
    DefaultMQProducer producer = producer();
    Message kept = message(topic, "kept");
    kept.setDelayTimeMs(6_000);
    Message taken = message(topic, "taken");
    taken.setDelayTimeMs(6_000);
    producer.send(kept);
    SendResult sent = producer.send(taken);
    assertNotNull(sent.getRecallHandle());
    RecallMessageHandle.HandleV1 handle =
        (RecallMessageHandle.HandleV1) RecallMessageHandle.decodeHandle(sent.getRecallHandle());
    assertEquals(topic, handle.getTopic());
    assertEquals(Server.BROKER, handle.getBrokerName());
    assertEquals(sent.getMsgId(), handle.getMessageId());
    assertEquals(sent.getMsgId(), producer.recallMessage(topic, sent.getRecallHandle()));
    inbox.await(1, PATIENCE_MS);
    Thread.sleep(2_500);
    assertEquals(List.of("kept"), inbox.bodies());
  }

  @Test
  void recallIsRefusedWithApachesCodes() throws Exception {
    String topic = topic("timer", 1);
    String other = topic("other", 1);
    DefaultMQProducer producer = producer();
    Message message = message(topic, "x");
    message.setDelayTimeMs(60_000);
    SendResult sent = producer.send(message);
    assertEquals(604, recallRefusal(producer, other, sent.getRecallHandle()));
    String past =
        RecallMessageHandle.HandleV1.buildHandle(
            topic, Server.BROKER, String.valueOf(System.currentTimeMillis() - 5_000), "id");
    assertEquals(604, recallRefusal(producer, topic, past));
    assertEquals(sent.getMsgId(), producer.recallMessage(topic, sent.getRecallHandle()));
  }

  @Test
  @OnceMqOnly("Apache says yes to a recall that comes too late, and to one of an unknown message")
  void recallTellsTheTruth() throws Exception {
    String topic = topic("timer", 1);
    DefaultMQProducer producer = producer();
    Message message = message(topic, "x");
    message.setDelayTimeMs(700);
    SendResult sent = producer.send(message);
    consume(fresh("group"), topic, "*").awaitExactly(1, PATIENCE_MS);
    assertEquals(604, recallRefusal(producer, topic, sent.getRecallHandle()));
    String unknown =
        RecallMessageHandle.HandleV1.buildHandle(
            topic, Server.BROKER, String.valueOf(System.currentTimeMillis() + 60_000), "nobody");
    assertEquals(604, recallRefusal(producer, topic, unknown));
  }
}
