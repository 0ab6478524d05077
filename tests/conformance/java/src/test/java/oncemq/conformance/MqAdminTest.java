package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** mqadmin's everyday commands, and the values in what they print. */
@Execution(ExecutionMode.CONCURRENT)
class MqAdminTest extends ClientTest {
  @Test
  void updateTopic() throws Exception {
    String topic = fresh("mq-update");
    String out = mqadmin("updateTopic -b " + server().broker() + " -t " + topic + " -r 3 -w 2 -p 6");
    assertTrue(out.contains("create topic to " + server().broker() + " success."), out);
    TopicConfig config = admin().examineTopicConfig(server().broker(), topic);
    assertEquals(3, config.getReadQueueNums());
    assertEquals(2, config.getWriteQueueNums());
    mqadmin("updateTopic -c " + Server.CLUSTER + " -t " + topic + " -r 5 -w 5");
    assertEquals(5, admin().examineTopicConfig(server().broker(), topic).getReadQueueNums());
    await(
        "route", PATIENCE_MS, () -> mqadmin("topicRoute -t " + topic).contains("\"writeQueueNums\":5"));
    assertTrue(mqadmin("topicRoute -t " + topic).contains(server().broker()));
    String refused = mqadmin("updateTopic -b " + server().broker() + " -t SELF_TEST_TOPIC");
    assertTrue(refused.contains("CODE: 29"), refused);
  }

  @Test
  void updateTopicWithAttributes() throws Exception {
    String topic = fresh("mq-attributes");
    String out =
        mqadmin("updateTopic -b " + server().broker() + " -t " + topic + " -a +message.type=FIFO");
    assertTrue(out.contains("success"), out);
    assertEquals(
        "FIFO",
        admin().examineTopicConfig(server().broker(), topic).getAttributes().get("message.type"));
  }

  @Test
  void updateTopicPerm() throws Exception {
    String topic = topic("mq-perm", 1);
    String out = mqadmin("updateTopicPerm -b " + server().broker() + " -t " + topic + " -p 4");
    assertTrue(out.contains("update topic perm from 6 to 4 in " + server().broker() + " success."), out);
    assertEquals(4, admin().examineTopicConfig(server().broker(), topic).getPerm());
  }

  @Test
  void deleteTopic() throws Exception {
    String topic = topic("mq-delete", 1);
    String out = mqadmin("deleteTopic -c " + Server.CLUSTER + " -t " + topic);
    assertTrue(out.contains("delete topic [" + topic + "] from cluster [DefaultCluster] success."), out);
    assertFalse(mqadmin("topicList").lines().toList().contains(topic));
  }

  @Test
  void topicList() throws Exception {
    String topic = topic("mq-list", 1);
    assertTrue(mqadmin("topicList").lines().toList().contains(topic));
    String withClusters = mqadmin("topicList -c");
    assertTrue(row(withClusters, topic).contains(Server.CLUSTER), withClusters);
    assertTrue(mqadmin("topicClusterList -t " + topic).contains(Server.CLUSTER));
  }

