package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The dead-letter workbench, with an official consumer at its end. */
@OnceMqOnly("requests and verbs of ours")
class DeadLetterTest extends ClientTest {
  private Server own;

  @Override
  protected Server server() {
    return own == null ? Server.shared() : own;
  }

  @AfterEach
  void end() {
    if (own != null) {
      own.close();
    }
  }

  @Test
  void replayedOnceToItsGroupOnlyAsTheSameMessage() throws Exception {
    String topic = topic("dead", 2);
    String group = fresh("dead-group");
    Inbox others = consume(fresh("other-group"), topic, "*");
    List<String> ids = makeDead(topic, group, 5);
    others.awaitExactly(5, PATIENCE_MS);

    JSONObject row = groupRow(group);
    assertEquals(5, row.getIntValue("letters"));
    assertEquals("5 retries of " + topic, row.getString("causes"));
    JSONArray shown = JSON.parseArray(tool("dlq", "show", group, "--json").out());
    JSONObject letter = shown.getJSONObject(0);
    assertEquals(ids.get(0), letter.getJSONObject("properties").getString("UNIQ_KEY"));
    assertEquals("body 0", letter.getString("body"));
    assertTrue(
        letter.getJSONObject("properties").getString("RETRY_ATTEMPTS").contains("@127.0.0.1:"));
    assertTrue(tool("dlq", "show", group, "--id", ids.get(0)).out().contains("attempt 1"));

    // Without --yes nothing happens, and --dry-run only tells.
    OnceMqTool.Result asked = tool("dlq", "replay", group);
    assertEquals(2, asked.code());
    assertTrue(asked.errors().contains("--yes"), asked.errors());
    assertEquals(5, tool("dlq", "replay", group, "--dry-run").out().split("would be", -1).length - 1);
    assertEquals(5, groupRow(group).getIntValue("letters"));

    Inbox again = consume(group, topic, "*");
    OnceMqTool.Result replay = tool("dlq", "replay", group, "--key", "key-3", "--yes", "--by", "ann");
    assertEquals(0, replay.code(), replay.errors());
    MessageExt first = again.awaitExactly(1, PATIENCE_MS).get(0);
    assertEquals(ids.get(3), first.getMsgId());
    assertEquals("body 3", text(first.getBody()));
    assertEquals(topic, first.getTopic());
    assertEquals("key-3", first.getKeys());
    assertEquals(0, first.getReconsumeTimes());
    assertEquals("ann", first.getProperty("REPLAY_BY"));
    assertEquals("1", first.getProperty("REPLAY_COUNT"));

    assertEquals(0, tool("dlq", "purge", group, "--id", ids.get(4), "--yes").code());
    assertEquals(0, tool("dlq", "replay", group, "--yes").code());
    assertEquals(0, tool("dlq", "replay", group, "--yes").code());
    List<MessageExt> all = again.awaitExactly(4, PATIENCE_MS);
    assertEquals(
        new TreeSet<>(ids.subList(0, 4)),
        all.stream().map(MessageExt::getMsgId).collect(Collectors.toCollection(TreeSet::new)));
    assertEquals(5, others.size());
    row = groupRow(group);
    assertEquals(
        List.of(0, 4, 1),
        List.of(row.getIntValue("letters"), row.getIntValue("replayed"), row.getIntValue("purged")));
    String marked = tool("dlq", "show", group, "--all").out();
    assertTrue(marked.contains("replayed by ann") && marked.contains("purged by tester"), marked);
  }

