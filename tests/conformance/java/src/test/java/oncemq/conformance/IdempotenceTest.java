package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.exception.RemotingException;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Clients that know nothing of idempotent topics, and whose answers get lost. */
@OnceMqOnly("Apache stores what is sent again a second time")
class IdempotenceTest extends ClientTest {
  private static Server own;
  private static LossyPipe pipe;

  @BeforeAll
  static void start() throws Exception {
    own =
        Server.start(
            "bindAddress", "127.0.0.1", "brokerIP1", "127.0.0.2", "transactionTimeOut", "1000",
            "transactionCheckInterval", "1000");
    int port = Integer.parseInt(own.broker().substring(own.broker().indexOf(':') + 1));
    pipe =
        new LossyPipe(
            LossyPipe.shown(port),
            new InetSocketAddress("127.0.0.1", port),
            Set.of(
                RequestCode.SEND_MESSAGE,
                RequestCode.SEND_MESSAGE_V2,
                RequestCode.SEND_BATCH_MESSAGE));
  }

  @AfterAll
  static void stop() throws Exception {
    pipe.close();
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  private String idempotent(String word, int queues, String... more) throws Exception {
    TopicConfig config = new TopicConfig(fresh(word), queues, queues, 6);
    Map<String, String> attributes = new HashMap<>();
    attributes.put("+idempotent.key", "UNIQ_KEY");
    for (int i = 0; i < more.length; i += 2) {
      attributes.put(more[i], more[i + 1]);
    }
    config.setAttributes(attributes);
    configure(config);
    return config.getTopicName();
  }

  private long stored(String topic) throws Exception {
    return admin().examineTopicStats(topic).getOffsetTable().values().stream()
        .mapToLong(one -> one.getMaxOffset() - one.getMinOffset())
        .sum();
  }

  /** Sends ten messages; the first answer to each gets lost. */
  private List<SendResult> sendTen(String topic) throws Exception {
    DefaultMQProducer producer = producer();
    List<SendResult> results = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      int before = pipe.lost();
      pipe.lose(1);
      results.add(producer.send(message(topic, "body " + i)));
      assertEquals(before + 1, pipe.lost());
      assertEquals(SendStatus.SEND_OK, results.get(i).getSendStatus());
    }
    return results;
  }

  @Test
  void aSendWhoseAnswerIsLostIsStoredOnce() throws Exception {
    String topic = idempotent("once", 4);
    List<SendResult> results = sendTen(topic);
    assertEquals(10, stored(topic));
    Inbox inbox = consume(fresh("group"), topic, "*");
    List<MessageExt> got = inbox.awaitExactly(10, PATIENCE_MS);
    assertEquals(10, new HashSet<>(inbox.bodies()).size());
    // The client was told where its message is, not where its second attempt would have gone.
    Set<String> places = new HashSet<>();
    got.forEach(one -> places.add(one.getQueueId() + ":" + one.getQueueOffset()));
    for (SendResult result : results) {
      places.remove(result.getMessageQueue().getQueueId() + ":" + result.getQueueOffset());
    }
    assertTrue(places.isEmpty(), places.toString());
  }

  /** The same on a topic without the attribute: what the test above would see if it did not work. */
  @Test
  void anOrdinaryTopicStoresItTwice() throws Exception {
    String topic = topic("twice", 4);
    sendTen(topic);
    assertEquals(20, stored(topic));
  }

