package oncemq.golden;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.DataVersion;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.admin.TopicOffset;
import org.apache.rocketmq.remoting.protocol.admin.TopicStatsTable;
import org.apache.rocketmq.remoting.protocol.body.*;
import org.apache.rocketmq.remoting.protocol.heartbeat.*;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;
import org.apache.rocketmq.remoting.protocol.route.QueueData;
import org.apache.rocketmq.remoting.protocol.route.TopicRouteData;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.remoting.protocol.filter.FilterAPI;

/** Request and answer bodies as Apache's peers write them: each a file, quirks included. */
final class Bodies {
  private final Path folder;

  static void record(Path folder) throws Exception {
    Files.createDirectories(folder);
    Bodies bodies = new Bodies(folder);
    bodies.clients();
    bodies.routes();
    bodies.admin();
  }

  private void put(String name, byte[] bytes) throws Exception {
    Files.write(folder.resolve(name), bytes);
  }

  private void clients() throws Exception {
    HeartbeatData heartbeat = new HeartbeatData();
    heartbeat.setClientID("127.0.0.1@4711#99");
    ProducerData producer = new ProducerData();
    producer.setGroupName("pg");
    heartbeat.getProducerDataSet().add(producer);
    ConsumerData consumer = new ConsumerData();
    consumer.setGroupName("g");
    consumer.setConsumeType(ConsumeType.CONSUME_PASSIVELY);
    consumer.setMessageModel(MessageModel.CLUSTERING);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
    SubscriptionData tags = FilterAPI.buildSubscriptionData("T", "a || b");
    tags.setSubVersion(1_700_000_000_000L);
    SubscriptionData retry = FilterAPI.buildSubscriptionData("%RETRY%g", "*");
    retry.setSubVersion(1_700_000_000_001L);
    consumer.getSubscriptionDataSet().add(tags);
    consumer.getSubscriptionDataSet().add(retry);
    heartbeat.getConsumerDataSet().add(consumer);
    put("heartbeat.json", heartbeat.encode());

    LockBatchRequestBody lock = new LockBatchRequestBody();
    lock.setConsumerGroup("g");
    lock.setClientId("127.0.0.1@4711#99");
    lock.getMqSet().add(new MessageQueue("T", "broker-a", 0));
    lock.getMqSet().add(new MessageQueue("T", "broker-a", 1));
    put("lock_batch_request.json", lock.encode());
    LockBatchResponseBody locked = new LockBatchResponseBody();
    locked.setLockOKMQSet(lock.getMqSet());
    put("lock_batch_response.json", locked.encode());

    ConsumerConnection connection = new ConsumerConnection();
    Connection one = new Connection();
    one.setClientId("127.0.0.1@4711#99");
    one.setClientAddr("127.0.0.1:50000");
    one.setLanguage(LanguageCode.JAVA);
    one.setVersion(479);
    connection.getConnectionSet().add(one);
    connection.getSubscriptionTable().put("T", tags);
    connection.setConsumeType(ConsumeType.CONSUME_PASSIVELY);
    connection.setMessageModel(MessageModel.CLUSTERING);
    connection.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    put("consumer_connection.json", connection.encode());
    ProducerConnection producers = new ProducerConnection();
    producers.getConnectionSet().add(one);
    put("producer_connection.json", producers.encode());

    ConsumerRunningInfo running = new ConsumerRunningInfo();
    Properties properties = new Properties();
    properties.put("consumeThreadMin", "20");
    running.setProperties(properties);
    running.setSubscriptionSet(new TreeSet<>(Set.of(tags)));
    ProcessQueueInfo info = new ProcessQueueInfo();
    info.setCommitOffset(5);
    running.getMqTable().put(new MessageQueue("T", "broker-a", 0), info);
    ConsumeStatus status = new ConsumeStatus();
    status.setConsumeOKTPS(1.5);
    running.getStatusTable().put("T", status);
    put("consumer_running_info.json", running.encode());
  }