  /** The expressions of subscriptions say which letters. */
  @Test
  void selectedByExpression() throws Exception {
    String topic = topic("dead-where", 1);
    String group = fresh("dead-group");
    List<String> ids =
        makeDead(topic, group, 6, (message, i) -> message.putUserProperty("amount", "" + i));
    String large = "amount >= 4 AND RETRY_TOPIC = '" + topic + "'";
    assertEquals(
        new TreeSet<>(ids.subList(4, 6)),
        JSON.parseArray(tool("dlq", "show", group, "--where", large, "--json").out()).stream()
            .map(letter -> ((JSONObject) letter).getJSONObject("properties").getString("UNIQ_KEY"))
            .collect(Collectors.toCollection(TreeSet::new)));
    assertEquals(
        2, tool("dlq", "export", group, "--where", large).out().lines().count());
    assertEquals(
        2,
        tool("dlq", "replay", group, "--where", large, "--dry-run").out().split("would be", -1).length
            - 1);

    // A broken one is refused with its place before anything is asked.
    for (String verb : List.of("show", "replay", "purge", "export")) {
      OnceMqTool.Result broken =
          tool("dlq", verb, group, "--where", "amount >= AND 4", "-n", "127.0.0.1:9");
      assertEquals(2, broken.code(), verb);
      assertTrue(broken.errors().contains("at character 11"), broken.errors());
    }
    assertEquals(6, groupRow(group).getIntValue("letters"));

    assertEquals(
        0, tool("dlq", "purge", group, "--where", "amount BETWEEN 0 AND 1", "--yes").code());
    OnceMqTool.Result replay = tool("dlq", "replay", group, "--where", large, "--yes");
    assertEquals(0, replay.code(), replay.errors());
    JSONObject row = groupRow(group);
    assertEquals(
        List.of(2, 2, 2),
        List.of(row.getIntValue("letters"), row.getIntValue("replayed"), row.getIntValue("purged")));
    assertEquals(
        new TreeSet<>(ids.subList(4, 6)),
        consume(group, topic, "no-such-tag").awaitExactly(2, PATIENCE_MS).stream()
            .map(MessageExt::getMsgId)
            .collect(Collectors.toCollection(TreeSet::new)));
  }

  @Test
  void toTheTopicForAllGroups() throws Exception {
    String topic = topic("dead-topic", 1);
    String group = fresh("dead-group");
    Inbox others = consume(fresh("other-group"), topic, "*");
    List<String> ids = makeDead(topic, group, 1);
    assertEquals(0, tool("dlq", "replay", group, "--to", "topic", "--yes").code());
    List<MessageExt> got = others.awaitExactly(2, PATIENCE_MS);
    assertEquals(ids.get(0), got.get(1).getMsgId());
  }

  @Test
  void exportedAndImported() throws Exception {
    String topic = topic("dead-export", 1);
    String group = fresh("dead-group");
    String target = fresh("import-group");
    List<String> ids = makeDead(topic, group, 3);
    Path file = Files.createTempFile("letters-", ".jsonl");
    try {
      assertEquals(0, tool("dlq", "export", group, "--file", file.toString()).code());
      assertEquals(3, Files.readAllLines(file).size());
      OnceMqTool.Result imported =
          tool("dlq", "import", target, "--file", file.toString(), "--json");
      assertEquals(0, imported.code(), imported.errors());
      assertEquals(
          3, JSON.parseArray(imported.out()).getJSONObject(0).getIntValue("imported"));
      assertEquals(0, tool("group", "create", target).code());
      Inbox inbox = consume(target, topic, "no-such-tag");
      await("listed", 10_000, () -> groupRow(target).getIntValue("letters") == 3);
      assertEquals(0, tool("dlq", "replay", target, "--yes").code());
      assertEquals(
          new TreeSet<>(ids),
          inbox.awaitExactly(3, PATIENCE_MS).stream()
              .map(MessageExt::getMsgId)
              .collect(Collectors.toCollection(TreeSet::new)));
      // Once more: all of them are there.
      OnceMqTool.Result second = tool("dlq", "import", target, "--file", file.toString(), "--json");
      assertEquals(3, JSON.parseArray(second.out()).getJSONObject(0).getIntValue("wereThere"));
      Files.writeString(file, "{\"body\":\"fine\"}\n{broken\n");
      OnceMqTool.Result broken = tool("dlq", "import", target, "--file", file.toString());
      assertEquals(2, broken.code());
      assertTrue(broken.errors().contains("line 2"), broken.errors());
    } finally {
      Files.delete(file);
    }
  }

