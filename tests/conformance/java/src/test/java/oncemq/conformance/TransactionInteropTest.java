package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Half messages that one broker left open are decided by the other, and no verdict is taken twice. */
@Execution(ExecutionMode.CONCURRENT)
class TransactionInteropTest extends ClientTest {
  private Server current;
  private Path data;
  private String topic;
  private String group;
  private DefaultMQPullConsumer reader; // of the current server

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

  /** Says at once, or when asked, what its table says about a body. */
  private TransactionMQProducer producer(
      Map<String, LocalTransactionState> first, Map<String, LocalTransactionState> later)
      throws Exception {
    TransactionMQProducer producer = new TransactionMQProducer(group);
    producer.setNamesrvAddr(server().namesrv());
    producer.setInstanceName(fresh("instance"));
    producer.setSendMsgTimeout(10_000);
    producer.setHeartbeatBrokerInterval(500);
    // A client heartbeats to the brokers of topics that it knows.
    producer.setTopics(List.of(topic));
    producer.setTransactionListener(
        new TransactionListener() {
          @Override
          public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return first.getOrDefault(text(message.getBody()), LocalTransactionState.UNKNOW);
          }

          @Override
          public LocalTransactionState checkLocalTransaction(MessageExt message) {
            return later.getOrDefault(text(message.getBody()), LocalTransactionState.UNKNOW);
          }
        });
    started(producer);
    return producer;
  }

  @SuppressWarnings("deprecation")
  private List<String> bodies() throws Exception {
    if (reader == null) {
      reader = puller(fresh("readers"));
    }
    List<String> all = new ArrayList<>();
    long offset = 0;
    while (true) {
      PullResult result = reader.pull(queue(topic, 0), "*", offset, 32);
      if (result.getPullStatus() != PullStatus.FOUND) {
        return sorted(all);
      }
      result.getMsgFoundList().forEach(message -> all.add(text(message.getBody())));
      offset = result.getNextBeginOffset();
    }
  }

  private void hand(boolean apache, boolean kill) throws Exception {
    awaitClosed();
    reader = null;
    Server before = current;
    if (kill) {
      before.kill();
    } else {
      before.stop();
    }
    before.close();
    current = before.successor(apache);
    await(
        "route", 60_000, () -> admin().examineTopicRouteInfo(topic).getQueueDatas().size() == 1);
  }

  @ParameterizedTest(name = "half messages of {0}, then {1}")
  @CsvSource({"apache,stopped", "apache,killed", "oncemq,stopped", "oncemq,killed"})
  void openOnesAreDecidedByTheOther(String writer, String end) throws Exception {
    boolean apache = writer.equals("apache");
    boolean killed = end.equals("killed");
    data = Files.createTempDirectory("interop-tx-");
    current =
        Server.startKind(
            apache,
            data,
            "transactionTimeOut", "3000",
            "transactionCheckInterval", "1000",
            // Apache's broker asks and commits again until its op record is written.
            "transactionOpBatchInterval", "100",
            "flushConsumerOffsetInterval", "1000");
    topic = topic("interop-tx", 1);
    group = fresh("tx-group");
    Map<String, LocalTransactionState> answers =
        Map.of(
            "committed", LocalTransactionState.COMMIT_MESSAGE,
            "rolled back", LocalTransactionState.ROLLBACK_MESSAGE);
    TransactionMQProducer writing = producer(answers, Map.of());
    for (String body : List.of("open yes", "committed", "rolled back", "open no")) {
      writing.sendMessageInTransaction(message(topic, body), null);
    }
    await("the committed one", PATIENCE_MS, () -> bodies().equals(List.of("committed")));

    hand(!apache, killed);
    Map<String, LocalTransactionState> asked =
        Map.of(
            "committed", LocalTransactionState.COMMIT_MESSAGE,
            "rolled back", LocalTransactionState.ROLLBACK_MESSAGE,
            "open yes", LocalTransactionState.COMMIT_MESSAGE,
            "open no", LocalTransactionState.ROLLBACK_MESSAGE);
    producer(Map.of(), asked);
    List<String> wanted = List.of("committed", "open yes");
    await("the open one", 70_000, () -> bodies().equals(wanted));
    // Nothing is asked about and committed once more.
    Thread.sleep(6_000);
    assertEquals(wanted, bodies());

    hand(apache, killed);
    producer(Map.of(), asked);
    Thread.sleep(8_000);
    assertEquals(wanted, bodies());
  }
}
