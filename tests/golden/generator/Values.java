package oncemq.golden;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.compression.CompressorFactory;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageBatch;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExtBrokerInner;
import org.apache.rocketmq.common.sysflag.MessageSysFlag;
import org.apache.rocketmq.common.topic.TopicValidator;
import org.apache.rocketmq.store.index.IndexFile;

/** Small functions: what goes in, what comes out. */
final class Values {
  static final String ASTRAL = "\ud83d\ude80";

  static void record(Path folder) throws Exception {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("tagHash", tagHash());
    values.put("indexHash", indexHash());
    values.put("crc32", crc32());
    values.put("properties", properties());
    values.put("messageId", messageId());
    values.put("sysFlag", sysFlag());
    values.put("compressed", compressed());
    values.put("topicName", topicNames());
    Fixture.writeJson(folder.resolve("values.json"), values);
    batches(folder);
  }

  private static List<Map<String, Object>> rows() {
    return new ArrayList<>();
  }

  private static Map<String, Object> row(Object... keyValues) {
    Map<String, Object> row = new LinkedHashMap<>();
    for (int i = 0; i < keyValues.length; i += 2) {
      row.put((String) keyValues[i], keyValues[i + 1]);
    }
    return row;
  }

  private static List<Map<String, Object>> tagHash() {
    List<Map<String, Object>> rows = rows();
    for (String tag : new String[] {"", "a", "TagA", "Aa", "BB", "标签", ASTRAL, "polygenelubricants", "x".repeat(300)}) {
      rows.add(row("tag", tag, "code", MessageExtBrokerInner.tagsString2tagsCode(tag)));
    }
    return rows;
  }

  private static List<Map<String, Object>> indexHash() throws Exception {
    java.nio.file.Path file = java.nio.file.Files.createTempDirectory("index").resolve("0");
    IndexFile index = new IndexFile(file.toString(), 10, 10, 0, 0);
    List<Map<String, Object>> rows = rows();
    // The fourth key hashes to Integer.MIN_VALUE in Java.
    for (String key : new String[] {"T#k", "T#订单-1", "T#" + ASTRAL, "polygenelubricants", "%RETRY%g#0A0B"}) {
      rows.add(row("key", key, "hash", index.indexKeyHashMethod(key)));
    }
    index.destroy(0);
    return rows;
  }

  private static List<Map<String, Object>> crc32() {
    List<Map<String, Object>> rows = rows();
    for (byte[] body : new byte[][] {{}, {0}, "a".getBytes(), "hello RocketMQ".getBytes(), new byte[1000]}) {
      rows.add(row("bytes", Fixture.hex(body), "crc", UtilAll.crc32(body)));
    }
    return rows;
  }

  private static List<Map<String, Object>> properties() {
    List<Map<String, Object>> rows = rows();
    List<Map<String, String>> cases = new ArrayList<>();
    cases.add(Map.of());
    cases.add(Map.of("KEYS", "a b", "TAGS", "t"));
    cases.add(Map.of("空", "值 with space"));
    cases.add(Map.of("empty", ""));
    cases.add(Map.of("k", "line\nbreak\ttab\u0000nul"));
    for (Map<String, String> map : cases) {
      String text = MessageDecoder.messageProperties2String(map);
      rows.add(row("map", map, "encoded", Fixture.hex(text.getBytes(StandardCharsets.UTF_8))));
    }
    // Decoding of what no Java client writes: a missing last separator, a pair without a value.
    for (String text : new String[] {"a\u0001b", "a\u0001b\u0002\u0002", "nokey\u0002a\u0001b\u0002", "\u0001v\u0002", "a\u00011\u0002a\u00012\u0002"}) {
      rows.add(
          row(
              "map",
              MessageDecoder.string2messageProperties(text),
              "decodedFrom",
              Fixture.hex(text.getBytes(StandardCharsets.UTF_8))));
    }
    return rows;
  }