  /** The tool and the broker are killed again and again; each letter is given back once. */
  @Test
  void killedInTheMiddleNothingIsReplayedTwice() throws Exception {
    own = Server.start();
    String topic = topic("dead-kill", 2);
    String group = fresh("dead-group");
    List<String> ids = makeDead(topic, group, 300);
    for (int round = 0; round < 6; round++) {
      Process tool =
          OnceMqTool.start(server(), "dlq", "replay", group, "--yes", "--rate", "30");
      Thread.sleep(250 + 100L * round);
      if (round % 2 == 0) {
        tool.destroyForcibly().waitFor();
        continue;
      }
      // The broker: the tool waits for it and goes on, and is killed a little later.
      own.kill();
      own.boot();
      Thread.sleep(600);
      tool.destroyForcibly().waitFor();
    }
    int before = groupRow(group).getIntValue("replayed");
    assertTrue(before > 0 && before < 300, before + " replayed before the last run");
    OnceMqTool.Result last = tool("dlq", "replay", group, "--yes");
    assertEquals(0, last.code(), last.errors());
    assertEquals(300, groupRow(group).getIntValue("replayed"));
    // In the log each copy once, and so for the consumer.
    assertEquals(
        300,
        admin().maxOffset(new org.apache.rocketmq.common.message.MessageQueue("%RETRY%" + group, Server.BROKER, 0)));
    List<MessageExt> got = consume(group, topic, "no-such-tag").awaitExactly(300, PATIENCE_MS);
    Set<String> unique = got.stream().map(MessageExt::getMsgId).collect(Collectors.toSet());
    assertEquals(new HashSet<>(ids), unique);
  }

  @Test
  void refusalsDoNothing() throws Exception {
    String nobody = fresh("nobody");
    assertEquals(0, tool("dlq", "show", nobody).code());
    assertEquals(2, tool("dlq", "replay", nobody, "--begin", "now", "--end", "1").code());
    assertEquals(2, tool("dlq", "relpay", nobody).code());
    assertEquals(2, tool("dlq", "replay", "a group").code());
    assertEquals(1, tool("dlq", "list", "-n", "127.0.0.1:9").code());
  }

  // -------------------------------------------------------------------------------------------

  private OnceMqTool.Result tool(String... words) throws Exception {
    return OnceMqTool.run(server(), words);
  }

  private JSONObject groupRow(String group) throws Exception {
    OnceMqTool.Result list = tool("dlq", "list", "--json");
    assertEquals(0, list.code(), list.errors());
    for (Object row : JSON.parseArray(list.out())) {
      if (((JSONObject) row).getString("group").equals(group)) {
        return (JSONObject) row;
      }
    }
    throw new AssertionError(group + " is not in " + list.out());
  }

  /** Sends messages that the group gives up at once; returns their ids in order. */
  private List<String> makeDead(String topic, String group, int count) throws Exception {
    return makeDead(topic, group, count, (message, i) -> {});
  }

  private List<String> makeDead(
      String topic, String group, int count, BiConsumer<Message, Integer> dress) throws Exception {
    DefaultMQProducer producer = producer();
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Message message = message(topic, "tag", "key-" + i, "body " + i);
      dress.accept(message, i);
      ids.add(producer.send(message, queue(topic, 0)).getMsgId());
    }
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setMaxReconsumeTimes(0);
    consumer.setConsumeThreadMin(1);  // they die in their order
    consumer.setConsumeThreadMax(1);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        new Inbox().concurrently(message -> ConsumeConcurrentlyStatus.RECONSUME_LATER));
    consumer.start();
    await(
        "dead letters",
        PATIENCE_MS,
        () ->
            admin()
                    .maxOffset(
                        new org.apache.rocketmq.common.message.MessageQueue(
                            "%DLQ%" + group, Server.BROKER, 0))
                >= count);
    consumer.shutdown();
    assertNotEquals(0, ids.size());
    return ids;
  }
}
