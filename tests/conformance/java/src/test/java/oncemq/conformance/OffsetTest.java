package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.BoundaryType;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.sysflag.PullSysFlag;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.GetEarliestMsgStoretimeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.GetMaxOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.GetMinOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PullMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.SearchOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.UpdateConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.Test;

/** Offsets and the answers to single pulls, frame by frame. */
class OffsetTest extends ClientTest {
  @Test
  void committedOffsetIsTheOneThatIsAnswered() throws Exception {
    String topic = topic("commit", 1);
    String group = group();
    assertEquals(0, commit(group, topic, 5).getCode());
    assertEquals("5", query(group, topic, null).getExtFields().get("offset"));
    // Going back is allowed.
    assertEquals(0, commit(group, topic, 3).getCode());
    assertEquals("3", query(group, topic, null).getExtFields().get("offset"));
  }


  @Test
  void groupWithoutOffsetStartsAtZeroOnAYoungTopic() throws Exception {
    String topic = topic("young", 1);
    producer().send(message(topic, "body"));
    RemotingCommand young = query(group(), topic, null);
    assertEquals(ResponseCode.SUCCESS, young.getCode());
    assertEquals("0", young.getExtFields().get("offset"));
    RemotingCommand strict = query(group(), topic, false);
    assertEquals(ResponseCode.QUERY_NOT_FOUND, strict.getCode());
  }

  @Test
  void commitsForUnknownTopicsAreRefused() throws Exception {
    assertEquals(
        ResponseCode.TOPIC_NOT_EXIST, commit(group(), fresh("unknown"), 1).getCode());
  }

  @Test
  void minMaxAndEarliestTime() throws Exception {
    String topic = topic("bounds", 1);
    assertEquals("0", max(topic));
    assertEquals("0", min(topic));
    assertEquals("-1", earliest(topic));
    long before = System.currentTimeMillis();
    for (int i = 0; i < 5; i++) {
      producer().send(message(topic, "body " + i));
    }
    visible(topic, 5);
    assertEquals("0", min(topic));
    long earliest = Long.parseLong(earliest(topic));
    assertTrue(earliest >= before - 1000 && earliest <= System.currentTimeMillis() + 1000);
  }

