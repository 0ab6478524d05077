package oncemq.conformance;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Everything that official clients do, at the same time and in processes of their own ({@link
 * SendersMain}, {@link ReceiversMain}); one of the three processes is killed in the middle of all of
 * it, and what came of it is judged by tests/checkers. docs/kills.md says what is shown where.
 */
@OnceMqOnly("Apache loses and doubles some of it, as docs/differences.md tells")
class KillTest extends ClientTest {
  private static final int QUEUES = 2;

  /**
   * Waits are for conditions; this only ends a run that stands still. A client that asked a dying
   * broker for messages may wait 30 s for its answer.
   */
  private static final long LIMIT_MS = 180_000;

  /** Messages of each kind that must have come through before anything is killed. */
  private static final int FLOW = 8;

  private Server own;
  private KillWorld world;
  private final List<Child> children = new ArrayList<>();

  @Override
  protected Server server() {
    return own;
  }

  @BeforeEach
  void start() throws Exception {
    own =
        Server.start(
            "recallMessageEnable", "true",
            "transactionTimeOut", "1500",
            "transactionCheckInterval", "1000",
            "rebalanceLockMaxLiveTime", "5000");
    world = new KillWorld(fresh("kill"));
    Set<String> topics = new HashSet<>(List.of("ask"));
    KillWorld.LINES.values().forEach(topics::addAll);
    for (String word : topics) {
      configure(new TopicConfig(world.topic(word), QUEUES, QUEUES, 6));
    }
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName(world.group("pop"));
    admin().createAndUpdateSubscriptionGroupConfig(own.broker(), config);
    admin()
        .setMessageRequestMode(
            own.broker(),
            world.topic("pop"),
            world.group("pop"),
            MessageRequestMode.POP,
            0,
            10_000);
  }

  @AfterEach
  void end() throws Exception {
    children.forEach(Child::close);
    world.close();
    own.close();
  }

  @Test
  void brokerKilledInTheMiddleOfEverything() throws Exception {
    Child receivers = receivers("receivers", "go on");
    Child senders = senders("senders", "go on");
    long since = 0;
    for (int round = 0; round < 2; round++) {
      awaitFlow(since);
      settle("pop");
      world.history.note("fault", "what", "broker", "on", true);
      own.kill();
      own.boot();
      since = System.nanoTime();
    }
    awaitFlow(since);
    judge(senders, receivers);
  }

  @Test
  void producerKilledInTheMiddleOfEverything() throws Exception {
    Child receivers = receivers("receivers", "go on");
    Child senders = senders("senders", "hold");
    awaitFlow(0);
    await("a half message without verdict", LIMIT_MS, () -> held().contains("tx"));
    world.history.note("fault", "what", "senders", "on", true);
    senders.kill();
    world.history.note("gone", "client", "senders");
    long since = System.nanoTime();
    Child heirs = senders("heirs", "go on");
    awaitFlow(since);
    judge(heirs, receivers);
  }

  @Test
  void consumerKilledInTheMiddleOfEverything() throws Exception {
    Child receivers = receivers("receivers", "hold");
    Child senders = senders("senders", "go on");
    Set<String> all = new HashSet<>(List.of("ask"));
    KillWorld.LINES.values().forEach(all::addAll);
    await("each holds a message", LIMIT_MS, () -> held().equals(all));
    settle("pop", "push", "sql", "poison", "ordered", "lite");
    world.history.note("fault", "what", "receivers", "on", true);
    receivers.kill();
    long since = System.nanoTime();
    Child heirs = receivers("heirs", "go on");
    awaitFlow(since);
    judge(senders, heirs);
    resetOutlivesTheBroker();
  }

  // -- the processes --------------------------------------------------------------------------

  private Child receivers(String name, String mode) throws Exception {
    String offsets = "-Drocketmq.client.localOffsetStoreDir=" + own.data().resolve("../offsets");
    Child child =
        Child.start(
            ReceiversMain.class,
            List.of(offsets),
            own.namesrv(),
            world.prefix,
            name,
            world.folder.toString(),
            mode);
    children.add(child);
    return child;
  }

  private Child senders(String name, String mode) throws Exception {
    Child child =
        Child.start(
            SendersMain.class,
            List.of(),
            own.namesrv(),
            world.prefix,
            name,
            world.folder.toString(),
            mode);
    children.add(child);
    return child;
  }

  private Set<String> held() throws Exception {
    world.refresh();
    return world.lines("held", "line");
  }

  private void awaitFlow(long since) throws Exception {
    awaitNothing(
        "standing still",
        () -> {
          world.refresh();
          return world.standing(since, FLOW);
        });
  }

  private interface Report {
    Object get() throws Exception;
  }

  /** Until the report is empty; a failure says what was left of it. */
  private static void awaitNothing(String what, Report report) throws Exception {
    Object[] last = new Object[1];
    try {
      await(
          what,
          LIMIT_MS,
          () -> {
            last[0] = report.get();
            return last[0].toString().length() == 2;
          });
    } catch (AssertionError e) {
      throw new AssertionError(what + ": " + last[0], e);
    }
  }

