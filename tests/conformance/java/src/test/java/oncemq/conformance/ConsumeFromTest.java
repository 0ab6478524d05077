package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Where a new group begins. On a queue whose first message is still there it begins with that,
 * whatever it wants, so this class makes retention delete some first: on a server of its own.
 */
class ConsumeFromTest extends ClientTest {
  private static final int OLD = 40;

  private static Server own;

  @BeforeAll
  static void start() {
    own = Server.start("mappedFileSizeCommitLog", "65536", "fileReservedTime", "1");
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
  void newGroupsBeginAtTheFirstTheLastOrATime() throws Exception {
    String topic = topic("from", 1);
    DefaultMQProducer producer = newProducer();
    producer.setCompressMsgBodyOverHowmuch(1 << 20);
    started(producer);
    for (int i = 0; i < OLD; i++) {
      producer.send(message(topic, i + "x".repeat(8 << 10)));
    }
    int first = deleteSome(topic);
    Thread.sleep(1_100);
    // Clients give the time in seconds.
    String time = UtilAll.timeMillisToHumanString3(System.currentTimeMillis());
    Thread.sleep(1_100);
    producer.send(message(topic, "middle"));

    Inbox fromFirst = from(topic, ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, time);
    Inbox fromTime = from(topic, ConsumeFromWhere.CONSUME_FROM_TIMESTAMP, time);
    Inbox fromLast = from(topic, ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET, time);
    producer.send(message(topic, "end"));

    fromFirst.awaitExactly(OLD - first + 2, PATIENCE_MS);
    assertTrue(fromFirst.bodies().stream().anyMatch(body -> body.startsWith(first + "x")));
    fromTime.awaitExactly(2, PATIENCE_MS);
    assertEquals(List.of("end", "middle"), sorted(fromTime.bodies()));
    fromLast.awaitExactly(1, PATIENCE_MS);
    assertEquals(List.of("end"), fromLast.bodies());
  }

  /** The first offset that is left. */
  private int deleteSome(String topic) throws Exception {
    FileTime longAgo = FileTime.fromMillis(System.currentTimeMillis() - 48 * 3_600_000L);
    try (Stream<Path> files = Files.list(own.data().resolve("commitlog"))) {
      for (Path file : files.sorted().limit(2).toList()) {
        Files.setLastModifiedTime(file, longAgo);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    await(
        "expired files are deleted",
        PATIENCE_MS,
        () -> {
          admin().deleteExpiredCommitLogByAddr(own.broker());
          return admin().minOffset(queue(topic, 0)) > 0;
        });
    return (int) admin().minOffset(queue(topic, 0));
  }

  /** Returns when the consumer has decided where to begin. */
  private Inbox from(String topic, ConsumeFromWhere where, String time) throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.setConsumeFromWhere(where);
    consumer.setConsumeTimestamp(time);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    await(
        "the consumer has its queue",
        PATIENCE_MS,
        () ->
            consumer
                .getDefaultMQPushConsumerImpl()
                .getRebalanceImpl()
                .getProcessQueueTable()
                .containsKey(queue(topic, 0)));
    return inbox;
  }
}
