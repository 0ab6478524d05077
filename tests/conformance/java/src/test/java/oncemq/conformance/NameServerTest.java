package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.parser.Feature;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.remoting.protocol.DataVersion;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.body.ClusterInfo;
import org.apache.rocketmq.remoting.protocol.body.RegisterBrokerBody;
import org.apache.rocketmq.remoting.protocol.body.TopicConfigAndMappingSerializeWrapper;
import org.apache.rocketmq.remoting.protocol.header.namesrv.GetRouteInfoRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.namesrv.QueryDataVersionRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.namesrv.RegisterBrokerRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.namesrv.UnRegisterBrokerRequestHeader;
import org.apache.rocketmq.remoting.protocol.route.QueueData;
import org.apache.rocketmq.remoting.protocol.route.TopicRouteData;
import org.junit.jupiter.api.Test;

class NameServerTest extends ClientTest {
  @Test
  void routeTellsBrokerAndQueues() throws Exception {
    String topic = topic("route", 3);
    TopicRouteData route = admin().examineTopicRouteInfo(topic);
    assertEquals(1, route.getBrokerDatas().size());
    assertEquals(Server.CLUSTER, route.getBrokerDatas().get(0).getCluster());
    assertEquals(Server.BROKER, route.getBrokerDatas().get(0).getBrokerName());
    assertEquals(server().broker(), route.getBrokerDatas().get(0).getBrokerAddrs().get(0L));
    QueueData queues = route.getQueueDatas().get(0);
    assertEquals(Server.BROKER, queues.getBrokerName());
    assertEquals(3, queues.getReadQueueNums());
    assertEquals(3, queues.getWriteQueueNums());
    assertEquals(6, queues.getPerm());
  }

  @Test
  void unknownTopicHasNoRoute() {
    MQClientException none =
        assertThrows(
            MQClientException.class, () -> admin().examineTopicRouteInfo(fresh("unknown")));
    assertEquals(ResponseCode.TOPIC_NOT_EXIST, none.getResponseCode());
  }

