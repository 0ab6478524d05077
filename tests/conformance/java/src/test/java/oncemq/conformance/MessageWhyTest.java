package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.SendResult;
import org.junit.jupiter.api.Test;

/** {@code oncemq message why}: what official clients did to a message, told in order. */
@OnceMqOnly("Apache's broker does not know")
class MessageWhyTest extends FaultsAllowedTest {
  /** The lines that tell one of these, by their beginning behind the time. */
  private static List<String> told(String id, String topic, List<String> whats) throws Exception {
    List<String> found = new ArrayList<>();
    tool("message", "why", id, "--topic", topic)
        .lines()
        .forEach(
            line ->
                whats.stream()
                    .filter(what -> line.matches("[-0-9]+ [0-9:.]+ +" + what + "  .*"))
                    .forEach(what -> found.add(line)));
    return found;
  }

  @Test
  void aSendWhoseAnswerWasLost() throws Exception {
    String topic = topic("why", 2);
    tool("fault", "add", "lose-send-response", "--topic", topic, "--count", "1");
    SendResult sent = impatientProducer().send(message(topic, "tag", "order-7", "body"));
    for (String name : List.of(sent.getMsgId(), "order-7", sent.getOffsetMsgId())) {
      await(
          "both copies of " + name,
          PATIENCE_MS,
          () -> told(name, topic, List.of("stored", "stored again")).size() == 2);
    }
    String report = tool("duplicates", "report", "--topic", topic);
    assertTrue(report.contains(" send_repeated "), report);
    OnceMqTool.Result json =
        OnceMqTool.run(server(), "message", "why", sent.getMsgId(), "--topic", topic, "--json");
    assertTrue(json.out().contains("\"what\":\"stored again\""), json.out());
    String page =
        ((OnceMqServer) server()).page("/api/v1/messages/" + sent.getMsgId() + "/why?topic=" + topic);
    assertTrue(page.contains("stored again"), page);
  }

  @Test
  void aMessageThatWasSentBackAndDied() throws Exception {
    String topic = topic("why-dead", 1);
    String group = fresh("group");
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setMaxReconsumeTimes(1);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        inbox.concurrently(one -> ConsumeConcurrentlyStatus.RECONSUME_LATER));
    started(consumer);
    SendResult sent = producer().send(message(topic, "tag", "poison", "body"));
    inbox.await(2, PATIENCE_MS);
    List<String> steps = List.of("sent", "stored", "waiting", "retry copy", "dead");
    await(
        "the dead letter", PATIENCE_MS, () -> told(sent.getMsgId(), topic, steps).size() == 5);
    List<String> lines = told(sent.getMsgId(), topic, steps);
    for (int i = 1; i < steps.size(); i++) {
      assertTrue(lines.get(i).contains(" " + steps.get(i) + "  "), String.join("\n", lines));
    }
    assertTrue(lines.get(3).contains(" " + group + " "), lines.get(3));
    assertTrue(lines.get(4).contains(" " + group + " "), lines.get(4));
  }

  @Test
  void deliveriesAndAcksOfAPushConsumer() throws Exception {
    String topic = topic("why-pull", 1);
    String group = fresh("group");
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    SendResult sent = producer().send(message(topic, "tag", "key", "body"));
    inbox.await(1, PATIENCE_MS);
    await(
        "the acknowledgement",
        PATIENCE_MS,
        () -> !told(sent.getMsgId(), topic, List.of("passed")).isEmpty());
    String id = consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
    List<String> pulled = List.of("pulled");
    String line = told(sent.getMsgId(), topic, pulled).get(0);
    assertTrue(line.contains(group) && line.contains(id), line);
    consumer.shutdown();
    assertTrue(told(sent.getMsgId(), topic, pulled).get(0).contains(id), "after its end");
  }

  @Test
  void deliveriesAndAcksOfAPoppingConsumer() throws Exception {
    String topic = topic("why-pop", 1);
    String group = popGroup(topic);
    tool("fault", "add", "lose-ack", "--topic", topic, "--group", group, "--count", "1");
    Inbox inbox = popping(group, topic);
    SendResult sent = producer().send(message(topic, "tag", "key", "body"));
    inbox.await(2, PATIENCE_MS);
    await(
        "an ack that is not lost",
        PATIENCE_MS,
        () -> !told(sent.getMsgId(), topic, List.of("acked")).isEmpty());
    List<String> lines = told(sent.getMsgId(), topic, List.of("popped", "given again"));
    String all = String.join("\n", lines);
    assertTrue(lines.get(0).contains("delivery 1, handle"), all);
    assertTrue(lines.stream().anyMatch(line -> line.contains("delivery 2, handle")), all);
    assertTrue(lines.stream().anyMatch(line -> line.contains("neither acked nor extended")), all);
    String report = tool("duplicates", "report", "--group", group, "--json");
    assertTrue(report.contains("\"what\":\"invisible_time_passed\""), report);
    assertTrue(report.contains("\"medianMs\":"), report);
  }

  @Test
  void whatIsNotThere() throws Exception {
    String topic = topic("why-not", 1);
    OnceMqTool.Result result = OnceMqTool.run(server(), "message", "why", "nothing", "--topic", topic);
    assertEquals(1, result.code());
    assertTrue(result.errors().contains("no message has the id or key nothing"), result.errors());
  }
}
