package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One folder, two brokers: what one wrote, and was stopped or killed on, the other opens with every
 * message, offset, retry, dead letter and setting; then it goes back to the first.
 */
@Execution(ExecutionMode.CONCURRENT)
class DiskInteropTest extends ClientTest {
  private Server current;
  private Path data;
  private String topic;
  private String small;
  private long dead;

  private final Map<String, SendResult> sent = new TreeMap<>();
  private final Map<String, MessageExt> stored = new HashMap<>();

  @Override
  protected Server server() {
    return current;
  }

  @AfterEach
  void end() {
    if (current != null) {
      current.close();
    }
    Server.deleteTree(data);
  }

  @ParameterizedTest(name = "written by {0}, then {1}")
  @CsvSource({"apache,stopped", "apache,killed", "oncemq,stopped", "oncemq,killed"})
  void everythingIsThereForTheOther(String writer, String end) throws Exception {
    boolean apache = writer.equals("apache");
    data = Files.createTempDirectory("interop-");
    current =
        Server.startKind(
            apache,
            data,
            "mappedFileSizeCommitLog", String.valueOf(256 << 10),
            "mappedFileSizeConsumeQueue", String.valueOf(20 * 50),
            "maxHashSlotNum", "500",
            "maxIndexNum", "600",
            "flushConsumerOffsetInterval", "1000",
            "flushDelayOffsetInterval", "1000");
    topic = topic("interop", 4);
    small = topic("interop-small", 1);
    write();
    hand(!apache, end.equals("killed"), "progress", "retry", "dead");
    read();
    // And back, on a folder that both have written to.
    hand(apache, end.equals("killed"), "progress", "retry", "dead");
    readAgain();
  }

