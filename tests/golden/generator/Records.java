package oncemq.golden;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import oncemq.conformance.Server;
import org.apache.rocketmq.common.BrokerConfig;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.compression.CompressorFactory;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageBatch;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExtBatch;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageExtBrokerInner;
import org.apache.rocketmq.common.sysflag.MessageSysFlag;
import org.apache.rocketmq.store.DefaultMessageStore;
import org.apache.rocketmq.store.PutMessageResult;
import org.apache.rocketmq.store.QueryMessageResult;
import org.apache.rocketmq.store.SelectMappedBufferResult;
import org.apache.rocketmq.store.config.FlushDiskType;
import org.apache.rocketmq.store.config.MessageStoreConfig;
import org.apache.rocketmq.store.queue.ConsumeQueueInterface;
import org.apache.rocketmq.store.queue.CqUnit;
import org.apache.rocketmq.store.stats.BrokerStatsManager;

/** A store folder with every kind of record, and what Apache's store reads from it. */
final class Records {
  static final InetSocketAddress V4 = new InetSocketAddress("10.1.2.3", 45678);
  static final InetSocketAddress V6 = new InetSocketAddress("2001:db8::1", 45679);
  static final InetSocketAddress STORE_V4 = new InetSocketAddress("127.0.0.1", 10911);
  static final InetSocketAddress STORE_V6 = new InetSocketAddress("::1", 10911);
  static final long BORN = 1_700_000_000_123L;

  static void record(Path folder) throws Exception {
    Server.deleteTree(folder);
    plain(folder.resolve("plain"), false);
    plain(folder.resolve("property-crc"), true);
  }

  static MessageStoreConfig config(Path folder) {
    MessageStoreConfig config = new MessageStoreConfig();
    config.setStorePathRootDir(folder.toString());
    config.setStorePathCommitLog(folder.resolve("commitlog").toString());
    config.setMappedFileSizeCommitLog(16 * 1024);
    config.setMappedFileSizeConsumeQueue(20 * 20);
    config.setMaxHashSlotNum(32);
    config.setMaxIndexNum(40);
    config.setFlushDiskType(FlushDiskType.SYNC_FLUSH);
    config.setTimerWheelEnable(false);
    config.setHaListenPort(0);
    config.setDiskMaxUsedSpaceRatio(95);
    return config;
  }

  static DefaultMessageStore open(MessageStoreConfig config) throws Exception {
    BrokerConfig broker = new BrokerConfig();
    ConcurrentHashMap<String, TopicConfig> topics = new ConcurrentHashMap<>();
    DefaultMessageStore store =
        new DefaultMessageStore(
            config, new BrokerStatsManager("golden", false), (a, b, c, d, e, f, g) -> {}, broker, topics);
    if (!store.load()) {
      throw new IllegalStateException("store does not load");
    }
    store.start();
    return store;
  }

  private static void plain(Path folder, boolean propertyCrc) throws Exception {
    MessageStoreConfig config = config(folder);
    config.setEnabledAppendPropCRC(propertyCrc);
    DefaultMessageStore store = open(config);
    for (MessageExtBrokerInner message : messages(propertyCrc)) {
      check(store.putMessage(message));
    }
    check(store.putMessages(batch()));
    while (store.dispatchBehindBytes() > 0) {
      Thread.sleep(10);
    }
    Map<String, Object> description = describe(store);
    store.shutdown();
    Fixture.writeJson(folder.resolveSibling(folder.getFileName() + ".json"), description);
  }

  private static void check(PutMessageResult result) {
    if (!result.isOk()) {
      throw new IllegalStateException("put: " + result);
    }
  }

  private static MessageExtBrokerInner message(String topic, int queue, byte[] body) {
    MessageExtBrokerInner message = new MessageExtBrokerInner();
    message.setTopic(topic);
    message.setQueueId(queue);
    message.setBody(body);
    message.setBornTimestamp(BORN);
    message.setBornHost(V4);
    message.setStoreHost(STORE_V4);
    return message;
  }

  private static MessageExtBrokerInner sealed(MessageExtBrokerInner message) {
    message.setPropertiesString(MessageDecoder.messageProperties2String(message.getProperties()));
    String tags = message.getTags();
    message.setTagsCode(tags == null ? 0 : MessageExtBrokerInner.tagsString2tagsCode(tags));
    return message;
  }

