package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Timers outlive their broker, and none is delivered twice. */
class TimerRestartTest extends ClientTest {
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

  @Test
  @OnceMqOnly("Apache promises at least once")
  void eachOnceWhateverIsKilled() throws Exception {
    String topic = topic("timer", 4);
    DefaultMQProducer producer = newProducer();
    producer.setRetryTimesWhenSendFailed(0);
    started(producer);
    Inbox inbox = consume(fresh("group"), topic, "*");
    Map<String, Long> due = new TreeMap<>();
    Set<String> recalled = new HashSet<>();
    List<SendResult> results = new ArrayList<>();
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 300; i++) {
        String body = round + "-" + i;
        Message message = message(topic, body);
        long ms = 200 + i * 20L;
        message.setDelayTimeMs(ms);
        due.put(body, System.currentTimeMillis() + ms);
        results.add(producer.send(message));
        if (i % 50 == 49) {
          SendResult last = results.get(results.size() - 1);
          try {
            producer.recallMessage(topic, last.getRecallHandle());
            recalled.add(body);
          } catch (MQBrokerException e) {
            // On a slow machine it was delivered meanwhile.
            assertEquals(604, e.getResponseCode(), e.getMessage());
          }
        }
      }
      Thread.sleep(1_000);
      own.kill();
      own.boot();
      Thread.sleep(1_500);
    }
    own.restart();
    int wanted = due.size() - recalled.size();
    await("all timers", 60_000, () -> new HashSet<>(stored(inbox).values()).size() >= wanted);
    Thread.sleep(2_000);
    // A killed broker may have lost what a consumer acknowledged; what counts is what is stored.
    Map<String, String> stored = stored(inbox);
    Set<String> bodies = new HashSet<>(stored.values());
    assertEquals(stored.size(), bodies.size(), "a timer was stored twice");
    Set<String> missing = new HashSet<>(due.keySet());
    missing.removeAll(recalled);
    missing.removeAll(bodies);
    assertEquals(Set.of(), missing);
    for (String body : recalled) {
      assertTrue(!bodies.contains(body), body + " was recalled");
    }
    for (MessageExt message : inbox.all()) {
      assertTrue(message.getStoreTimestamp() >= due.get(text(message.getBody())));
    }
  }

  /** Body by place in the topic: a message that was consumed twice counts once. */
  private static Map<String, String> stored(Inbox inbox) {
    Map<String, String> stored = new TreeMap<>();
    for (MessageExt message : inbox.all()) {
      stored.put(message.getQueueId() + "/" + message.getQueueOffset(), text(message.getBody()));
    }
    return stored;
  }
}
