package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.compression.CompressorFactory;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageId;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.sysflag.MessageSysFlag;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.SendMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.route.QueueData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SendTest extends ClientTest {
  @Test
  void syncSendTellsQueueOffsetAndIds() throws Exception {
    String topic = topic("sync", 1);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 5; i++) {
      Message message = message(topic, "tag", "key", "body " + i);
      SendResult result = producer.send(message);
      assertEquals(SendStatus.SEND_OK, result.getSendStatus());
      assertEquals(new MessageQueue(topic, Server.BROKER, 0), result.getMessageQueue());
      assertEquals(i, result.getQueueOffset());
      assertEquals(message.getProperty("UNIQ_KEY"), result.getMsgId());
      assertEquals("DefaultRegion", result.getRegionId());
      MessageId id = MessageDecoder.decodeMessageId(result.getOffsetMsgId());
      assertTrue(id.getAddress().toString().endsWith(server().broker()), id.getAddress().toString());
      MessageExt stored = admin().viewMessage(topic, result.getOffsetMsgId());
      assertEquals("body " + i, text(stored.getBody()));
    }
  }

  @Test
  void asyncSendCallsBack() throws Exception {
    String topic = topic("async", 2);
    DefaultMQProducer producer = producer();
    List<CompletableFuture<SendResult>> results = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      CompletableFuture<SendResult> result = new CompletableFuture<>();
      results.add(result);
      producer.send(
          message(topic, "body " + i),
          new SendCallback() {
            @Override
            public void onSuccess(SendResult sent) {
              result.complete(sent);
            }

            @Override
            public void onException(Throwable e) {
              result.completeExceptionally(e);
            }
          });
    }
    Set<String> places = new HashSet<>();
    for (CompletableFuture<SendResult> result : results) {
      SendResult sent = result.get(15, TimeUnit.SECONDS);
      assertEquals(SendStatus.SEND_OK, sent.getSendStatus());
      places.add(sent.getMessageQueue().getQueueId() + "/" + sent.getQueueOffset());
    }
    assertEquals(50, places.size());
  }

  @Test
  void onewayArrives() throws Exception {
    String topic = topic("oneway", 1);
    Inbox inbox = consume(fresh("group"), topic, "*");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      producer.sendOneway(message(topic, "body " + i));
    }
    inbox.awaitExactly(10, PATIENCE_MS);
  }

  @Test
  void selectorPutsOneKeyIntoOneQueue() throws Exception {
    String topic = topic("selector", 4);
    DefaultMQProducer producer = producer();
    Map<Integer, Long> offsets = new HashMap<>();
    for (int i = 0; i < 20; i++) {
      int order = i % 4;
      SendResult result =
          producer.send(
              message(topic, "order " + order),
              (queues, message, key) -> queues.get((int) key % queues.size()),
              order);
      Long before = offsets.put(result.getMessageQueue().getQueueId(), result.getQueueOffset());
      assertEquals(before == null ? 0 : before + 1, result.getQueueOffset());
    }
    assertEquals(4, offsets.size());
    SendResult direct = producer.send(message(topic, "direct"), queue(topic, 3));
    assertEquals(3, direct.getMessageQueue().getQueueId());
  }

  @Test
  void batchIsContiguous() throws Exception {
    String topic = topic("batch", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "before"));
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      batch.add(message(topic, "tag" + i % 2, "key" + i, "body " + i));
    }
    SendResult result = producer.send(batch);
    assertEquals(SendStatus.SEND_OK, result.getSendStatus());
    assertEquals(1, result.getQueueOffset());
    assertEquals(10, result.getOffsetMsgId().split(",").length);
    assertEquals(11, admin().maxOffset(queue(topic, 0)));
    Inbox inbox = consume(fresh("group"), topic, "tag1");
    List<MessageExt> got = inbox.awaitExactly(5, PATIENCE_MS);
    Set<Long> offsets = new HashSet<>();
    for (MessageExt message : got) {
      offsets.add(message.getQueueOffset());
      assertEquals("body " + (message.getQueueOffset() - 1), text(message.getBody()));
      assertEquals("key" + (message.getQueueOffset() - 1), message.getKeys());
    }
    assertEquals(Set.of(2L, 4L, 6L, 8L, 10L), offsets);
  }

  @Test
  @OnceMqOnly("apache/rocketmq#9416: there every message of a batch has the id of the batch")
  void everyMessageOfABatchHasItsOwnId() throws Exception {
    String topic = topic("batch-ids", 1);
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      batch.add(message(topic, "body " + i));
    }
    SendResult result = producer().send(batch);
    Inbox inbox = consume(fresh("group"), topic, "*");
    Set<String> ids = new HashSet<>();
    inbox.awaitExactly(3, PATIENCE_MS).forEach(message -> ids.add(message.getMsgId()));
    assertEquals(3, ids.size());
    assertEquals(Set.of(result.getMsgId().split(",")), ids);
  }

  @Test
  void batchOverTheLimitStoresNothing() throws Exception {
    String topic = topic("batch-large", 1);
    DefaultMQProducer producer = newProducer();
    producer.setMaxMessageSize(16 << 20);
    producer.setRetryTimesWhenSendFailed(0);
    started(producer);
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      batch.add(new Message(topic, new byte[1 << 20]));
    }
    assertThrows(Exception.class, () -> producer.send(batch));
    assertEquals(0, admin().maxOffset(queue(topic, 0)));
    SendResult after = producer.send(message(topic, "small"));
    assertEquals(0, after.getQueueOffset());
  }

  @ParameterizedTest
  @EnumSource(CompressionType.class)
  void compressedBodiesArriveWhole(CompressionType type) throws Exception {
    String topic = topic("compressed", 1);
    DefaultMQProducer producer = newProducer();
    producer.setCompressMsgBodyOverHowmuch(100);
    producer.setCompressType(type);
    started(producer);
    byte[] body = "all work and no play ".repeat(2000).getBytes();
    SendResult result = producer.send(new Message(topic, body));
    MessageExt stored = admin().viewMessage(topic, result.getOffsetMsgId());
    assertTrue(stored.getStoreSize() < body.length / 4, "stored compressed: " + stored.getStoreSize());
    assertArrayEquals(body, stored.getBody());
    Inbox inbox = consume(fresh("group"), topic, "*");
    MessageExt got = inbox.awaitExactly(1, PATIENCE_MS).get(0);
    assertArrayEquals(body, got.getBody());
  }

  @Test
  void compressionTypeIsKeptInTheSysFlag() throws Exception {
    String topic = topic("compressed-raw", 1);
    for (CompressionType type : CompressionType.values()) {
      byte[] packed =
          CompressorFactory.getCompressor(type).compress("again and again ".repeat(100).getBytes(), 5);
      SendMessageRequestHeader header = header(topic);
      header.setSysFlag(MessageSysFlag.COMPRESSED_FLAG | type.getCompressionFlag());
      RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, header);
      request.setBody(packed);
      RemotingCommand answer = wire().call(request);
      assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
      MessageExt stored = admin().viewMessage(topic, answer.getExtFields().get("msgId"));
      assertEquals("again and again ".repeat(100), text(stored.getBody()), type.name());
    }
  }

  @Test
  void delayLevelsDelay() throws Exception {
    String topic = topic("delay", 1);
    Inbox inbox = consume(fresh("group"), topic, "*");
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "warm"));
    inbox.await(1, PATIENCE_MS);
    long begun = System.currentTimeMillis();
    for (int level : new int[] {2, 1}) {
      Message message = message(topic, "tag", "key", "level " + level);
      message.setDelayTimeLevel(level);
      assertEquals(SendStatus.SEND_OK, producer.send(message).getSendStatus());
    }
    Message beyond = message(topic, "beyond the last");
    beyond.setDelayTimeLevel(99);
    producer.send(beyond);
    List<MessageExt> got = inbox.awaitExactly(4, PATIENCE_MS);
    for (MessageExt message : got.subList(1, 4)) {
      long waited = message.getStoreTimestamp() - begun;
      long least = text(message.getBody()).equals("level 2") ? 2000 : 1000;
      assertTrue(waited >= least - 50, text(message.getBody()) + " after " + waited);
      assertTrue(waited < least + 10_000, text(message.getBody()) + " after " + waited);
      assertEquals(topic, message.getTopic());
    }
    assertEquals(
        List.of("beyond the last", "level 1", "level 2"), sorted(inbox.bodies().subList(1, 4)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"with space", "dot.dot", "slash/slash", "ünicode", "..", "semi;colon"})
  void illegalTopicNamesAreRefused(String topic) throws Exception {
    RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, header(topic));
    request.setBody("body".getBytes());
    RemotingCommand answer = wire().call(request);
    assertEquals(29, answer.getCode(), answer.getRemark());
    assertThrows(MQClientException.class, () -> producer().send(message(topic, "body")));
  }

  @Test
  void topicNameLengthIsLimited() throws Exception {
    RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, header("x".repeat(128)));
    request.setBody("body".getBytes());
    assertEquals(29, wire().call(request).getCode());
    String longest = fresh("y".repeat(110));
    longest = longest + "z".repeat(127 - longest.length());
    assertEquals(SendStatus.SEND_OK, producer().send(message(longest, "body")).getSendStatus());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT"})
  void systemTopicsTakeNoSends(String topic) throws Exception {
    RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, header(topic));
    request.setBody("body".getBytes());
    assertEquals(ResponseCode.NO_PERMISSION, wire().call(request).getCode());
  }

  @Test
  void oversizeBodyIsRefused() throws Exception {
    String topic = topic("oversize", 1);
    DefaultMQProducer producer = newProducer();
    producer.setMaxMessageSize(16 << 20);
    producer.setCompressMsgBodyOverHowmuch(16 << 20);
    started(producer);
    MQBrokerException refused =
        assertThrows(
            MQBrokerException.class, () -> producer.send(new Message(topic, new byte[(4 << 20) + 1])));
    assertEquals(ResponseCode.MESSAGE_ILLEGAL, refused.getResponseCode());
    SendResult largest = producer.send(new Message(topic, new byte[4 << 20]));
    assertEquals(0, largest.getQueueOffset());
  }

  @Test
  void emptyBodyIsRefused() throws Exception {
    String topic = topic("empty", 1);
    RemotingCommand answer = wire().call(Wire.request(RequestCode.SEND_MESSAGE, header(topic)));
    // Apache stumbles over the missing body and answers with the trace of its exception.
    int expected = Server.apache() ? ResponseCode.SYSTEM_ERROR : ResponseCode.MESSAGE_ILLEGAL;
    assertEquals(expected, answer.getCode(), answer.getRemark());
    assertEquals(0, admin().maxOffset(queue(topic, 0)));
  }

  @Test
  void queueThatDoesNotExistIsRefused() throws Exception {
    String topic = topic("queue-id", 2);
    SendMessageRequestHeader header = header(topic);
    header.setQueueId(2);
    RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, header);
    request.setBody("body".getBytes());
    assertEquals(29, wire().call(request).getCode());
    header.setQueueId(-1);
    RemotingCommand any = Wire.request(RequestCode.SEND_MESSAGE, header);
    any.setBody("body".getBytes());
    RemotingCommand answer = wire().call(any);
    assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
    assertTrue(Integer.parseInt(answer.getExtFields().get("queueId")) < 2);
  }

  @Test
  void topicIsCreatedByTheFirstSend() throws Exception {
    String topic = fresh("auto");
    SendResult result = producer().send(message(topic, "body"));
    assertEquals(SendStatus.SEND_OK, result.getSendStatus());
    await(
        "route",
        5_000,
        () -> {
          QueueData data = admin().examineTopicRouteInfo(topic).getQueueDatas().get(0);
          return data.getPerm() == 6 && data.getWriteQueueNums() == 4 && data.getReadQueueNums() == 4;
        });
  }

  @Test
  void readOnlyTopicTakesNoSendsFromClients() throws Exception {
    String topic = topic("readonly", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "before"));
    configure(new TopicConfig(topic, 1, 1, 4));
    DefaultMQProducer late = producer();
    assertThrows(MQClientException.class, () -> late.send(message(topic, "refused")));
    Inbox inbox = consume(fresh("group"), topic, "*");
    assertEquals("before", text(inbox.awaitExactly(1, PATIENCE_MS).get(0).getBody()));
    configure(new TopicConfig(topic, 1, 1, 6));
    assertEquals(1, producer().send(message(topic, "after")).getQueueOffset());
  }

  @Test
  void propertiesOfAnyLegalBytesArrive() throws Exception {
    String topic = topic("properties", 1);
    Map<String, String> properties = new HashMap<>();
    properties.put("plain", "value");
    properties.put("name with space", " value with space ");
    properties.put("unicode", "属性 \ud83d\ude80 ü");
    properties.put("属性", "unicode name");
    properties.put("quotes", "\"'\\\\n{}[]<>&;=,|#");
    properties.put("control", "tab\tnewline\nreturn\rbell\u0007nul\u0000del\u007f");
    properties.put("long", "x".repeat(20_000));
    properties.put("n", "-1");
    Message message = message(topic, "täg 标签", "k1 k2", "body");
    properties.forEach(message::putUserProperty);
    message.setFlag(0x7abbccdd);
    producer().send(message);
    Inbox inbox = consume(fresh("group"), topic, "täg 标签");
    MessageExt got = inbox.awaitExactly(1, PATIENCE_MS).get(0);
    properties.forEach((name, value) -> assertEquals(value, got.getUserProperty(name), name));
    assertEquals("täg 标签", got.getTags());
    assertEquals("k1 k2", got.getKeys());
    assertEquals(0x7abbccdd, got.getFlag());
    assertNull(got.getUserProperty("nothing"));
  }

  @Test
  void propertiesOverTheLimitAreRefused() throws Exception {
    String topic = topic("properties-large", 1);
    Message message = message(topic, "body");
    message.putUserProperty("long", "x".repeat(33_000));
    MQBrokerException refused =
        assertThrows(MQBrokerException.class, () -> producer().send(message));
    assertEquals(ResponseCode.MESSAGE_ILLEGAL, refused.getResponseCode());
    assertEquals(0, admin().maxOffset(queue(topic, 0)));
  }

  @Test
  void binaryBodyArrivesAsSent() throws Exception {
    String topic = topic("binary", 1);
    byte[] body = new byte[100_000];
    new Random(7).nextBytes(body);
    SendResult result = producer().send(new Message(topic, body));
    assertArrayEquals(body, admin().viewMessage(topic, result.getOffsetMsgId()).getBody());
  }

  @Test
  void manyThreadsGetDenseOffsets() throws Exception {
    String topic = topic("threads", 2);
    DefaultMQProducer producer = producer();
    ExecutorService pool = Executors.newFixedThreadPool(8);
    onClose(pool::shutdownNow);
    List<Future<Set<String>>> workers = new ArrayList<>();
    for (int t = 0; t < 8; t++) {
      workers.add(
          pool.submit(
              () -> {
                Set<String> places = new HashSet<>();
                for (int i = 0; i < 50; i++) {
                  SendResult result = producer.send(message(topic, "body"));
                  places.add(result.getMessageQueue().getQueueId() + "/" + result.getQueueOffset());
                }
                return places;
              }));
    }
    Set<String> places = new HashSet<>();
    for (Future<Set<String>> worker : workers) {
      places.addAll(worker.get(60, TimeUnit.SECONDS));
    }
    assertEquals(400, places.size());
    long zero = admin().maxOffset(queue(topic, 0));
    long one = admin().maxOffset(queue(topic, 1));
    assertEquals(400, zero + one);
    for (String place : places) {
      String[] parts = place.split("/");
      assertTrue(Long.parseLong(parts[1]) < (parts[0].equals("0") ? zero : one), place);
    }
  }

  @Test
  void messageWithoutUniqueKeyGetsOne() throws Exception {
    String topic = topic("uniq", 1);
    RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, header(topic));
    request.setBody("body".getBytes());
    RemotingCommand answer = wire().call(request);
    assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
    String unique = answer.getExtFields().get("transactionId");
    MessageExt stored = admin().viewMessage(topic, answer.getExtFields().get("msgId"));
    assertEquals(unique, stored.getProperty("UNIQ_KEY"));
    // Made from the IPv4 or the IPv6 address of the broker.
    assertTrue(unique.matches("[0-9A-F]{32}|[0-9A-F]{56}"), unique);
    assertFalse(answer.getExtFields().containsKey("batchUniqId"));
    assertNotEquals(unique, answer.getExtFields().get("msgId"));
  }

  static SendMessageRequestHeader header(String topic) {
    SendMessageRequestHeader header = new SendMessageRequestHeader();
    header.setProducerGroup("raw");
    header.setTopic(topic);
    header.setDefaultTopic("TBW102");
    header.setDefaultTopicQueueNums(4);
    header.setQueueId(0);
    header.setSysFlag(0);
    header.setBornTimestamp(System.currentTimeMillis());
    header.setFlag(0);
    return header;
  }
}
