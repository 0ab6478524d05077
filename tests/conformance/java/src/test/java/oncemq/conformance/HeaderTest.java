package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.SerializeType;
import org.apache.rocketmq.remoting.protocol.header.GetMaxOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.SendMessageRequestHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How bytes reach the broker: header types, ports, proxies, order of answers. */
class HeaderTest extends ClientTest {
  @ParameterizedTest
  @EnumSource(SerializeType.class)
  void clientsWorkWithEitherHeader(SerializeType type) throws Exception {
    String topic = topic("header", 2);
    List<String> flags = List.of("-Drocketmq.serialize.type=" + type);
    try (Child consumer =
            Child.start(flags, "accept", server().namesrv(), topic, fresh("group"));
        Child producer =
            Child.start(flags, "send", server().namesrv(), topic, fresh("producers"), "10")) {
      producer.await("SENT", 10, PATIENCE_MS);
      consumer.await("GOT", 10, PATIENCE_MS);
    }
  }

  @ParameterizedTest
  @EnumSource(SerializeType.class)
  @OnceMqOnly("there every answer has the header type of the server's own configuration")
  void answersHaveTheHeaderOfTheirRequest(SerializeType type) throws Exception {
    String topic = topic("in-kind", 1);
    RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, SendTest.header(topic));
    request.setBody("body".getBytes(StandardCharsets.UTF_8));
    RemotingCommand answer = wire().call(request, type);
    assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
    assertEquals(type, answer.getSerializeTypeCurrentRPC());
    RemotingCommand refused = wire().call(Wire.request(9999, null), type);
    assertEquals(type, refused.getSerializeTypeCurrentRPC());
    assertEquals(3, refused.getCode());
  }

  @Test
  void vipChannelWorks() throws Exception {
    String topic = topic("vip", 1);
    DefaultMQProducer producer = newProducer();
    producer.setVipChannelEnabled(true);
    producer.setSendMessageWithVIPChannel(true);
    started(producer);
    assertEquals(SendStatus.SEND_OK, producer.send(message(topic, "body")).getSendStatus());
    int port = server().brokerPort - 2;
    try (Wire wire = new Wire("127.0.0.1:" + port)) {
      GetMaxOffsetRequestHeader header = new GetMaxOffsetRequestHeader();
      header.setTopic(topic);
      header.setQueueId(0);
      assertEquals(
          "1", wire.call(Wire.request(RequestCode.GET_MAX_OFFSET, header)).getExtFields().get("offset"));
    }
  }

  @Test
  void proxyHeaderVersionOneIsUnderstood() throws Exception {
    afterProxyHeader("PROXY TCP4 192.0.2.1 192.0.2.2 1111 10911\r\n".getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void proxyHeaderVersionTwoIsUnderstood() throws Exception {
    ByteBuffer header = ByteBuffer.allocate(28);
    header.put(new byte[] {13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10});
    header.put((byte) 0x21).put((byte) 0x11).putShort((short) 12);
    header.put(new byte[] {(byte) 192, 0, 2, 1, (byte) 192, 0, 2, 2});
    header.putShort((short) 1111).putShort((short) 10911);
    afterProxyHeader(header.array());
  }

  private void afterProxyHeader(byte[] prefix) throws Exception {
    String topic = topic("proxy", 1);
    Wire wire = wire();
    wire.write(prefix);
    RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, SendTest.header(topic));
    request.setBody("body".getBytes(StandardCharsets.UTF_8));
    RemotingCommand answer = wire.call(request);
    assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
  }

  @Test
  void manyRequestsMayBeUnderWayAtOnce() throws Exception {
    String topic = topic("pipeline", 1);
    Wire wire = wire();
    SendMessageRequestHeader header = SendTest.header(topic);
    int first = 0;
    for (int i = 0; i < 200; i++) {
      RemotingCommand request = Wire.request(RequestCode.SEND_MESSAGE, header);
      request.setBody(("body " + i).getBytes(StandardCharsets.UTF_8));
      first = i == 0 ? request.getOpaque() : first;
      wire.send(request);
    }
    boolean[] seen = new boolean[200];
    for (int i = 0; i < 200; i++) {
      RemotingCommand answer = wire.read();
      assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
      assertTrue(answer.isResponseType());
      int index = answer.getOpaque() - first;
      assertTrue(!seen[index], "answered twice");
      seen[index] = true;
    }
  }

  @Test
  void oneWayRequestsAreNotAnswered() throws Exception {
    String topic = topic("silent", 1);
    Wire wire = wire();
    RemotingCommand oneway = Wire.request(RequestCode.SEND_MESSAGE, SendTest.header(topic));
    oneway.setBody("body".getBytes(StandardCharsets.UTF_8));
    oneway.markOnewayRPC();
    wire.send(oneway);
    RemotingCommand unknown = Wire.request(9999, null);
    unknown.markOnewayRPC();
    wire.send(unknown);
    RemotingCommand last = Wire.request(9998, null);
    wire.send(last);
    assertEquals(last.getOpaque(), wire.read().getOpaque());
    await("stored", 5_000, () -> admin().maxOffset(queue(topic, 0)) == 1);
  }
}
