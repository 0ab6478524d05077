package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.hook.SendMessageContext;
import org.apache.rocketmq.client.hook.SendMessageHook;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.sysflag.MessageSysFlag;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.EndTransactionRequestHeader;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Transactional messages with the official producer; verdicts by hand where it matters. */
class TransactionTest extends ClientTest {
  private static final String DISCARDED = "TRANS_CHECK_MAX_TIME_TOPIC";
  private static final int COMMIT = MessageSysFlag.TRANSACTION_COMMIT_TYPE;
  private static final int ROLLBACK = MessageSysFlag.TRANSACTION_ROLLBACK_TYPE;

  private static Server own;

  @BeforeAll
  static void startServer() {
    own =
        Server.start(
            "transactionTimeOut", "1500",
            "transactionCheckInterval", "1000",
            "transactionCheckMax", "3");
  }

  @AfterAll
  static void closeServer() {
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  /** What a producer says at once, and when it is asked; remembers who was asked about what. */
  private static final class Listener implements TransactionListener {
    final Function<Message, LocalTransactionState> first;
    final Function<MessageExt, LocalTransactionState> later;
    final List<MessageExt> checks = new CopyOnWriteArrayList<>();

    Listener(
        Function<Message, LocalTransactionState> first,
        Function<MessageExt, LocalTransactionState> later) {
      this.first = first;
      this.later = later;
    }

    static Listener saying(LocalTransactionState state) {
      return new Listener(message -> state, message -> state);
    }

    static Listener whenAsked(LocalTransactionState state) {
      return new Listener(message -> LocalTransactionState.UNKNOW, message -> state);
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
      return first.apply(message);
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
      checks.add(message);
      return later.apply(message);
    }

    List<MessageExt> checksOf(String body) {
      return checks.stream().filter(message -> text(message.getBody()).equals(body)).toList();
    }
  }

  /** A client heartbeats to the brokers of topics that it knows: by sending, or from `topics`. */
  private TransactionMQProducer producer(String group, Listener listener, String... topics)
      throws Exception {
    TransactionMQProducer producer = new TransactionMQProducer(group);
    producer.setNamesrvAddr(server().namesrv());
    producer.setInstanceName(fresh("instance"));
    producer.setSendMsgTimeout(10_000);
    producer.setHeartbeatBrokerInterval(500);
    producer.setTransactionListener(listener);
    producer.setTopics(List.of(topics));
    // The result of a transactional send does not say where the half message is, the hook does.
    producer
        .getDefaultMQProducerImpl()
        .registerSendMessageHook(
            new SendMessageHook() {
              @Override
              public String hookName() {
                return "log offsets";
              }

              @Override
              public void sendMessageBefore(SendMessageContext context) {}

              @Override
              public void sendMessageAfter(SendMessageContext context) {
                if (context.getSendResult() != null) {
                  offsetIds.put(
                      context.getSendResult().getMsgId(), context.getSendResult().getOffsetMsgId());
                }
              }
            });
    started(producer);
    return producer;
  }

  private final Map<String, String> offsetIds = new ConcurrentHashMap<>();

  private long logOffset(TransactionSendResult half) throws Exception {
    return MessageDecoder.decodeMessageId(offsetIds.get(half.getMsgId())).getOffset();
  }

  private TransactionSendResult send(TransactionMQProducer producer, String topic, String body)
      throws Exception {
    TransactionSendResult result =
        producer.sendMessageInTransaction(message(topic, "tag", fresh("key"), body), null);
    assertEquals(SendStatus.SEND_OK, result.getSendStatus());
    return result;
  }

  /** Not asked about, and so not discarded, while the test lasts. */
  private TransactionSendResult sendPatient(
      TransactionMQProducer producer, String topic, String body) throws Exception {
    Message message = message(topic, "tag", fresh("key"), body);
    message.putUserProperty(MessageConst.PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS, "600");
    TransactionSendResult result = producer.sendMessageInTransaction(message, null);
    assertEquals(SendStatus.SEND_OK, result.getSendStatus());
    return result;
  }

  /** Everything that is in the topic now. */
  private List<String> bodies(String topic) throws Exception {
    return stored(topic).stream().map(message -> text(message.getBody())).toList();
  }

  private final Map<String, DefaultMQPullConsumer> readers = new ConcurrentHashMap<>();

  @SuppressWarnings("deprecation")
  private List<MessageExt> stored(String topic) throws Exception {
    DefaultMQPullConsumer reader = readers.get(topic);
    if (reader == null) {
      reader = puller(fresh("readers"));
      readers.put(topic, reader);
    }
    List<MessageExt> all = new ArrayList<>();
    for (var queue : reader.fetchSubscribeMessageQueues(topic)) {
      long offset = reader.minOffset(queue);
      while (true) {
        var result = reader.pull(queue, "*", offset, 32);
        if (result.getPullStatus() != PullStatus.FOUND) {
          break;
        }
        all.addAll(result.getMsgFoundList());
        offset = result.getNextBeginOffset();
      }
    }
    return all;
  }

  private EndTransactionRequestHeader header(
      String group, TransactionSendResult half, int verdict, boolean fromCheck) throws Exception {
    EndTransactionRequestHeader header = new EndTransactionRequestHeader();
    header.setProducerGroup(group);
    header.setTranStateTableOffset(half.getQueueOffset());
    header.setCommitLogOffset(logOffset(half));
    header.setCommitOrRollback(verdict);
    header.setFromTransactionCheck(fromCheck);
    header.setMsgId(half.getMsgId());
    header.setTransactionId(half.getTransactionId());
    return header;
  }

  private RemotingCommand end(Wire wire, EndTransactionRequestHeader header) throws Exception {
    return wire.call(Wire.request(RequestCode.END_TRANSACTION, header));
  }

  @Test
  void committedIsDeliveredAndRolledBackIsNot() throws Exception {
    String topic = topic("tx", 2);
    Inbox inbox = consume(fresh("group"), topic, "*");
    TransactionMQProducer yes =
        producer(fresh("tx-group"), Listener.saying(LocalTransactionState.COMMIT_MESSAGE));
    TransactionMQProducer no =
        producer(fresh("tx-group"), Listener.saying(LocalTransactionState.ROLLBACK_MESSAGE));
    send(no, topic, "rolled back");
    for (int i = 0; i < 20; i++) {
      assertEquals(
          LocalTransactionState.COMMIT_MESSAGE,
          send(yes, topic, "committed " + i).getLocalTransactionState());
    }
    inbox.await(20, PATIENCE_MS);
    // Long enough for a check that should not come.
    Thread.sleep(3_000);
    inbox.awaitExactly(20, PATIENCE_MS);
    assertTrue(inbox.bodies().stream().noneMatch("rolled back"::equals));
  }

  @Test
  void committedMessageIsTheOneThatWasSent() throws Exception {
    String topic = topic("tx", 1);
    TransactionMQProducer producer =
        producer(fresh("tx-group"), Listener.saying(LocalTransactionState.COMMIT_MESSAGE));
    String key = fresh("key");
    Message message = message(topic, "tag", key, "body");
    message.putUserProperty("own", "value");
    TransactionSendResult sent = producer.sendMessageInTransaction(message, null);
    await("the message", PATIENCE_MS, () -> stored(topic).size() == 1);
    MessageExt found = stored(topic).get(0);
    assertEquals(sent.getMsgId(), found.getMsgId());
    assertEquals("tag", found.getTags());
    assertEquals(key, found.getKeys());
    assertEquals("value", found.getUserProperty("own"));
    assertEquals(topic, found.getTopic());
    assertEquals(
        MessageSysFlag.TRANSACTION_COMMIT_TYPE,
        MessageSysFlag.getTransactionValue(found.getSysFlag()));
    assertEquals(logOffset(sent), found.getPreparedTransactionOffset());
    await(
        "found by its key",
        PATIENCE_MS,
        () ->
            admin()
                    .queryMessage(topic, key, 10, 0, System.currentTimeMillis() + 60_000)
                    .getMessageList()
                    .size()
                == 1);
  }

  @Test
  void unknownIsAskedAboutAndThenDecided() throws Exception {
    String topic = topic("tx", 1);
    Listener listener =
        new Listener(
            message -> LocalTransactionState.UNKNOW,
            message ->
                text(message.getBody()).startsWith("yes")
                    ? LocalTransactionState.COMMIT_MESSAGE
                    : LocalTransactionState.ROLLBACK_MESSAGE);
    TransactionMQProducer producer = producer(fresh("tx-group"), listener);
    TransactionSendResult yes = send(producer, topic, "yes");
    send(producer, topic, "no");
    assertEquals(List.of(), bodies(topic));
    await("the check", PATIENCE_MS, () -> bodies(topic).equals(List.of("yes")));
    await("the other check", PATIENCE_MS, () -> listener.checksOf("no").size() >= 1);
    MessageExt check = listener.checksOf("yes").get(0);
    assertEquals(topic, check.getTopic());
    assertEquals(yes.getTransactionId(), check.getTransactionId());
    assertEquals(
        yes.getMsgId(), check.getProperty(MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX));
    assertEquals("1", check.getUserProperty(MessageConst.PROPERTY_TRANSACTION_CHECK_TIMES));
    assertAskedNoMore(listener);
    assertEquals(List.of("yes"), bodies(topic));
  }

  /** All are decided; a verdict that took longer than the interval may have been asked for twice. */
  private static void assertAskedNoMore(Listener listener) throws Exception {
    Thread.sleep(1_000);
    int asked = listener.checks.size();
    Thread.sleep(2_500);
    assertEquals(asked, listener.checks.size());
  }

  @Test
  void verdictIsFinal() throws Exception {
    String topic = topic("tx", 1);
    String group = fresh("tx-group");
    TransactionMQProducer producer =
        producer(group, Listener.whenAsked(LocalTransactionState.UNKNOW));
    Wire wire = wire();
    TransactionSendResult yes = sendPatient(producer, topic, "yes");
    TransactionSendResult no = sendPatient(producer, topic, "no");
    assertEquals(0, end(wire, header(group, yes, COMMIT, false)).getCode());
    assertEquals(0, end(wire, header(group, no, ROLLBACK, false)).getCode());
    if (!Server.apache()) {
      // The check that races with the producer, and repetitions.
      assertEquals(0, end(wire, header(group, yes, COMMIT, true)).getCode());
      assertEquals(0, end(wire, header(group, yes, COMMIT, false)).getCode());
      assertEquals(0, end(wire, header(group, no, ROLLBACK, true)).getCode());
      RemotingCommand opposite = end(wire, header(group, yes, ROLLBACK, false));
      assertEquals(ResponseCode.TRANSACTION_FAILED, opposite.getCode());
      assertTrue(opposite.getRemark().contains("committed"), opposite.getRemark());
      opposite = end(wire, header(group, no, COMMIT, true));
      assertEquals(ResponseCode.TRANSACTION_FAILED, opposite.getCode());
      assertTrue(opposite.getRemark().contains("rolled back"), opposite.getRemark());
    }
    await("the message", PATIENCE_MS, () -> bodies(topic).equals(List.of("yes")));
  }

  @Test
  void requestsThatNameNoHalfMessageAreRefused() throws Exception {
    String topic = topic("tx", 1);
    String group = fresh("tx-group");
    TransactionMQProducer producer =
        producer(group, Listener.whenAsked(LocalTransactionState.UNKNOW));
    TransactionSendResult one = sendPatient(producer, topic, "one");
    TransactionSendResult two = sendPatient(producer, topic, "two");
    Wire wire = wire();
    EndTransactionRequestHeader header = header("others", one, COMMIT, false);
    assertEquals(ResponseCode.SYSTEM_ERROR, end(wire, header).getCode());
    header = header(group, one, COMMIT, false);
    header.setTranStateTableOffset(two.getQueueOffset());
    assertEquals(ResponseCode.SYSTEM_ERROR, end(wire, header).getCode());
    header = header(group, one, COMMIT, false);
    header.setCommitLogOffset(header.getCommitLogOffset() + 1_000_000_000L);
    assertEquals(ResponseCode.SYSTEM_ERROR, end(wire, header).getCode());
    if (!Server.apache()) {
      header = header(group, one, COMMIT, false);
      header.setTransactionId(two.getTransactionId());
      assertEquals(ResponseCode.SYSTEM_ERROR, end(wire, header).getCode());
    }
    assertEquals(List.of(), bodies(topic));
  }

  @Test
  void anotherProducerOfTheGroupIsAsked() throws Exception {
    String topic = topic("tx", 1);
    String group = fresh("tx-group");
    try (Child child = Child.start(List.of(), "half", server().namesrv(), topic, group, "5")) {
      child.await("SENT", 5, 60_000);
      child.kill();
    }
    Listener survivor = Listener.whenAsked(LocalTransactionState.COMMIT_MESSAGE);
    producer(group, survivor, topic);
    await("all of them", PATIENCE_MS, () -> bodies(topic).size() == 5);
    assertAskedNoMore(survivor);
    assertEquals(5, bodies(topic).size());
    assertEquals(
        5, survivor.checks.stream().map(message -> text(message.getBody())).distinct().count());
  }

  @Test
  void immuneMessageIsNotAskedAboutBeforeItsTime() throws Exception {
    String topic = topic("tx", 1);
    Listener listener = Listener.whenAsked(LocalTransactionState.COMMIT_MESSAGE);
    TransactionMQProducer producer = producer(fresh("tx-group"), listener);
    Message message = message(topic, "patient");
    // More than transactionCheckMax intervals long: rounds in which it is immune do not count.
    message.putUserProperty(MessageConst.PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS, "6");
    long sent = System.currentTimeMillis();
    producer.sendMessageInTransaction(message, null);
    // It appears when it is asked about.
    await("the message", PATIENCE_MS, () -> bodies(topic).size() == 1);
    assertTrue(System.currentTimeMillis() - sent >= 6_000);
    if (!Server.apache()) {
      assertEquals(
          "1",
          listener
              .checks
              .get(0)
              .getUserProperty(MessageConst.PROPERTY_TRANSACTION_CHECK_TIMES));
    }
  }

  @Test
  void discardedAfterTheLastCheckAndResumed() throws Exception {
    String topic = topic("tx", 1);
    String group = fresh("tx-group");
    String body = fresh("nobody knows");
    Map<String, LocalTransactionState> answers = new ConcurrentHashMap<>();
    Listener listener =
        new Listener(
            message -> LocalTransactionState.UNKNOW,
            message ->
                answers.getOrDefault(text(message.getBody()), LocalTransactionState.UNKNOW));
    TransactionMQProducer producer = producer(group, listener);
    TransactionSendResult half = send(producer, topic, body);
    await(
        "the discarded message",
        PATIENCE_MS,
        () ->
            stored(DISCARDED).stream().anyMatch(message -> text(message.getBody()).equals(body)));
    await("the last check", PATIENCE_MS, () -> listener.checksOf(body).size() == 3);
    MessageExt discarded =
        stored(DISCARDED).stream()
            .filter(message -> text(message.getBody()).equals(body))
            .findFirst()
            .orElseThrow();
    assertEquals(List.of(), bodies(topic));
    answers.put(body, LocalTransactionState.COMMIT_MESSAGE);
    String offsetId =
        MessageDecoder.createMessageId(
            discarded.getStoreHost(), discarded.getCommitLogOffset());
    assertTrue(admin().resumeCheckHalfMessage(DISCARDED, offsetId));
    await("the resumed message", PATIENCE_MS, () -> bodies(topic).equals(List.of(body)));
    if (!Server.apache()) {
      // Again: nothing happens; the old half message is closed.
      admin().resumeCheckHalfMessage(DISCARDED, offsetId);
      assertEquals(
          ResponseCode.TRANSACTION_FAILED,
          end(wire(), header(group, half, COMMIT, false)).getCode());
      Thread.sleep(3_000);
      assertEquals(List.of(body), bodies(topic));
    }
  }

  /** What the command says on its standard output; its exit code is 0. */
  private String oncemq(String verb, String... arguments) throws Exception {
    Process process = command(verb, arguments);
    String output = text(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), verb + ": " + text(process.getErrorStream().readAllBytes()));
    return output;
  }