  // -- what the broker says -------------------------------------------------------------------

  /** Notes how far the broker counts the groups as done; below that nothing may come again. */
  private void settle(String... words) throws Exception {
    for (String word : words) {
      for (String topic : KillWorld.LINES.get(word)) {
        var offsets = admin().examineConsumeStats(world.group(word), world.topic(topic));
        for (var row : offsets.getOffsetTable().entrySet()) {
          OffsetWrapper offset = row.getValue();
          world.history.note(
              "settled",
              "group", world.group(word),
              "topic", row.getKey().getTopic(),
              "queue", row.getKey().getQueueId(),
              "offset", offset.getConsumerOffset());
        }
      }
    }
    // The broker may tell of an ack before it answers it. Acks and pops have one log, so with the
    // answer to a later pop the ack is answered too.
    long now = System.currentTimeMillis();
    await(
        "a later pop",
        LIMIT_MS,
        () -> {
          world.refresh();
          return world.any(
              event -> event.containsKey("pop_ms") && event.getLongValue("pop_ms") > now);
        });
  }

  private void judge(Child senders, Child receivers) throws Exception {
    senders.endInput();
    senders.await("QUIET", 1, LIMIT_MS);
    awaitNothing(
        "owed",
        () -> {
          world.refresh();
          return world.missing();
        });
    String letters = "%DLQ%" + world.group("poison");
    awaitNothing(
        "missing dead letters",
        () -> {
          Set<String> missing = world.poison();
          stored(letters).forEach(letter -> missing.remove(History.id(letter.getBody())));
          return missing;
        });
    await(
        "no open transaction",
        LIMIT_MS,
        () -> {
          OnceMqTool.Result open = OnceMqTool.run(own, "transaction", "list", "--json");
          return open.code() == 0 && !open.out().contains(world.prefix + "-deciders");
        });
    // A timer whose recall got no answer may still come due; what is shown after the last reading
    // of a queue could not be found in it.
    receivers.kill();
    world.refresh();
    world.noteVerdicts();
    Set<String> topics = new HashSet<>(List.of("ask"));
    KillWorld.LINES.values().forEach(topics::addAll);
    for (String topic : topics) {
      scan(world.topic(topic));
    }
    for (MessageExt letter : scan(letters)) {
      world.history.note(
          "dlq",
          "group", world.group("poison"),
          "id", History.id(letter.getBody()),
          "attempts", letter.getReconsumeTimes());
    }
    world.check();
  }

  private List<MessageExt> scan(String topic) throws Exception {
    List<MessageExt> all = stored(topic);
    for (MessageExt message : all) {
      world.history.note(
          "scan",
          "topic", topic,
          "queue", message.getQueueId(),
          "offset", message.getQueueOffset(),
          "id", History.id(message.getBody()),
          "digest", History.digest(message.getBody()));
    }
    return all;
  }

  private DefaultMQPullConsumer reader;

  /** Everything that is in the topic now; notes its bounds. */
  @SuppressWarnings("deprecation")
  private List<MessageExt> stored(String topic) throws Exception {
    if (reader == null) {
      reader = puller(fresh("readers"));
    }
    List<MessageExt> all = new ArrayList<>();
    for (int id = 0; id < (topic.startsWith("%") ? 1 : QUEUES); id++) {
      MessageQueue queue = queue(topic, id);
      long offset = admin().minOffset(queue);
      long end = admin().maxOffset(queue);
      world.history.note("bounds", "topic", topic, "queue", id, "min", offset, "max", end);
      while (offset < end) {
        PullResult result = reader.pull(queue, "*", offset, 32);
        if (result.getPullStatus() != PullStatus.FOUND) {
          break; // a hole, which the checkers will name
        }
        result.getMsgFoundList().stream()
            .filter(message -> message.getQueueOffset() < end)
            .forEach(all::add);
        offset = result.getNextBeginOffset();
      }
    }
    return all;
  }

  /** An operator's reset that was answered holds, whoever is killed right behind it. */
  private void resetOutlivesTheBroker() throws Exception {
    String topic = world.topic("plain");
    try (KillWorld again = new KillWorld(world.prefix)) {
      KillWorld before = world;
      world = again;
      Set<String> all = new HashSet<>();
      stored(topic).forEach(message -> all.add(History.id(message.getBody())));
      receivers("later", "go on");
      await(
          "the consumer is known",
          LIMIT_MS,
          () ->
              !admin()
                  .examineConsumerConnectionInfo(before.group("push"))
                  .getConnectionSet()
                  .isEmpty());
      admin().resetOffsetByTimestamp(topic, before.group("push"), 0, true);
      own.kill();
      own.boot();
      awaitNothing(
          "not seen again after the reset",
          () -> {
            world.refresh();
            Set<String> missing = new HashSet<>(all);
            missing.removeAll(world.lines("recv", "id"));
            return missing;
          });
      Server.deleteTree(again.folder);
    }
  }
}