  private static List<MessageExtBrokerInner> messages(boolean few) throws Exception {
    List<MessageExtBrokerInner> all = new ArrayList<>();
    all.add(sealed(message("plain", 0, "hello".getBytes())));
    MessageExtBrokerInner rich = message("plain", 1, "with everything".getBytes());
    rich.setTags("TagA");
    rich.setKeys("k1 k2");
    rich.setFlag(0x12345678);
    rich.setReconsumeTimes(3);
    MessageAccessor.putProperty(
        rich, MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX, "7F0000010A1B00000000000000000001");
    rich.putUserProperty("unicode", "属性 " + Values.ASTRAL);
    all.add(sealed(rich));
    all.add(v6(sealed(message("ipv6", 0, "born v6".getBytes())), true, false));
    all.add(v6(sealed(message("ipv6", 0, "store v6".getBytes())), false, true));
    all.add(v6(sealed(message("ipv6", 0, "both v6".getBytes())), true, true));
    all.add(sealed(message("%RETRY%" + "g".repeat(150), 0, "version 2".getBytes())));
    MessageExtBrokerInner tagged = message("plain", 1, "negative tag hash".getBytes());
    tagged.setTags("polygenelubricants");
    all.add(sealed(tagged));
    for (CompressionType type : CompressionType.values()) {
      byte[] body = ("packed " + type + " ").repeat(40).getBytes();
      MessageExtBrokerInner packed =
          message("packed", 0, CompressorFactory.getCompressor(type).compress(body, 5));
      packed.setSysFlag(MessageSysFlag.COMPRESSED_FLAG | type.getCompressionFlag());
      all.add(sealed(packed));
    }
    MessageExtBrokerInner prepared = message("half", 0, "prepared".getBytes());
    prepared.setSysFlag(MessageSysFlag.TRANSACTION_PREPARED_TYPE);
    all.add(sealed(prepared));
    MessageExtBrokerInner rollback = message("half", 0, "rolled back".getBytes());
    rollback.setSysFlag(MessageSysFlag.TRANSACTION_ROLLBACK_TYPE);
    rollback.setPreparedTransactionOffset(77);
    all.add(sealed(rollback));
    MessageExtBrokerInner commit = message("half", 0, "committed".getBytes());
    commit.setSysFlag(MessageSysFlag.TRANSACTION_COMMIT_TYPE);
    commit.setPreparedTransactionOffset(123_456_789L);
    all.add(sealed(commit));
    if (few) {
      return all;
    }
    // Enough for several log, queue and index files, and records that do not fit the file's rest.
    for (int i = 0; i < 60; i++) {
      MessageExtBrokerInner many = message("many", i % 2, ("m" + i + " ").repeat(90 + i).getBytes());
      many.setKeys("order-" + i + " all");
      many.setTags("t" + i % 3);
      all.add(sealed(many));
    }
    return all;
  }

  private static MessageExtBrokerInner v6(MessageExtBrokerInner message, boolean born, boolean store) {
    if (born) {
      message.setBornHost(V6);
      message.setBornHostV6Flag();
    }
    if (store) {
      message.setStoreHost(STORE_V6);
      message.setStoreHostAddressV6Flag();
    }
    return message;
  }