  private Process command(String verb, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(OnceMqServer.binary(), "transaction", verb));
    command.addAll(List.of(arguments));
    command.addAll(List.of("-n", server().namesrv()));
    return new ProcessBuilder(command).start();
  }

  @Test
  @OnceMqOnly("Apache has no such command")
  void operatorListsShowsAndDecides() throws Exception {
    String topic = topic("tx", 1);
    String group = fresh("tx-group");
    TransactionMQProducer producer =
        producer(group, Listener.whenAsked(LocalTransactionState.UNKNOW));
    Message patient = message(topic, "open");
    patient.putUserProperty(MessageConst.PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS, "600");
    TransactionSendResult open = producer.sendMessageInTransaction(patient, null);
    TransactionSendResult yes = send(producer, topic, "yes");
    TransactionSendResult no = send(producer, topic, "no");
    await(
        "both are discarded",
        PATIENCE_MS,
        () -> {
          String discarded = oncemq("list", "--discarded", "--json");
          return discarded.contains(yes.getTransactionId())
              && discarded.contains(no.getTransactionId());
        });
    String listed = oncemq("list", "--json");
    assertTrue(listed.contains(open.getTransactionId()), listed);
    assertTrue(!listed.contains(yes.getTransactionId()), listed);
    String shown = oncemq("show", yes.getTransactionId());
    assertTrue(shown.contains("discarded") && shown.contains(group), shown);
    oncemq("commit", yes.getTransactionId(), "--dry-run");
    assertEquals(List.of(), bodies(topic));
    oncemq("commit", yes.getTransactionId(), "--yes");
    oncemq("rollback", no.getTransactionId(), "--yes");
    oncemq("commit", open.getTransactionId(), "--yes");
    await("both", PATIENCE_MS, () -> sorted(bodies(topic)).equals(List.of("open", "yes")));
    String left = oncemq("list", "--discarded", "--json") + oncemq("list", "--json");
    for (TransactionSendResult decided : List.of(yes, no, open)) {
      assertTrue(!left.contains(decided.getTransactionId()), left);
    }
    // Decided ones are no longer listed and so cannot be named.
    Process again = command("rollback", yes.getTransactionId(), "--yes");
    assertEquals(1, again.waitFor());
    assertTrue(text(again.getErrorStream().readAllBytes()).contains(yes.getTransactionId()));
    assertEquals(
        ResponseCode.TRANSACTION_FAILED,
        end(wire(), header(group, no, COMMIT, false)).getCode());
  }

  @Test
  @OnceMqOnly("a verdict is final")
  void brokerKilledBetweenHalfMessageAndVerdict() throws Exception {
    try (Server fresh =
        Server.start("transactionTimeOut", "1500", "transactionCheckInterval", "1000")) {
      Server before = own;
      own = fresh;
      try {
        String topic = topic("tx", 1);
        String group = fresh("tx-group");
        Map<String, LocalTransactionState> answers = new ConcurrentHashMap<>();
        Listener listener =
            new Listener(
                message -> LocalTransactionState.UNKNOW,
                message ->
                    answers.getOrDefault(text(message.getBody()), LocalTransactionState.UNKNOW));
        TransactionMQProducer producer = producer(group, listener);
        Wire wire = wire();
        TransactionSendResult committed = send(producer, topic, "committed");
        TransactionSendResult rolledBack = send(producer, topic, "rolled back");
        send(producer, topic, "open");
        assertEquals(0, end(wire, header(group, committed, COMMIT, false)).getCode());
        assertEquals(0, end(wire, header(group, rolledBack, ROLLBACK, false)).getCode());
        fresh.kill();
        answers.put("open", LocalTransactionState.COMMIT_MESSAGE);
        fresh.boot();
        await(
            "the open one",
            PATIENCE_MS,
            () -> sorted(bodies(topic)).equals(List.of("committed", "open")));
        Wire again = wire();
        assertEquals(0, end(again, header(group, committed, COMMIT, false)).getCode());
        assertEquals(0, end(again, header(group, rolledBack, ROLLBACK, false)).getCode());
        assertEquals(
            ResponseCode.TRANSACTION_FAILED,
            end(again, header(group, committed, ROLLBACK, false)).getCode());
        assertEquals(
            ResponseCode.TRANSACTION_FAILED,
            end(again, header(group, rolledBack, COMMIT, false)).getCode());
        fresh.restart();
        assertEquals(
            ResponseCode.TRANSACTION_FAILED,
            end(wire(), header(group, rolledBack, COMMIT, false)).getCode());
        assertEquals(List.of("committed", "open"), sorted(bodies(topic)));
      } finally {
        own = before;
      }
    }
  }

  @Test
  void halfMessagesAreRejectedWhenTheBrokerSaysSo() throws Exception {
    String topic = topic("tx", 1);
    TransactionMQProducer producer =
        producer(fresh("tx-group"), Listener.saying(LocalTransactionState.COMMIT_MESSAGE));
    var on = new java.util.Properties();
    on.setProperty("rejectTransactionMessage", "true");
    admin().updateBrokerConfig(server().broker(), on);
    try {
      Exception refused = null;
      try {
        producer.sendMessageInTransaction(message(topic, "no"), null);
      } catch (Exception e) {
        refused = e;
      }
      assertTrue(refused != null, "it was taken");
    } finally {
      on.setProperty("rejectTransactionMessage", "false");
      admin().updateBrokerConfig(server().broker(), on);
    }
    assertEquals(List.of(), bodies(topic));
  }
}
