package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageId;
import org.junit.jupiter.api.Test;

class QueryTest extends ClientTest {
  @Test
  void byOffsetId() throws Exception {
    String topic = topic("by-id", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "other"));
    SendResult sent = producer.send(message(topic, "tag", "key", "body"));
    MessageExt found = admin().viewMessage(topic, sent.getOffsetMsgId());
    assertEquals("body", text(found.getBody()));
    assertEquals("tag", found.getTags());
    assertEquals(1, found.getQueueOffset());
    MessageId id = MessageDecoder.decodeMessageId(sent.getOffsetMsgId());
    assertEquals(id.getOffset(), found.getCommitLogOffset());
    String wrong = MessageDecoder.createMessageId(id.getAddress(), id.getOffset() + 1);
    assertThrows(Exception.class, () -> admin().viewMessage(topic, wrong));
    String beyond = MessageDecoder.createMessageId(id.getAddress(), 1L << 50);
    assertThrows(Exception.class, () -> admin().viewMessage(topic, beyond));
  }

  @Test
  void byUniqueKey() throws Exception {
    String topic = topic("by-unique", 1);
    SendResult sent = producer().send(message(topic, "tag", "key", "body"));
    await(
        "unique key",
        PATIENCE_MS,
        () -> {
          QueryResult result =
              admin()
                  .queryMessageByUniqKey(
                      Server.CLUSTER, topic, sent.getMsgId(), 32, 0, Long.MAX_VALUE);
          return result.getMessageList().size() == 1
              && text(result.getMessageList().get(0).getBody()).equals("body");
        });
  }

  @Test
  void byKey() throws Exception {
    String topic = topic("by-key", 2);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.send(message(topic, null, "order-" + i + " all 属性", "body " + i));
    }
    producer.send(message(topic, null, "order-3", "another"));
    assertEquals(Set.of("body 7"), find(topic, "order-7", 32, 1));
    assertEquals(Set.of("body 3", "another"), find(topic, "order-3", 32, 2));
    assertEquals(10, find(topic, "属性", 32, 10).size());
    assertEquals(4, find(topic, "all", 4, 4).size());
    MQClientException none =
        assertThrows(
            MQClientException.class,
            () -> admin().queryMessage(topic, "nothing", 32, 0, Long.MAX_VALUE));
    assertTrue(none.getMessage().contains("no message"), none.getMessage());
  }

  @Test
  void byKeyAndTime() throws Exception {
    String topic = topic("by-time", 1);
    DefaultMQProducer producer = producer();
    MessageExt early = stored(producer.send(message(topic, null, "k", "early")), topic);
    // The index keeps whole seconds.
    Thread.sleep(2_500);
    MessageExt late = stored(producer.send(message(topic, null, "k", "late")), topic);
    find(topic, "k", 32, 2);
    long middle = (early.getStoreTimestamp() + late.getStoreTimestamp()) / 2;
    assertEquals(List.of("early"), bodies(admin().queryMessage(topic, "k", 32, 0, middle)));
    assertEquals(
        List.of("late"), bodies(admin().queryMessage(topic, "k", 32, middle, middle + 60_000)));
  }

  private MessageExt stored(SendResult sent, String topic) throws Exception {
    return admin().viewMessage(topic, sent.getOffsetMsgId());
  }

  /** The index follows the log, so the first look may come too early. */
  private Set<String> find(String topic, String key, int limit, int count) throws Exception {
    await(
        key,
        PATIENCE_MS,
        () -> bodies(admin().queryMessage(topic, key, limit, 0, Long.MAX_VALUE)).size() == count);
    return Set.copyOf(bodies(admin().queryMessage(topic, key, limit, 0, Long.MAX_VALUE)));
  }

  private static List<String> bodies(QueryResult result) {
    return result.getMessageList().stream()
        .map(message -> text(message.getBody()))
        .collect(Collectors.toList());
  }
}