  private static MessageExtBatch batch() throws Exception {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      messages.add(new Message("batch", "b" + i, "bk" + i, ("in batch " + i).getBytes()));
    }
    MessageExtBatch batch = new MessageExtBatch();
    batch.setTopic("batch");
    batch.setQueueId(0);
    batch.setBody(MessageBatch.generateFromList(messages).encode());
    batch.setBornTimestamp(BORN);
    batch.setBornHost(V4);
    batch.setStoreHost(STORE_V4);
    return batch;
  }

  /** Everything a reader can find in the folder, as this store finds it. */
  static Map<String, Object> describe(DefaultMessageStore store) throws Exception {
    Map<String, Object> out = new LinkedHashMap<>();
    MessageStoreConfig config = store.getMessageStoreConfig();
    out.put("mappedFileSizeCommitLog", config.getMappedFileSizeCommitLog());
    out.put("mappedFileSizeConsumeQueue", config.getMappedFileSizeConsumeQueue());
    out.put("maxHashSlotNum", config.getMaxHashSlotNum());
    out.put("maxIndexNum", config.getMaxIndexNum());
    out.put("minOffset", store.getMinPhyOffset());
    out.put("maxOffset", store.getMaxPhyOffset());
    out.put("records", records(store));
    List<Object> queues = new ArrayList<>();
    for (String topic : new TreeMap<>(store.getConsumeQueueTable()).keySet()) {
      Map<Integer, ConsumeQueueInterface> table = store.getConsumeQueueTable().get(topic);
      for (Map.Entry<Integer, ConsumeQueueInterface> entry : new TreeMap<>(table).entrySet()) {
        queues.add(queue(topic, entry.getKey(), entry.getValue()));
      }
    }
    out.put("queues", queues);
    List<Object> lookups = new ArrayList<>();
    for (String[] key :
        new String[][] {
          {"many", "all"}, {"many", "order-3"}, {"many", "order-59"}, {"plain", "k2"}, {"batch", "bk2"},
          {"plain", "7F0000010A1B00000000000000000001"}, {"plain", "nothing"}
        }) {
      QueryMessageResult result = store.queryMessage(key[0], key[1], 64, 0, Long.MAX_VALUE);
      List<Long> offsets = new ArrayList<>();
      for (SelectMappedBufferResult one : result.getMessageMapedList()) {
        offsets.add(one.getByteBuffer().getLong(MessageDecoder.PHY_POS_POSITION));
      }
      result.release();
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("topic", key[0]);
      row.put("key", key[1]);
      row.put("max", 64);
      row.put("physicalOffsets", offsets);
      lookups.add(row);
    }
    out.put("lookups", lookups);
    return out;
  }

  private static List<Object> records(DefaultMessageStore store) throws Exception {
    List<Object> rows = new ArrayList<>();
    long offset = store.getMinPhyOffset();
    int fileSize = store.getMessageStoreConfig().getMappedFileSizeCommitLog();
    while (offset < store.getMaxPhyOffset()) {
      SelectMappedBufferResult data = store.getCommitLog().getData(offset);
      if (data == null) {
        break;
      }
      ByteBuffer buffer = data.getByteBuffer();
      int size = buffer.getInt(0);
      int magic = buffer.getInt(4);
      if (magic == MessageDecoder.BLANK_MAGIC_CODE) {
        Map<String, Object> blank = new LinkedHashMap<>();
        blank.put("physicalOffset", offset);
        blank.put("blank", size);
        rows.add(blank);
        offset += fileSize - offset % fileSize;
        data.release();
        continue;
      }
      byte[] bytes = new byte[size];
      buffer.get(bytes);
      rows.add(row(bytes, offset));
      data.release();
      offset += size;
    }
    return rows;
  }

  static Map<String, Object> row(byte[] bytes, long offset) throws Exception {
    MessageExt message = MessageDecoder.decode(ByteBuffer.wrap(bytes), true, false, false);
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("physicalOffset", offset);
    row.put("totalSize", bytes.length);
    row.put("magic", ByteBuffer.wrap(bytes).getInt(4) & 0xffffffffL);
    row.put("bodyCrc", message.getBodyCRC());
    row.put("queueId", message.getQueueId());
    row.put("flag", message.getFlag());
    row.put("queueOffset", message.getQueueOffset());
    row.put("sysFlag", message.getSysFlag());
    row.put("bornTimestamp", message.getBornTimestamp());
    row.put("bornHost", host(message.getBornHost()));
    row.put("storeTimestamp", message.getStoreTimestamp());
    row.put("storeHost", host(message.getStoreHost()));
    row.put("reconsumeTimes", message.getReconsumeTimes());
    row.put("preparedTransactionOffset", message.getPreparedTransactionOffset());
    row.put("body", Fixture.hex(message.getBody()));
    row.put("topic", message.getTopic());
    row.put(
        "properties",
        message.getProperties() == null ? Map.of() : new TreeMap<>(message.getProperties()));
    row.put("offsetMsgId", MessageDecoder.createMessageId(message.getStoreHost(), offset));
    return row;
  }

  private static String host(java.net.SocketAddress address) {
    InetSocketAddress inet = (InetSocketAddress) address;
    String ip = inet.getAddress().getHostAddress();
    return (ip.contains(":") ? "[" + ip + "]" : ip) + ":" + inet.getPort();
  }

  private static Map<String, Object> queue(String topic, int id, ConsumeQueueInterface queue)
      throws Exception {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("topic", topic);
    row.put("queueId", id);
    row.put("min", queue.getMinOffsetInQueue());
    row.put("max", queue.getMaxOffsetInQueue());
    List<Object> entries = new ArrayList<>();
    for (long at = queue.getMinOffsetInQueue(); at < queue.getMaxOffsetInQueue(); at++) {
      CqUnit unit = queue.get(at);
      entries.add(List.of(unit.getPos(), unit.getSize(), unit.getTagsCode()));
    }
    row.put("entries", entries);
    return row;
  }

  private Records() {}
}