  @Test
  void topicStatus() throws Exception {
    String topic = topic("mq-status", 2);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 3; i++) {
      producer.send(message(topic, "body"), queue(topic, 1));
    }
    String out = mqadmin("topicStatus -t " + topic);
    List<String> words = words(out.lines().filter(l -> words(l).size() > 3 && words(l).get(1).equals("1")).findFirst().orElseThrow());
    assertEquals(Server.BROKER, words.get(0));
    assertEquals("0", words.get(2));
    assertEquals("3", words.get(3));
  }

  @Test
  void groups() throws Exception {
    String group = fresh("mq-group");
    String out = mqadmin("updateSubGroup -b " + server().broker() + " -g " + group + " -r 7 -q 2");
    assertTrue(out.contains("success"), out);
    SubscriptionGroupConfig config =
        admin().examineSubscriptionGroupConfig(server().broker(), group);
    assertEquals(7, config.getRetryMaxTimes());
    assertEquals(2, config.getRetryQueueNums());
    String shown = mqadmin("getConsumerConfig -g " + group);
    assertTrue(Pattern.compile("retryMaxTimes\\s*=\\s*7").matcher(shown).find(), shown);
    out = mqadmin("deleteSubGroup -b " + server().broker() + " -g " + group);
    assertTrue(out.contains("delete subscription group [" + group + "] from broker"), out);
    assertFalse(
        admin()
            .getAllSubscriptionGroup(server().broker(), 10_000)
            .getSubscriptionGroupTable()
            .containsKey(group));
  }

  @Test
  void consumerProgress() throws Exception {
    String topic = topic("mq-progress", 1);
    String group = consumedGroup(topic, 2);
    producer().send(message(topic, "behind"));
    String out = mqadmin("consumerProgress -g " + group);
    List<String> words = words(row(out, topic));
    assertEquals(List.of(topic, Server.BROKER, "0", "3", "2"), words.subList(0, 5));
    assertTrue(out.contains("Diff Total: 1"), out);
    assertTrue(row(mqadmin("consumerProgress"), group).contains("1"));
  }

  @Test
  void connections() throws Exception {
    String topic = topic("mq-connection", 1);
    String group = fresh("mq-group");
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "a||b");
    consumer.registerMessageListener(new Inbox().accepting());
    started(consumer);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "body"));
    await(
        "registered",
        PATIENCE_MS,
        () -> admin().examineConsumerConnectionInfo(group).getConnectionSet().size() == 1
            && admin().examineProducerConnectionInfo(producer.getProducerGroup(), topic).getConnectionSet().size() == 1);
    String out = mqadmin("consumerConnection -g " + group);
    assertTrue(out.contains(consumer.buildMQClientId()), out);
    assertEquals("a||b", words(row(out, topic)).get(1));
    assertTrue(out.contains("ConsumeType: CONSUME_PASSIVELY"), out);
    assertTrue(out.contains("MessageModel: CLUSTERING"), out);
    String producers = mqadmin("producerConnection -g " + producer.getProducerGroup() + " -t " + topic);
    assertTrue(producers.contains("127.0.0.1:"), producers);
    assertTrue(mqadmin("producer -b " + server().broker()).contains(producer.getProducerGroup()));
    String status = mqadmin("consumerStatus -g " + group);
    assertTrue(status.contains(consumer.buildMQClientId()), status);
    String nobody = mqadmin("consumerConnection -g " + fresh("nobody"));
    assertTrue(nobody.contains("CODE: 17") || nobody.contains("CODE: 206"), nobody);
  }

  @Test
  void brokerStatus() {
    String out = mqadmin("brokerStatus -b " + server().broker());
    for (String key : new String[] {"bootTimestamp", "putTps", "getTotalTps", "msgPutTotalTodayNow", "commitLogMaxOffset", "commitLogDiskRatio", "brokerVersionDesc", "runtime", "dispatchBehindBytes"}) {
      assertTrue(out.lines().anyMatch(l -> words(l).size() > 0 && words(l).get(0).startsWith(key)), key + ": " + out);
    }
  }

  @Test
  void clusterList() {
    String out = mqadmin("clusterList");
    List<String> words = words(row(out, Server.CLUSTER));
    assertEquals(List.of(Server.CLUSTER, Server.BROKER, "0", server().broker()), words.subList(0, 4));
    assertTrue(words.get(4).startsWith("V5_"), out);
    assertTrue(out.trim().endsWith("true"), out);
    String more = mqadmin("clusterList -m");
    assertTrue(more.contains(Server.BROKER), more);
  }

  @Test
  void brokerConfig() {
    String out = mqadmin("getBrokerConfig -b " + server().broker());
    assertTrue(Pattern.compile("brokerName\\s*=\\s*" + Server.BROKER).matcher(out).find(), out);
    assertTrue(Pattern.compile("flushDiskType\\s*=\\s*ASYNC_FLUSH").matcher(out).find(), out);
    out = mqadmin("updateBrokerConfig -b " + server().broker() + " -k shortPollingTimeMills -v 1234");
    assertTrue(out.contains("update broker config success, " + server().broker()), out);
    String after = mqadmin("getBrokerConfig -b " + server().broker());
    assertTrue(Pattern.compile("shortPollingTimeMills\\s*=\\s*1234").matcher(after).find(), after);
    String refused = mqadmin("updateBrokerConfig -b " + server().broker() + " -k brokerConfigPath -v /x");
    assertTrue(refused.contains("CODE: 16"), refused);
  }

  @Test
  void resetOffsetByTime() throws Exception {
    String topic = topic("mq-reset", 1);
    String group = consumedGroup(topic, 3);
    String out = mqadmin("resetOffsetByTime -g " + group + " -t " + topic + " -s 0");
    List<String> words = words(row(out, Server.BROKER));
    assertEquals(List.of(Server.BROKER, "0", "0"), words.subList(0, 3));
    assertEquals(3, consume(group, topic, "*").awaitExactly(3, PATIENCE_MS).size());
    out = mqadmin("resetOffsetByTime -g " + group + " -t " + topic + " -s now");
    assertEquals("3", words(row(out, Server.BROKER)).get(2));
  }

  @Test
  void queryMessages() throws Exception {
    String topic = topic("mq-query", 1);
    SendResult sent = producer().send(message(topic, "tag", "mq-key", "body"));
    String byId = mqadmin("queryMsgById -i " + sent.getOffsetMsgId() + " -t " + topic);
    assertTrue(byId.contains("OffsetID:") && byId.contains(sent.getOffsetMsgId()), byId);
    assertEquals("[tag]", value(byId, "Tags"));
    assertEquals("[mq-key]", value(byId, "Keys"));
    assertEquals("0", value(byId, "Queue Offset"));
    await(
        "key",
        PATIENCE_MS,
        () -> mqadmin("queryMsgByKey -t " + topic + " -k mq-key").contains(sent.getMsgId()));
    String unique = mqadmin("queryMsgByUniqueKey -t " + topic + " -i " + sent.getMsgId());
    assertEquals("[mq-key]", value(unique, "Keys"));
    String byOffset = mqadmin("queryMsgByOffset -t " + topic + " -b " + Server.BROKER + " -i 0 -o 0");
    assertTrue(byOffset.contains(sent.getOffsetMsgId()) || byOffset.contains("OffsetID"), byOffset);
    String cq = mqadmin("queryCq -t " + topic + " -q 0 -i 0 -c 5 -b " + server().broker());
    assertTrue(cq.contains("Queue data"), cq);
  }

  @Test
  void printMessages() throws Exception {
    String topic = topic("mq-print", 1);
    DefaultMQProducer producer = producer();
    producer.send(message(topic, "a", "k", "printed a"));
    producer.send(message(topic, "b", "k", "printed b"));
    String out = mqadmin("printMsg -t " + topic);
    assertTrue(out.contains("printed a") && out.contains("printed b"), out);
    String queue = mqadmin("printMsgByQueue -t " + topic + " -a " + Server.BROKER + " -i 0 -p true -d true");
    assertTrue(queue.contains("printed a") && queue.contains("printed b"), queue);
    String consumed = mqadmin("consumeMessage -t " + topic + " -b " + Server.BROKER + " -i 0 -o 0 -c 2");
    assertTrue(consumed.contains("MSGID"), consumed);
  }

  @Test
  void sendMessage() throws Exception {
    String topic = topic("mq-send", 1);
    String out = mqadmin("sendMessage -t " + topic + " -p hello -k key -c tag -b " + Server.BROKER + " -i 0");
    assertTrue(out.contains("SEND_OK"), out);
    MessageExt got = consume(fresh("group"), topic, "tag").awaitExactly(1, PATIENCE_MS).get(0);
    assertEquals("hello", text(got.getBody()));
    assertEquals("key", got.getKeys());
    String status = mqadmin("checkMsgSendRT -t " + topic + " -a 3 -s 10");
    assertTrue(status.contains("Avg RT"), status);
  }

  @Test
  void statsAll() throws Exception {
    String topic = topic("mq-stats", 1);
    String group = consumedGroup(topic, 2);
    String out = mqadmin("statsAll -t " + topic);
    assertTrue(row(out, topic).contains(group), out);
  }

  @Test
  void kvConfig() {
    String key = fresh("key");
    assertTrue(mqadmin("updateKvConfig -s mq-space -k " + key + " -v value").contains("success"));
    assertTrue(mqadmin("deleteKvConfig -s mq-space -k " + key).contains("success"));
  }

  @Test
  void orderConf() {
    String topic = fresh("mq-order");
    String put = mqadmin("updateOrderConf -m put -t " + topic + " -v " + Server.BROKER + ":4");
    assertTrue(put.contains("success"), put);
    String get = mqadmin("updateOrderConf -m get -t " + topic);
    assertTrue(get.contains(Server.BROKER + ":4"), get);
  }

  @Test
  void brokerConsumeStats() throws Exception {
    String topic = topic("mq-consume-stats", 1);
    String group = consumedGroup(topic, 2);
    producer().send(message(topic, "behind"));
    String out = mqadmin("brokerConsumeStats -b " + server().broker() + " -t 20000 -l 0");
    List<String> words = words(row(out, topic));
    assertTrue(words.contains(group), out);
    assertTrue(out.contains("Diff Total:"), out);
  }

  @Test
  void cloneGroupOffset() throws Exception {
    String topic = topic("mq-clone", 1);
    String from = consumedGroup(topic, 3);
    String to = fresh("mq-group");
    mqadmin("updateSubGroup -b " + server().broker() + " -g " + to);
    String out = mqadmin("cloneGroupOffset -s " + from + " -d " + to + " -t " + topic);
    assertTrue(out.contains("clone group offset success"), out);
    assertEquals(
        3, admin().examineConsumeStats(to, topic).getOffsetTable().get(queue(topic, 0)).getConsumerOffset());
  }

  @Test
  void housekeeping() {
    for (String command : List.of("cleanExpiredCQ", "cleanUnusedTopic", "deleteExpiredCommitLog")) {
      String out = mqadmin(command + " -b " + server().broker());
      assertTrue(out.contains("success"), command + ": " + out);
    }
    assertTrue(mqadmin("getNamesrvConfig").contains("listenPort"));
  }

  // -------------------------------------------------------------------------------------------

  private String mqadmin(String line) {
    return MqAdmin.run(server(), line);
  }


  /** A group that has consumed and committed {@code count} messages and is offline again. */
  private String consumedGroup(String topic, int count) throws Exception {
    String group = fresh("mq-group");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < count; i++) {
      producer.send(message(topic, "body " + i));
    }
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    consumer.start();
    inbox.awaitExactly(count, PATIENCE_MS);
    consumer.shutdown();
    return group;
  }

  private static List<String> words(String line) {
    return Arrays.stream(line.trim().split("\\s+")).filter(word -> !word.isEmpty()).toList();
  }

  private static String row(String out, String word) {
    return out.lines()
        .filter(line -> words(line).contains(word))
        .findFirst()
        .orElseThrow(() -> new AssertionError(word + " is not in: " + out));
  }

  /** What stands behind "Name:" in the output of the message queries. */
  private static String value(String out, String name) {
    return out.lines()
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).trim())
        .findFirst()
        .orElse("");
  }
}