  @Test
  void routeIsStrictJsonForYoungClients() throws Exception {
    String topic = topic("route-json", 1);
    GetRouteInfoRequestHeader header = new GetRouteInfoRequestHeader();
    header.setTopic(topic);
    header.setAcceptStandardJsonOnly(true);
    RemotingCommand strict = namesrvWire().call(Wire.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, header));
    assertTrue(text(strict.getBody()).contains("\"0\":\"" + server().broker() + "\""));
    header.setAcceptStandardJsonOnly(null);
    RemotingCommand request = Wire.request(RequestCode.GET_ROUTEINFO_BY_TOPIC, header);
    request.setVersion(317);
    JSONObject old = JSON.parseObject(text(namesrvWire().call(request).getBody()), Feature.AllowArbitraryCommas);
    assertTrue(old.getJSONArray("brokerDatas").toString().contains(server().broker()));
  }

  @Test
  void topicListNamesTheTopic() throws Exception {
    String topic = topic("list", 1);
    assertTrue(admin().fetchAllTopicList().getTopicList().contains(topic));
    assertTrue(admin().fetchTopicsByCLuster(Server.CLUSTER).getTopicList().contains(topic));
    assertEquals(List.of(Server.CLUSTER), List.copyOf(admin().getTopicClusterList(topic)));
  }

  @Test
  void clusterInfoTellsTheBroker() throws Exception {
    ClusterInfo info = admin().examineBrokerClusterInfo();
    assertTrue(info.getClusterAddrTable().get(Server.CLUSTER).contains(Server.BROKER));
    assertEquals(
        server().broker(), info.getBrokerAddrTable().get(Server.BROKER).getBrokerAddrs().get(0L));
  }

  @Test
  void deletedTopicLosesItsRoute() throws Exception {
    String topic = topic("deleted", 1);
    producer().send(message(topic, "body"));
    admin().deleteTopicInBroker(java.util.Set.of(server().broker()), topic);
    admin().deleteTopicInNameServer(java.util.Set.of(server().namesrv()), topic);
    assertThrows(MQClientException.class, () -> admin().examineTopicRouteInfo(topic));
    assertFalse(admin().fetchAllTopicList().getTopicList().contains(topic));
  }

  @Test
  void deletedTopicStartsAgainFromZero() throws Exception {
    String topic = topic("reborn", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "old 0"));
    producer.send(message(topic, "old 1"));
    admin().deleteTopicInBroker(java.util.Set.of(server().broker()), topic);
    admin().deleteTopicInNameServer(java.util.Set.of(server().namesrv()), topic);
    configure(new TopicConfig(topic, 1, 1, 6));
    assertEquals(0, producer().send(message(topic, "new")).getQueueOffset());
    Inbox inbox = consume(fresh("group"), topic, "*");
    assertEquals("new", text(inbox.awaitExactly(1, PATIENCE_MS).get(0).getBody()));
  }

  @Test
  void kvConfigIsKept() throws Exception {
    String namespace = fresh("namespace");
    admin().createAndUpdateKvConfig(namespace, "k", "v");
    admin().createAndUpdateKvConfig(namespace, "k2", "属性 = x");
    assertEquals("v", admin().getKVConfig(namespace, "k"));
    assertEquals("属性 = x", admin().getKVListByNamespace(namespace).getTable().get("k2"));
    admin().createAndUpdateKvConfig(namespace, "k", "w");
    assertEquals("w", admin().getKVConfig(namespace, "k"));
    admin().deleteKvConfig(namespace, "k");
    MQClientException none =
        assertThrows(MQClientException.class, () -> admin().getKVConfig(namespace, "k"));
    assertEquals(ResponseCode.QUERY_NOT_FOUND, none.getResponseCode());
  }

  @Test
  void orderTopicIsKeptAsKeyAndValue() throws Exception {
    String topic = fresh("order");
    admin().createOrUpdateOrderConf(topic, Server.BROKER + ":4", true);
    assertEquals(Server.BROKER + ":4", admin().getKVConfig("ORDER_TOPIC_CONFIG", topic));
    TopicConfig config = new TopicConfig(topic, 4, 4, 6);
    config.setOrder(true);
    configure(config);
    assertTrue(admin().examineTopicConfig(server().broker(), topic).isOrder());
    assertEquals(4, admin().examineTopicRouteInfo(topic).getQueueDatas().get(0).getWriteQueueNums());
  }

  @Test
  void unknownRequestCodeIsAnsweredWithThree() throws Exception {
    assertEquals(3, namesrvWire().call(Wire.request(9999, null)).getCode());
    assertEquals(3, wire().call(Wire.request(9999, null)).getCode());
  }

  @Test
  void foreignBrokerRegistersAndLeaves() throws Exception {
    String topic = fresh("foreign");
    Wire wire = namesrvWire();
    DataVersion version = new DataVersion();
    RemotingCommand answer = wire.call(registration("foreign-a", topic, 5, version, false));
    assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
    TopicRouteData route = admin().examineTopicRouteInfo(topic);
    assertEquals("10.9.8.7:10911", route.getBrokerDatas().get(0).getBrokerAddrs().get(0L));
    assertEquals(5, route.getQueueDatas().get(0).getReadQueueNums());

    QueryDataVersionRequestHeader query = new QueryDataVersionRequestHeader();
    query.setBrokerAddr("10.9.8.7:10911");
    query.setBrokerId(0L);
    query.setBrokerName("foreign-a");
    query.setClusterName("foreign-cluster");
    RemotingCommand same = Wire.request(RequestCode.QUERY_DATA_VERSION, query);
    same.setBody(version.encode());
    assertEquals("false", wire.call(same).getExtFields().get("changed"));
    RemotingCommand changed = Wire.request(RequestCode.QUERY_DATA_VERSION, query);
    DataVersion next = new DataVersion();
    next.assignNewOne(version);
    next.nextVersion();
    changed.setBody(next.encode());
    assertEquals("true", wire.call(changed).getExtFields().get("changed"));

    assertEquals(0, wire.call(registration("foreign-a", topic, 7, next, true)).getCode());
    assertEquals(
        7, admin().examineTopicRouteInfo(topic).getQueueDatas().get(0).getReadQueueNums());

    UnRegisterBrokerRequestHeader leave = new UnRegisterBrokerRequestHeader();
    leave.setBrokerAddr("10.9.8.7:10911");
    leave.setBrokerId(0L);
    leave.setBrokerName("foreign-a");
    leave.setClusterName("foreign-cluster");
    assertEquals(0, wire.call(Wire.request(RequestCode.UNREGISTER_BROKER, leave)).getCode());
    await("route gone", 10_000, () -> !hasRoute(topic));
  }

  @Test
  void brokerWhoseConnectionEndsIsForgotten() throws Exception {
    String topic = fresh("foreign");
    Wire wire = new Wire(server().namesrv());
    wire.call(registration("foreign-b", topic, 2, new DataVersion(), false));
    assertTrue(hasRoute(topic));
    wire.close();
    await("route gone", 10_000, () -> !hasRoute(topic));
  }

  @Test
  void silentBrokerIsForgotten() throws Exception {
    String topic = fresh("foreign");
    RemotingCommand registration = registration("foreign-c", topic, 2, new DataVersion(), false);
    RegisterBrokerRequestHeader header = (RegisterBrokerRequestHeader) registration.readCustomHeader();
    header.setHeartbeatTimeoutMillis(1000L);
    assertEquals(0, namesrvWire().call(registration).getCode());
    await("route gone", 20_000, () -> !hasRoute(topic));
  }

  @Test
  void damagedRegistrationIsRefused() throws Exception {
    RemotingCommand registration =
        registration("foreign-d", fresh("foreign"), 2, new DataVersion(), false);
    ((RegisterBrokerRequestHeader) registration.readCustomHeader()).setBodyCrc32(12345);
    assertEquals(ResponseCode.SYSTEM_ERROR, namesrvWire().call(registration).getCode());
  }

  @Test
  @OnceMqOnly("there a change that shares its data version with another can stay unknown for 30 s")
  void everyOneOfManyChangesReachesTheRouteAtOnce() throws Exception {
    List<String> topics = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      topics.add(fresh("burst"));
    }
    ExecutorService pool = Executors.newFixedThreadPool(8);
    onClose(pool::shutdownNow);
    for (int queues = 1; queues <= 4; queues++) {
      List<Future<?>> changes = new ArrayList<>();
      for (String topic : topics) {
        TopicConfig config = new TopicConfig(topic, queues, queues, queues % 2 == 0 ? 4 : 6);
        changes.add(
            pool.submit(
                () -> {
                  admin().createAndUpdateTopicConfig(server().broker(), config);
                  return null;
                }));
      }
      for (Future<?> change : changes) {
        change.get(20, TimeUnit.SECONDS);
      }
      int expected = queues;
      for (String topic : topics) {
        await(
            topic + " with " + expected,
            2_000,
            () -> {
              QueueData data = admin().examineTopicRouteInfo(topic).getQueueDatas().get(0);
              return data.getWriteQueueNums() == expected
                  && data.getPerm() == (expected % 2 == 0 ? 4 : 6);
            });
      }
    }
  }

  @Test
  @OnceMqOnly("one process with both roles answers on either port")
  void clientsConfiguredWithTheBrokersPortWork() throws Exception {
    String topic = topic("either-port", 1);
    DefaultMQProducer producer = newProducer();
    producer.setNamesrvAddr(server().broker());
    started(producer);
    assertEquals(SendStatus.SEND_OK, producer.send(message(topic, "body")).getSendStatus());
  }

  private boolean hasRoute(String topic) throws Exception {
    try {
      return !admin().examineTopicRouteInfo(topic).getQueueDatas().isEmpty();
    } catch (MQClientException e) {
      return false;
    }
  }

  private static RemotingCommand registration(
      String broker, String topic, int queues, DataVersion version, boolean compressed) {
    TopicConfigAndMappingSerializeWrapper wrapper = new TopicConfigAndMappingSerializeWrapper();
    ConcurrentHashMap<String, TopicConfig> table = new ConcurrentHashMap<>();
    table.put(topic, new TopicConfig(topic, queues, queues, 6));
    table.put(broker, new TopicConfig(broker, 1, 1, 7));
    wrapper.setTopicConfigTable(table);
    wrapper.setDataVersion(version);
    RegisterBrokerBody body = new RegisterBrokerBody();
    body.setTopicConfigSerializeWrapper(wrapper);
    body.setFilterServerList(new ArrayList<>());
    byte[] bytes = body.encode(compressed);
    RegisterBrokerRequestHeader header = new RegisterBrokerRequestHeader();
    header.setBrokerAddr("10.9.8.7:10911");
    header.setBrokerId((long) MixAll.MASTER_ID);
    header.setBrokerName(broker);
    header.setClusterName("foreign-cluster");
    header.setHaServerAddr("10.9.8.7:10912");
    header.setCompressed(compressed);
    header.setBodyCrc32(UtilAll.crc32(bytes));
    RemotingCommand command = Wire.request(RequestCode.REGISTER_BROKER, header);
    command.setBody(bytes);
    return command;
  }
}