  @ParameterizedTest(name = "killed under load: {0}")
  @ValueSource(strings = {"apache", "oncemq"})
  void whatWasAcknowledgedBeforeAKillIsThere(String writer) throws Exception {
    boolean apache = writer.equals("apache");
    data = Files.createTempDirectory("interop-");
    current = Server.startKind(apache, data, "mappedFileSizeCommitLog", String.valueOf(128 << 10));
    topic = topic("interop-load", 3);
    DefaultMQProducer producer = newProducer();
    producer.setRetryTimesWhenSendFailed(0);
    started(producer);
    Map<String, SendResult> acknowledged = new ConcurrentHashMap<>();
    Set<String> attempted = ConcurrentHashMap.newKeySet();
    AtomicBoolean over = new AtomicBoolean();
    List<Thread> senders = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      String name = "sender " + t + " ";
      Thread sender =
          new Thread(
              () -> {
                for (int i = 0; !over.get(); i++) {
                  String body = (name + i + " ").repeat(1 + i % 40);
                  attempted.add(body);
                  try {
                    acknowledged.put(body, producer.send(message(topic, null, "k" + i, body)));
                  } catch (Exception e) {
                    return;
                  }
                }
              });
      sender.start();
      senders.add(sender);
    }
    await("sends", 60_000, () -> acknowledged.size() > 1_000);
    current.kill();
    over.set(true);
    for (Thread sender : senders) {
      sender.join();
    }
    hand(!apache, true);
    Map<String, MessageExt> pulled = pullAll(topic, 3);
    assertTrue(attempted.containsAll(pulled.keySet()), "a message that nobody sent");
    for (Map.Entry<String, SendResult> one : acknowledged.entrySet()) {
      MessageExt message = pulled.get(one.getKey());
      assertNotNull(message, "acknowledged and lost: " + one.getValue());
      assertEquals(one.getValue().getQueueOffset(), message.getQueueOffset());
      assertEquals(one.getValue().getMsgId(), message.getMsgId());
    }
    SendResult next = producer().send(message(topic, "next"), queue(topic, 0));
    assertEquals(
        pulled.values().stream().filter(m -> m.getQueueId() == 0).count(), next.getQueueOffset());
  }

  private void hand(boolean apache, boolean kill, String... groups) throws Exception {
    // Whatever the clients still have open belongs to the first broker.
    awaitClosed();
    Server before = current;
    if (kill) {
      awaitOffsetsOnDisk(groups);
      before.kill();
    } else {
      before.stop();
    }
    before.close();
    current = before.successor(apache);
    await(
        "route", 60_000, () -> admin().examineTopicRouteInfo(topic).getQueueDatas().size() == 1);
  }

  /**
   * Offsets reach their file by a timer (Apache's runs for the first time 10 s after the start), so
   * a killed broker may forget the newest; this test is about what was written down.
   */
  private void awaitOffsetsOnDisk(String... groups) throws Exception {
    if (groups.length == 0) {
      return;
    }
    // Levels 2 and 3: the late message and the retries.
    for (int level = 2; level <= 3; level++) {
      MessageQueue line = queue("SCHEDULE_TOPIC_XXXX", level - 1);
      String key = String.valueOf(level);
      await(
          "level " + level + " delivered and on disk",
          60_000,
          () -> {
            JSONObject written = offsetTable("delayOffset.json");
            return admin().maxOffset(line)
                == (written.containsKey(key) ? written.getLongValue(key) : 0);
          });
    }
    for (String group : groups) {
      Map<Integer, Long> known = new TreeMap<>();
      String of = group.equals("progress") ? topic : small;
      admin()
          .examineConsumeStats(group, of)
          .getOffsetTable()
          .forEach((queue, offset) -> known.put(queue.getQueueId(), offset.getConsumerOffset()));
      await(
          "offsets of " + group + " on disk",
          60_000,
          () -> {
            JSONObject written =
                offsetTable("consumerOffset.json").getJSONObject(of + "@" + group);
            return written != null
                && known.entrySet().stream()
                    .allMatch(one -> one.getValue().equals(written.getLong(one.getKey() + "")));
          });
    }
  }

  private JSONObject offsetTable(String file) throws Exception {
    // Apache's keys of delayOffset.json are numbers without quotes.
    return JSON.parseObject(Files.readString(data.resolve("config").resolve(file)))
        .getJSONObject("offsetTable");
  }

  private void write() throws Exception {
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName("settings");
    config.setRetryMaxTimes(7);
    admin().createAndUpdateSubscriptionGroupConfig(current.broker(), config);

    DefaultMQProducer producer = newProducer();
    producer.setCompressMsgBodyOverHowmuch(3_000);
    started(producer);
    for (int i = 0; i < 300; i++) {
      Message message = message(topic, "tag" + i % 3, "key-" + i + " all", body(i));
      message.putUserProperty("n", "属性 " + i);
      keep(producer.send(message), body(i));
    }
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      batch.add(message(small, "batch", "batch-" + i, "batch " + i));
    }
    producer.send(batch);

    progress();
    retry();
    deadLetter();

    Message late = message(small, "late", "late", "late");
    late.setDelayTimeLevel(2);
    producer.send(late);

    for (Map.Entry<String, SendResult> one : sent.entrySet()) {
      stored.put(one.getKey(), admin().viewMessage(topic, one.getValue().getOffsetMsgId()));
    }
  }

  private static String body(int i) {
    return ("body " + i + " ").repeat(1 + i * 7 % 500);
  }

  private void keep(SendResult result, String body) {
    sent.put(body, result);
  }

  /** A group that has consumed all of the topic. */
  private void progress() throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer("progress");
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    consumer.start();
    inbox.await(300, PATIENCE_LONG_MS);
    Thread.sleep(500);
    consumer.shutdown();
  }

  /** A group that failed two messages and left before they came again. */
  private void retry() throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer("retry");
    consumer.subscribe(small, "batch");
    consumer.registerMessageListener(
        inbox.concurrently(
            message -> {
              boolean bad = text(message.getBody()).matches("batch [37]");
              return bad
                  ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                  : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }));
    consumer.start();
    inbox.await(20, PATIENCE_LONG_MS);
    Thread.sleep(500);
    consumer.shutdown();
  }

  private void deadLetter() throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer("dead");
    consumer.setMaxReconsumeTimes(0);
    consumer.subscribe(small, "batch");
    consumer.registerMessageListener(
        inbox.concurrently(
            message ->
                text(message.getBody()).equals("batch 11")
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                    : ConsumeConcurrentlyStatus.CONSUME_SUCCESS));
    consumer.start();
    inbox.await(20, PATIENCE_LONG_MS);
    MessageQueue letters = queue("%DLQ%dead", 0);
    await("dead letter", PATIENCE_LONG_MS, () -> admin().maxOffset(letters) > 0);
    consumer.shutdown();
    dead = admin().maxOffset(letters);
  }

  private static final long PATIENCE_LONG_MS = 90_000;

  private void read() throws Exception {
    assertEquals(4, admin().examineTopicConfig(current.broker(), topic).getWriteQueueNums());
    assertEquals(
        7, admin().examineSubscriptionGroupConfig(current.broker(), "settings").getRetryMaxTimes());
    Map<String, MessageExt> pulled = pullAll(topic, 4);
    assertEquals(sent.keySet(), pulled.keySet());
    for (Map.Entry<String, MessageExt> one : pulled.entrySet()) {
      same(stored.get(one.getKey()), one.getValue());
    }
    MessageExt byId = admin().viewMessage(topic, sent.get(body(42)).getOffsetMsgId());
    same(stored.get(body(42)), byId);
    for (int i : new int[] {0, 150, 299}) {
      List<MessageExt> found =
          admin().queryMessage(topic, "key-" + i, 32, 0, Long.MAX_VALUE).getMessageList();
      assertEquals(List.of(body(i)), found.stream().map(m -> text(m.getBody())).toList());
    }
    assertEquals(
        64, admin().queryMessage(topic, "all", 64, 0, Long.MAX_VALUE).getMessageList().size());
    MessageExt middle = stored.get(body(100));
    assertTrue(
        admin().searchOffset(queue(topic, middle.getQueueId()), middle.getStoreTimestamp())
            <= middle.getQueueOffset());
    // A client that loses its connection hands a message to the DLQ again: as many as there were.
    MessageQueue letters = queue("%DLQ%dead", 0);
    assertEquals(dead, admin().maxOffset(letters));
    PullResult pull = puller(fresh("puller")).pull(letters, "*", 0, 32);
    assertEquals(dead, pull.getMsgFoundList().size());
    for (MessageExt letter : pull.getMsgFoundList()) {
      assertEquals("batch 11", text(letter.getBody()));
    }

    // The settled group gets what is new and nothing else.
    DefaultMQProducer producer = producer();
    long before = 0;
    for (int i = 0; i < 4; i++) {
      before += admin().maxOffset(queue(topic, i));
    }
    assertEquals(300, before);
    Inbox progress = consume("progress", topic, "*");
    for (int i = 0; i < 8; i++) {
      int id = i % 4;
      long next = admin().maxOffset(queue(topic, id));
      SendResult result = producer.send(message(topic, "tag", "new-" + i, "new " + i), queue(topic, id));
      assertEquals(next, result.getQueueOffset());
      await("dispatched", 5_000, () -> admin().maxOffset(queue(topic, id)) == next + 1);
      keep(result, "new " + i);
      stored.put("new " + i, admin().viewMessage(topic, result.getOffsetMsgId()));
    }
    progress.await(8, PATIENCE_LONG_MS);
    Thread.sleep(500);
    assertEquals(
        Set.of("new 0", "new 1", "new 2", "new 3", "new 4", "new 5", "new 6", "new 7"),
        new HashSet<>(progress.bodies()));

    // The failed ones come again, with the ids they had.
    Inbox retry = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer("retry");
    consumer.subscribe(small, "batch");
    consumer.registerMessageListener(retry.accepting());
    started(consumer);
    retry.await(2, PATIENCE_LONG_MS);
    Thread.sleep(500);
    assertEquals(List.of("batch 3", "batch 7"), sorted(retry.bodies()));
    for (MessageExt message : retry.all()) {
      assertEquals(1, message.getReconsumeTimes());
      assertEquals(small, message.getTopic());
      assertEquals(32, message.getProperty("ORIGIN_MESSAGE_ID").length());
    }
    await("delayed message", PATIENCE_LONG_MS, () -> pullAll(small, 1).containsKey("late"));
  }

  private void readAgain() throws Exception {
    Map<String, MessageExt> pulled = pullAll(topic, 4);
    assertEquals(sent.keySet(), pulled.keySet());
    for (Map.Entry<String, MessageExt> one : pulled.entrySet()) {
      same(stored.get(one.getKey()), one.getValue());
    }
    assertEquals(21, pullAll(small, 1).size());
    assertEquals(
        1, admin().queryMessage(topic, "key-7", 32, 0, Long.MAX_VALUE).getMessageList().size());
    assertEquals(
        1, admin().queryMessage(topic, "new-7", 32, 0, Long.MAX_VALUE).getMessageList().size());
    Inbox progress = consume("progress", topic, "*");
    producer().send(message(topic, "last"));
    progress.await(1, PATIENCE_LONG_MS);
    Thread.sleep(500);
    assertEquals(List.of("last"), progress.bodies());
  }

  private Map<String, MessageExt> pullAll(String name, int queues) throws Exception {
    Map<String, MessageExt> all = new TreeMap<>();
    DefaultMQPullConsumer puller = puller(fresh("puller"));
    for (int id = 0; id < queues; id++) {
      long offset = 0;
      while (true) {
        PullResult result = puller.pull(queue(name, id), "*", offset, 32);
        if (result.getPullStatus() != PullStatus.FOUND) {
          break;
        }
        for (MessageExt message : result.getMsgFoundList()) {
          assertEquals(offset++, message.getQueueOffset(), "offsets are dense");
          MessageExt twin = all.put(text(message.getBody()), message);
          assertNull(twin, () -> "twice there: " + twin + " and " + message);
        }
      }
    }
    return all;
  }

  private static void same(MessageExt expected, MessageExt got) {
    assertEquals(expected.getMsgId(), got.getMsgId());
    assertEquals(expected.getQueueId(), got.getQueueId());
    assertEquals(expected.getQueueOffset(), got.getQueueOffset());
    assertEquals(expected.getCommitLogOffset(), got.getCommitLogOffset());
    assertEquals(expected.getStoreTimestamp(), got.getStoreTimestamp());
    assertEquals(expected.getBornTimestamp(), got.getBornTimestamp());
    assertEquals(expected.getBornHost(), got.getBornHost());
    assertEquals(expected.getStoreHost(), got.getStoreHost());
    assertEquals(expected.getSysFlag(), got.getSysFlag());
    assertEquals(expected.getBodyCRC(), got.getBodyCRC());
    assertEquals(expected.getKeys(), got.getKeys());
    assertEquals(expected.getTags(), got.getTags());
    assertEquals(expected.getUserProperty("n"), got.getUserProperty("n"));
  }
}