  @Test
  void searchByTimeFindsTheNeighbours() throws Exception {
    String topic = topic("time", 1);
    DefaultMQProducer producer = producer();
    List<Long> times = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      SendResult sent = producer.send(message(topic, "body " + i));
      times.add(admin().viewMessage(topic, sent.getOffsetMsgId()).getStoreTimestamp());
      Thread.sleep(20);
    }
    assertEquals(0, search(topic, times.get(0) - 10_000, BoundaryType.LOWER));
    for (int i = 0; i < 5; i++) {
      assertEquals(i, search(topic, times.get(i), BoundaryType.LOWER), "lower, exact " + i);
      assertEquals(i, search(topic, times.get(i), BoundaryType.UPPER), "upper, exact " + i);
    }
    for (int i = 0; i < 4; i++) {
      long between = (times.get(i) + times.get(i + 1)) / 2;
      assertEquals(i + 1, search(topic, between, BoundaryType.LOWER), "lower, between " + i);
      assertEquals(i, search(topic, between, BoundaryType.UPPER), "upper, between " + i);
    }
    assertEquals(5, search(topic, times.get(4) + 10_000, BoundaryType.LOWER));
    assertEquals(3, admin().searchOffset(queue(topic, 0), times.get(3)));
  }

  @Test
  void pullAnswersTellWhereToGoOn() throws Exception {
    String topic = topic("pull", 1);
    String group = group();
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 5; i++) {
      producer.send(message(topic, i < 3 ? "a" : "b", null, "body " + i));
    }
    visible(topic, 5);
    RemotingCommand found = pull(group, topic, 0, 3, "*", 0, 0);
    assertEquals(ResponseCode.SUCCESS, found.getCode(), found.getRemark());
    assertBounds(found, "3", "0", "5");
    assertEquals("0", found.getExtFields().get("suggestWhichBrokerId"));
    List<MessageExt> messages = MessageDecoder.decodes(ByteBuffer.wrap(found.getBody()));
    assertEquals(3, messages.size());
    assertEquals(2, messages.get(2).getQueueOffset());
    assertEquals("body 2", text(messages.get(2).getBody()));

    RemotingCommand tagged = pull(group, topic, 0, 32, "b", 0, 0);
    assertEquals(ResponseCode.SUCCESS, tagged.getCode());
    assertBounds(tagged, "5", "0", "5");
    assertEquals(2, MessageDecoder.decodes(ByteBuffer.wrap(tagged.getBody())).size());

    RemotingCommand none = pull(group, topic, 0, 32, "c", 0, 0);
    assertEquals(ResponseCode.PULL_RETRY_IMMEDIATELY, none.getCode());
    assertBounds(none, "5", "0", "5");
    assertNull(none.getBody());

    RemotingCommand end = pull(group, topic, 5, 32, "*", 0, 0);
    assertEquals(ResponseCode.PULL_NOT_FOUND, end.getCode());
    assertBounds(end, "5", "0", "5");

    RemotingCommand beyond = pull(group, topic, 6, 32, "*", 0, 0);
    assertEquals(ResponseCode.PULL_OFFSET_MOVED, beyond.getCode());
    assertBounds(beyond, "5", "0", "5");
  }

  @Test
  void pullFromAnEmptyQueue() throws Exception {
    String topic = topic("pull-empty", 1);
    String group = group();
    RemotingCommand zero = pull(group, topic, 0, 32, "*", 0, 0);
    assertEquals(ResponseCode.PULL_NOT_FOUND, zero.getCode());
    RemotingCommand ahead = pull(group, topic, 7, 32, "*", 0, 0);
    assertEquals(ResponseCode.PULL_OFFSET_MOVED, ahead.getCode());
    assertEquals("0", ahead.getExtFields().get("nextBeginOffset"));
  }

  @Test
  void pullsThatCannotBeServedAreRefused() throws Exception {
    String group = group();
    RemotingCommand unknown = pull(group, fresh("unknown"), 0, 32, "*", 0, 0);
    assertEquals(ResponseCode.TOPIC_NOT_EXIST, unknown.getCode());
    String topic = topic("pull-refused", 1);
    PullMessageRequestHeader header = header(group, topic, 0, 32, "*", 0, 0);
    header.setQueueId(1);
    assertEquals(29, wire().call(Wire.request(RequestCode.PULL_MESSAGE, header)).getCode());
    configure(new TopicConfig(topic, 1, 1, 2));
    assertEquals(ResponseCode.NO_PERMISSION, pull(group, topic, 0, 32, "*", 0, 0).getCode());
  }

  @Test
  void waitingPullIsAnsweredAtItsDeadline() throws Exception {
    String topic = topic("pull-wait", 1);
    producer().send(message(topic, "body"));
    visible(topic, 1);
    long begun = System.nanoTime();
    RemotingCommand answer = pull(group(), topic, 1, 32, "*", 2, 1_500);
    long waited = (System.nanoTime() - begun) / 1_000_000;
    assertEquals(ResponseCode.PULL_NOT_FOUND, answer.getCode());
    assertBounds(answer, "1", "0", "1");
    assertTrue(waited >= 1_450 && waited < 12_000, "waited " + waited);
  }

  @Test
  void waitingPullIsWokenByAMatchOnly() throws Exception {
    String topic = topic("pull-wake", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "a", null, "first"));
    visible(topic, 1);
    Wire wire = wire();
    RemotingCommand request = parked(wire, topic, 1);
    producer.send(message(topic, "a", null, "other"));
    boolean silent = silent(wire);
    if (!silent && Server.apache()) {
      // Its scan every five seconds looks at offsets only; a second look hits a quiet time.
      request = parked(wire, topic, 2);
      producer.send(message(topic, "a", null, "other"));
      silent = silent(wire);
    }
    assertTrue(silent, "woken by a tag it does not want");
    wire.patience(10_000);
    producer.send(message(topic, "b", null, "mine"));
    RemotingCommand answer = wire.read();
    assertEquals(request.getOpaque(), answer.getOpaque());
    assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
    List<MessageExt> messages = MessageDecoder.decodes(ByteBuffer.wrap(answer.getBody()));
    assertEquals("mine", text(messages.get(0).getBody()));
  }

  private RemotingCommand parked(Wire wire, String topic, long offset) throws Exception {
    RemotingCommand request =
        Wire.request(RequestCode.PULL_MESSAGE, header(group(), topic, offset, 32, "b", 2, 15_000));
    wire.send(request);
    assertTrue(silent(wire), "nothing is there yet");
    return request;
  }

  private static boolean silent(Wire wire) throws Exception {
    wire.patience(300);
    try {
      wire.read();
      return false;
    } catch (java.net.SocketTimeoutException e) {
      return true;
    }
  }

  @Test
  void pullCarriesACommit() throws Exception {
    String topic = topic("pull-commit", 1);
    String group = group();
    producer().send(message(topic, "body"));
    visible(topic, 1);
    PullMessageRequestHeader header = header(group, topic, 0, 32, "*", 1, 0);
    header.setCommitOffset(1L);
    assertEquals(0, wire().call(Wire.request(RequestCode.PULL_MESSAGE, header)).getCode());
    assertEquals("1", query(group, topic, null).getExtFields().get("offset"));
  }

  @Test
  void bytesOfOneAnswerAreLimited() throws Exception {
    String topic = topic("pull-bytes", 1);
    DefaultMQProducer producer = producer();
    byte[] body = new byte[100_000];
    new Random(1).nextBytes(body);
    for (int i = 0; i < 6; i++) {
      producer.send(new Message(topic, body));
    }
    visible(topic, 6);
    RemotingCommand answer = pull(group(), topic, 0, 32, "*", 0, 0);
    int count = MessageDecoder.decodes(ByteBuffer.wrap(answer.getBody())).size();
    assertTrue(count >= 1 && count <= 2, "256 KiB are the limit, came " + count + " x 100 kB");
    assertEquals(String.valueOf(count), answer.getExtFields().get("nextBeginOffset"));
  }

  /** The queues follow the log; nothing says that they are as far as the last answer. */
  private void visible(String topic, int count) throws Exception {
    await("max offset", 5_000, () -> max(topic).equals(String.valueOf(count)));
  }

  // -- requests -------------------------------------------------------------------------------

  private String group() throws Exception {
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName(fresh("group"));
    admin().createAndUpdateSubscriptionGroupConfig(server().broker(), config);
    return config.getGroupName();
  }

  private static void assertBounds(RemotingCommand answer, String next, String min, String max) {
    assertEquals(next, answer.getExtFields().get("nextBeginOffset"), "nextBeginOffset");
    assertEquals(min, answer.getExtFields().get("minOffset"), "minOffset");
    assertEquals(max, answer.getExtFields().get("maxOffset"), "maxOffset");
  }

  private RemotingCommand pull(
      String group, String topic, long offset, int count, String tags, int flags, long wait)
      throws Exception {
    return wire()
        .call(
            Wire.request(
                RequestCode.PULL_MESSAGE, header(group, topic, offset, count, tags, flags, wait)));
  }

  private static PullMessageRequestHeader header(
      String group, String topic, long offset, int count, String tags, int flags, long wait) {
    PullMessageRequestHeader header = new PullMessageRequestHeader();
    header.setConsumerGroup(group);
    header.setTopic(topic);
    header.setQueueId(0);
    header.setQueueOffset(offset);
    header.setMaxMsgNums(count);
    header.setSysFlag(flags | PullSysFlag.buildSysFlag(false, false, true, false));
    header.setCommitOffset(0L);
    header.setSuspendTimeoutMillis(wait);
    header.setSubscription(tags);
    header.setSubVersion(1L);
    header.setExpressionType("TAG");
    return header;
  }

  private RemotingCommand commit(String group, String topic, long offset) throws Exception {
    UpdateConsumerOffsetRequestHeader header = new UpdateConsumerOffsetRequestHeader();
    header.setConsumerGroup(group);
    header.setTopic(topic);
    header.setQueueId(0);
    header.setCommitOffset(offset);
    return call(RequestCode.UPDATE_CONSUMER_OFFSET, header);
  }

  private RemotingCommand query(String group, String topic, Boolean zero) throws Exception {
    QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
    header.setConsumerGroup(group);
    header.setTopic(topic);
    header.setQueueId(0);
    header.setSetZeroIfNotFound(zero);
    return call(RequestCode.QUERY_CONSUMER_OFFSET, header);
  }

  private RemotingCommand call(int code, CommandCustomHeader header) throws Exception {
    return wire().call(Wire.request(code, header));
  }

  private String max(String topic) throws Exception {
    GetMaxOffsetRequestHeader header = new GetMaxOffsetRequestHeader();
    header.setTopic(topic);
    header.setQueueId(0);
    return call(RequestCode.GET_MAX_OFFSET, header).getExtFields().get("offset");
  }

  private String min(String topic) throws Exception {
    GetMinOffsetRequestHeader header = new GetMinOffsetRequestHeader();
    header.setTopic(topic);
    header.setQueueId(0);
    return call(RequestCode.GET_MIN_OFFSET, header).getExtFields().get("offset");
  }

  private String earliest(String topic) throws Exception {
    GetEarliestMsgStoretimeRequestHeader header = new GetEarliestMsgStoretimeRequestHeader();
    header.setTopic(topic);
    header.setQueueId(0);
    return call(RequestCode.GET_EARLIEST_MSG_STORETIME, header).getExtFields().get("timestamp");
  }

  private long search(String topic, long time, BoundaryType boundary) throws Exception {
    SearchOffsetRequestHeader header = new SearchOffsetRequestHeader();
    header.setTopic(topic);
    header.setQueueId(0);
    header.setTimestamp(time);
    header.setBoundaryType(boundary);
    return Long.parseLong(
        call(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, header).getExtFields().get("offset"));
  }
}