  private void routes() throws Exception {
    TopicRouteData route = new TopicRouteData();
    QueueData queues = new QueueData();
    queues.setBrokerName("broker-a");
    queues.setPerm(6);
    queues.setReadQueueNums(8);
    queues.setWriteQueueNums(4);
    route.setQueueDatas(new ArrayList<>(List.of(queues)));
    HashMap<Long, String> addresses = new HashMap<>();
    addresses.put(0L, "10.0.0.1:10911");
    addresses.put(1L, "10.0.0.2:10911");
    BrokerData broker = new BrokerData("DefaultCluster", "broker-a", addresses);
    route.setBrokerDatas(new ArrayList<>(List.of(broker)));
    route.setFilterServerTable(new HashMap<>());
    put("route.json", route.encode());
    put(
        "route_standard.json",
        route.encode(
            com.alibaba.fastjson.serializer.SerializerFeature.BrowserCompatible,
            com.alibaba.fastjson.serializer.SerializerFeature.QuoteFieldNames,
            com.alibaba.fastjson.serializer.SerializerFeature.SkipTransientField,
            com.alibaba.fastjson.serializer.SerializerFeature.MapSortField));

    ClusterInfo cluster = new ClusterInfo();
    cluster.setBrokerAddrTable(new HashMap<>(Map.of("broker-a", broker)));
    cluster.setClusterAddrTable(new HashMap<>(Map.of("DefaultCluster", new HashSet<>(Set.of("broker-a")))));
    put("cluster_info.json", cluster.encode());

    TopicConfigAndMappingSerializeWrapper wrapper = new TopicConfigAndMappingSerializeWrapper();
    ConcurrentHashMap<String, TopicConfig> table = new ConcurrentHashMap<>();
    TopicConfig plain = new TopicConfig("T", 8, 8, 6);
    TopicConfig rich = new TopicConfig("%RETRY%g", 1, 1, 6);
    rich.setOrder(true);
    rich.setTopicSysFlag(3);
    rich.getAttributes().put("message.type", "FIFO");
    table.put("T", plain);
    table.put("%RETRY%g", rich);
    wrapper.setTopicConfigTable(table);
    DataVersion version = new DataVersion();
    version.setTimestamp(1_700_000_000_000L);
    version.setCounter(new java.util.concurrent.atomic.AtomicLong(7));
    wrapper.setDataVersion(version);
    DataVersion mapping = new DataVersion();
    mapping.setTimestamp(1_700_000_000_000L);
    wrapper.setMappingDataVersion(mapping);
    RegisterBrokerBody register = new RegisterBrokerBody();
    register.setTopicConfigSerializeWrapper(wrapper);
    register.setFilterServerList(new ArrayList<>());
    put("register_broker.json", register.encode(false));
    put("register_broker.compressed", register.encode(true));
    put("data_version.json", version.encode());

    KVTable kv = new KVTable();
    kv.getTable().put("k", "v");
    put("kv_table.json", kv.encode());
    TopicList topics = new TopicList();
    topics.setTopicList(new TreeSet<>(Set.of("T", "U")));
    put("topic_list.json", topics.encode());
  }

  private void admin() throws Exception {
    MessageQueue zero = new MessageQueue("T", "broker-a", 0);
    MessageQueue one = new MessageQueue("T", "broker-a", 1);
    ConsumeStats stats = new ConsumeStats();
    OffsetWrapper offset = new OffsetWrapper();
    offset.setBrokerOffset(10);
    offset.setConsumerOffset(4);
    offset.setPullOffset(6);
    offset.setLastTimestamp(1_700_000_000_000L);
    stats.getOffsetTable().put(zero, offset);
    // The same object under a second key: FastJSON writes a reference.
    stats.getOffsetTable().put(one, offset);
    put("consume_stats.json", stats.encode());

    TopicStatsTable table = new TopicStatsTable();
    TopicOffset range = new TopicOffset();
    range.setMinOffset(1);
    range.setMaxOffset(5);
    range.setLastUpdateTimestamp(1_700_000_000_000L);
    table.getOffsetTable().put(zero, range);
    put("topic_stats.json", table.encode());

    ResetOffsetBody reset = new ResetOffsetBody();
    reset.setOffsetTable(new HashMap<>(Map.of(zero, 3L, one, 4L)));
    put("reset_offset.json", reset.encode());

    GetConsumerStatusBody status = new GetConsumerStatusBody();
    status.setConsumerTable(new HashMap<>(Map.of("c1", new HashMap<>(Map.of(zero, 9L)))));
    put("consumer_status.json", status.encode());

    SubscriptionGroupConfig group = new SubscriptionGroupConfig();
    group.setGroupName("g");
    put("subscription_group.json", RemotingSerializable.encode(group));
    TopicConfig config = new TopicConfig("T", 8, 8, 6);
    put("topic_config.json", RemotingSerializable.encode(config));
    GroupList groups = new GroupList();
    groups.setGroupList(new HashSet<>(Set.of("g")));
    put("group_list.json", groups.encode());
  }

  private Bodies(Path folder) {
    this.folder = folder;
  }
}