  private static List<Map<String, Object>> messageId() throws Exception {
    List<Map<String, Object>> rows = rows();
    for (String host : new String[] {"127.0.0.1", "10.20.30.255", "::1", "2001:db8::ff00:42:8329"}) {
      InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(host), 10911);
      for (long offset : new long[] {0, 4096, 123_456_789_012L}) {
        rows.add(
            row(
                "host", host, "port", 10911, "offset", offset, "id",
                MessageDecoder.createMessageId(address, offset)));
      }
    }
    return rows;
  }

  private static List<Map<String, Object>> sysFlag() {
    List<Map<String, Object>> rows = rows();
    rows.add(row("name", "compressed", "bits", MessageSysFlag.COMPRESSED_FLAG));
    rows.add(row("name", "prepared", "bits", MessageSysFlag.TRANSACTION_PREPARED_TYPE));
    rows.add(row("name", "commit", "bits", MessageSysFlag.TRANSACTION_COMMIT_TYPE));
    rows.add(row("name", "rollback", "bits", MessageSysFlag.TRANSACTION_ROLLBACK_TYPE));
    rows.add(row("name", "bornHostV6", "bits", MessageSysFlag.BORNHOST_V6_FLAG));
    rows.add(row("name", "storeHostV6", "bits", MessageSysFlag.STOREHOSTADDRESS_V6_FLAG));
    rows.add(row("name", "needUnwrap", "bits", MessageSysFlag.NEED_UNWRAP_FLAG));
    rows.add(row("name", "innerBatch", "bits", MessageSysFlag.INNER_BATCH_FLAG));
    for (CompressionType type : CompressionType.values()) {
      rows.add(row("name", "compression " + type, "bits", type.getCompressionFlag()));
    }
    return rows;
  }

  private static List<Map<String, Object>> compressed() throws Exception {
    List<Map<String, Object>> rows = rows();
    byte[] body = "compress me ".repeat(50).getBytes();
    for (CompressionType type : CompressionType.values()) {
      byte[] packed = CompressorFactory.getCompressor(type).compress(body, 5);
      rows.add(row("type", type.name(), "body", Fixture.hex(body), "packed", Fixture.hex(packed)));
    }
    return rows;
  }

  private static List<Map<String, Object>> topicNames() {
    List<Map<String, Object>> rows = rows();
    String[] names = {
      "", " ", "T", "a-b_c|d%e", "%RETRY%g", "%DLQ%g", "with space", "with.dot", "ünicode", "a/b", "a\\b", "..",
      "x".repeat(127), "x".repeat(128), "%RETRY%" + "x".repeat(248), "%RETRY%" + "x".repeat(249),
      "TBW102", "SCHEDULE_TOPIC_XXXX", "rmq_sys_x", "T\n", "T\u0000"
    };
    for (String name : names) {
      TopicValidator.ValidateTopicResult result = TopicValidator.validateTopic(name);
      rows.add(row("topic", name, "legal", result.isValid(), "remark", result.getRemark(), "system", TopicValidator.isSystemTopic(name)));
    }
    return rows;
  }

  /** Bodies of request 320. */
  private static void batches(Path folder) throws Exception {
    Fixture fixture = new Fixture();
    List<List<Message>> cases = new ArrayList<>();
    List<Message> plain = new ArrayList<>();
    List<Message> rich = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      plain.add(new Message("T", ("body " + i).getBytes()));
      Message message = new Message("T", "tag" + i, "key" + i, i + 7, new byte[i * 10], true);
      message.putUserProperty("n", String.valueOf(i));
      MessageDecoder.messageProperties2String(message.getProperties());
      message.getProperties().put(MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX, "7F000001000000000000000000000" + "00" + i);
      rich.add(message);
    }
    cases.add(plain);
    cases.add(rich);
    cases.add(List.of(new Message("T", "single".getBytes())));
    for (List<Message> messages : cases) {
      Map<String, Object> entry =
          fixture.add("batch of " + messages.size(), MessageBatch.generateFromList(messages).encode());
      List<Map<String, Object>> rows = rows();
      for (Message message : messages) {
        rows.add(
            row(
                "flag", message.getFlag(),
                "body", Fixture.hex(message.getBody()),
                "properties", message.getProperties()));
      }
      entry.put("messages", rows);
    }
    fixture.write(folder, "batches");
  }

  private Values() {}
}