  @Test
  void anAsynchronousSendAndABatchAreStoredOnce() throws Exception {
    String topic = idempotent("once", 2);
    DefaultMQProducer producer = producer();
    CompletableFuture<SendResult> answer = new CompletableFuture<>();
    pipe.lose(1);
    producer.send(
        message(topic, "asynchronous"),
        new SendCallback() {
          @Override
          public void onSuccess(SendResult result) {
            answer.complete(result);
          }

          @Override
          public void onException(Throwable error) {
            answer.completeExceptionally(error);
          }
        });
    assertEquals(SendStatus.SEND_OK, answer.get(30, TimeUnit.SECONDS).getSendStatus());
    assertEquals(1, stored(topic));
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      batch.add(message(topic, "part " + i));
    }
    pipe.lose(1);
    assertEquals(SendStatus.SEND_OK, producer.send(batch).getSendStatus());
    assertEquals(6, stored(topic));
  }

  @Test
  void aTransactionWhoseHalfMessageWasStoredTwiceBecomesOneMessage() throws Exception {
    String topic = idempotent("once-tx", 1);
    TransactionMQProducer producer = new TransactionMQProducer(fresh("tx-group"));
    producer.setNamesrvAddr(server().namesrv());
    producer.setSendMsgTimeout(10_000);
    List<String> checked = Collections.synchronizedList(new ArrayList<>());
    producer.setTransactionListener(
        new TransactionListener() {
          @Override
          public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return LocalTransactionState.COMMIT_MESSAGE;
          }

          @Override
          public LocalTransactionState checkLocalTransaction(MessageExt message) {
            checked.add(message.getTransactionId());
            return LocalTransactionState.COMMIT_MESSAGE;
          }
        });
    producer.start();
    onClose(producer::shutdown);
    pipe.lose(1);
    SendResult result = producer.sendMessageInTransaction(message(topic, "body"), null);
    assertEquals(SendStatus.SEND_OK, result.getSendStatus());
    // The first half message was answered to nobody, so the broker asks about it.
    await("check of the first half message", PATIENCE_MS, () -> !checked.isEmpty());
    await("its verdict", PATIENCE_MS, () -> leftOut(topic) == 1);
    assertEquals(1, stored(topic));
  }

  private long leftOut(String topic) throws Exception {
    OnceMqTool.Result report = OnceMqTool.run(own, "idempotency", "report", topic);
    assertEquals(0, report.code(), report.errors());
    return report
        .out()
        .lines()
        .filter(line -> line.contains("left_out"))
        .mapToLong(line -> Long.parseLong(line.trim().split("\\s+")[3]))
        .sum();
  }

  @Test
  void anotherBodyUnderTheSameKeyIsRefusedWithItsOwnCode() throws Exception {
    String topic = idempotent("strict", 1, "+idempotent.key", "KEYS", "+idempotent.mismatch", "reject");
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "tag", "order-7", "one"));
    producer.send(message(topic, "tag", "order-7", "one"));
    MQBrokerException refused =
        assertThrows(
            MQBrokerException.class,
            () -> producer.send(message(topic, "tag", "order-7", "two"), queue(topic, 0)));
    assertEquals(40901, refused.getResponseCode());
    assertTrue(refused.getErrorMessage().contains("order-7"), refused.getErrorMessage());
    assertEquals(1, stored(topic));
  }

  @Test
  void shadowStoresEverythingAndReportsWhatItWouldHaveLeftOut() throws Exception {
    String topic = idempotent("shadow", 1, "+idempotent.key", "KEYS", "+idempotent.mode", "shadow");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 3; i++) {
      producer.send(message(topic, "tag", "order-8", "one"));
    }
    assertEquals(3, stored(topic));
    OnceMqTool.Result report = OnceMqTool.run(own, "idempotency", "report", topic, "--latest");
    assertEquals(0, report.code(), report.errors());
    assertEquals(2, report.out().lines().filter(line -> line.contains("order-8")).count());
    assertTrue(report.out().contains("shadowed"), report.out());
  }

  @Test
  void whatWasStoredBeforeAKillIsKnownAfterIt() throws Exception {
    String topic = idempotent("kill", 4);
    DefaultMQProducer producer = producer();
    List<Message> messages = new ArrayList<>();
    List<SendResult> first = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      messages.add(message(topic, "body " + i));
      first.add(producer.send(messages.get(i)));
    }
    own.kill();
    own.boot();
    for (int i = 0; i < 20; i++) {
      // The message keeps its unique key, as in a client's own retry.
      MessageQueue elsewhere = queue(topic, (first.get(i).getMessageQueue().getQueueId() + 1) % 4);
      Message message = messages.get(i);
      SendResult[] again = new SendResult[1];
      await(
          "an answer after the restart",
          PATIENCE_MS,
          () -> {
            try {
              again[0] = producer.send(message, elsewhere);
              return true;
            } catch (RemotingException | MQClientException e) {
              return false;
            }
          });
      assertEquals(first.get(i).getQueueOffset(), again[0].getQueueOffset());
      assertEquals(first.get(i).getOffsetMsgId(), again[0].getOffsetMsgId());
    }
    assertEquals(20, stored(topic));
  }
}
