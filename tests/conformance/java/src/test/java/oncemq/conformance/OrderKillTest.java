package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * An orderly consumer is killed. Its locks live on for a while, and only then another may go on: on
 * a server of its own, where that is 25 s instead of 60.
 */
@OnceMqOnly("Apache takes the time of a lock from a system property")
class OrderKillTest extends ClientTest {
  private static final long LOCK_MS = 25_000;
  private static final long HEIR_MS = LOCK_MS + PATIENCE_MS;

  private static Server own;

  @BeforeAll
  static void start() {
    own = Server.start("rebalanceLockMaxLiveTime", String.valueOf(LOCK_MS));
  }

  @AfterAll
  static void stop() {
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  /** R38: nothing is lost or passed over, and the head is not blocked for ever. */
  @Test
  void r38_killedConsumersQueueGoesOnInOrderAfterItsLock() throws Exception {
    String topic = topic("order-kill", 1);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    Inbox inbox = new Inbox();
    try (Child child = Child.start(List.of(), "orderly", server().namesrv(), topic, group)) {
      for (int i = 0; i < 20; i++) {
        producer.send(message(topic, String.valueOf(i)));
      }
      child.await("GOT", 20, PATIENCE_MS);
      child.kill();
    }
    for (int i = 20; i < 30; i++) {
      producer.send(message(topic, String.valueOf(i)));
    }
    DefaultMQPushConsumer heir = newConsumer(group);
    heir.subscribe(topic, "*");
    heir.registerMessageListener(inbox.orderly(message -> ConsumeOrderlyStatus.SUCCESS));
    started(heir);
    await("the last message", HEIR_MS, () -> inbox.bodies().contains("29"));
    // What the killed one had not confirmed comes again, without a gap and in order.
    List<String> bodies = inbox.bodies();
    int first = Integer.parseInt(bodies.get(0));
    assertTrue(first <= 20, bodies.toString());
    List<String> wanted = new ArrayList<>();
    for (int i = first; i < 30; i++) {
      wanted.add(String.valueOf(i));
    }
    assertEquals(wanted, bodies);
  }

  /** R39, R38: a poison message of an ordered queue gets to the dead letters all the same. */
  @Test
  void r39_poisonedOrderlyMessageIsADeadLetterAfterAKill() throws Exception {
    String topic = topic("order-poison", 1);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    Inbox inbox = new Inbox();
    try (Child child = Child.start(List.of(), "orderly-poison", server().namesrv(), topic, group)) {
      for (String body : List.of("a", "poison", "b", "c")) {
        producer.send(message(topic, body));
      }
      // In the middle of the rounds of the poison.
      child.await("GOT", 2, PATIENCE_MS);
      child.kill();
    }
    DefaultMQPushConsumer heir = newConsumer(group);
    heir.setMaxReconsumeTimes(2);
    heir.subscribe(topic, "*");
    heir.registerMessageListener(
        inbox.orderly(
            message ->
                text(message.getBody()).equals("poison")
                    ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
                    : ConsumeOrderlyStatus.SUCCESS));
    started(heir);
    await("the last message", HEIR_MS, () -> inbox.bodies().contains("c"));
    List<String> order = new ArrayList<>(new LinkedHashSet<>(inbox.bodies()));
    order.remove("a");
    assertEquals(List.of("poison", "b", "c"), order);
    Inbox dead = consume(fresh("group"), "%DLQ%" + group, "*");
    assertEquals("poison", text(dead.awaitExactly(1, PATIENCE_MS).get(0).getBody()));
  }
}
