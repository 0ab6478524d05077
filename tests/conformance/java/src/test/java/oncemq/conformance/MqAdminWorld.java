package oncemq.conformance;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** A broker with a fixed set of topics, groups and messages, and what mqadmin printed about it. */
final class MqAdminWorld implements AutoCloseable {
  /** A command spends three seconds on its exit, most of it asleep. */
  private static final int SIDE_BY_SIDE = 6;

  private static final long COMMAND_LIMIT_S = 60;

  private final Server server;
  private final Path folder;
  private final Map<String, String> words = new HashMap<>();
  private final Map<String, String> outputs = new ConcurrentHashMap<>();
  private final List<Runnable> closing = new ArrayList<>();

  private MqAdminWorld(Server server, Path folder) {
    this.server = server;
    this.folder = folder;
  }

  static MqAdminWorld run(boolean apache, List<MqAdminCommands.Case> cases) throws Exception {
    Path folder = Files.createTempDirectory("mqadmin-");
    MqAdminWorld world =
        new MqAdminWorld(Server.startKind(
                apache, null, "flushConsumerOffsetInterval", "500", "enabledAppendPropCRC", "true"), folder);
    try {
      world.fill();
      world.runAll(cases);
    } catch (Exception | Error e) {
      world.close();
      throw e;
    }
    return world;
  }

  String raw(MqAdminCommands.Case one) {
    return outputs.get(one.line());
  }

  /** What was printed, with all that differs from run to run made equal. */
  String shown(MqAdminCommands.Case one) {
    String out = raw(one);
    for (String name : List.of("broker", "namesrv", "clientId", "out")) {
      out = out.replace(words.get(name), "{" + name + "}");
    }
    out = out.replace(folder.toString(), "{folder}");
    List<String> lines = new ArrayList<>();
    for (String line : out.split("\n")) {
      String text =
          line.replaceAll("\\s+", " ")
              .trim()
              .replaceAll("\\d{4}-\\d\\d-\\d\\d[ T#]?\\d\\d:\\d\\d:\\d\\d([.,:#]\\d+)?", "{time}")
              .replaceAll("\\b1[6-9]\\d{11}\\b", "{ms}")
              .replaceAll("[0-9.a-f:]+@\\d+(#\\d+)?", "{client}")
              .replaceAll("127.0.0.1:\\d+", "{address}")
              .replaceAll("\\b([0-9A-F]{32}|[0-9A-F]{52,56})\\b", "{id}")
              .replaceAll("\\b\\d+\\.\\d+\\b", "{n}")
              .replaceAll("\\b\\d+ms\\b", "{n}ms")
              .replaceAll("(rt=|true |spentTimeMills=|__CRC32#=|bodyCRC=)\\d+", "$1{n}")
              .replaceAll("(commitLogOffset=|CommitLog Offset: |physicOffset=)\\d+", "$1{n}");
      // Java's frames, and the advice below each refusal.
      if (!text.isEmpty()
          && !text.startsWith("at ")
          && !text.startsWith("... ")
          && !text.contains("rocketmq.apache.org/docs")) {
        lines.add(text);
      }
    }
    return String.join("\n", lines);
  }

  @Override
  public void close() {
    closing.forEach(Runnable::run);
    server.close();
    Server.deleteTree(folder);
  }

  // -- filling --------------------------------------------------------------------------------

  private void fill() throws Exception {
    words.put("broker", server.broker());
    words.put("namesrv", server.namesrv());
    words.put("brokerName", Server.BROKER);
    words.put("cluster", Server.CLUSTER);
    words.put("out", Files.createDirectories(folder.resolve("out")).toString());
    words.put(
        "topicsFile",
        file("topics.json", "[{\"topicName\":\"listed-1\",\"readQueueNums\":2,\"writeQueueNums\":2},"
            + "{\"topicName\":\"listed-2\"}]"));
    words.put("groupsFile", file("groups.json", "[{\"groupName\":\"listed-group\",\"retryMaxTimes\":3}]"));
    DefaultMQAdminExt admin = new DefaultMQAdminExt(10_000L);
    admin.setNamesrvAddr(server.namesrv());
    admin.setInstanceName("filling-" + server.broker());
    admin.start();
    closing.add(admin::shutdown);
    for (String topic : List.of("still", "online", "gone", "perm", "sent", "filled")) {
      // The tool says which queue took a message, and begins at a random one.
      int queues = topic.equals("sent") ? 1 : 2;
      admin.createAndUpdateTopicConfig(server.broker(), new TopicConfig(topic, queues, queues, 6));
    }
    for (String group :
        List.of("quiet", "online", "gone-group", "gone-group-2", "clone", "reset", "reset-2", "reset-3", "reset-4", "reset-5")) {
      SubscriptionGroupConfig config = new SubscriptionGroupConfig();
      config.setGroupName(group);
      admin.createAndUpdateSubscriptionGroupConfig(server.broker(), config);
    }
    admin.createAndUpdateKvConfig("ORDER_TOPIC_CONFIG", "ordered-before", Server.BROKER + ":8");
    admin.createAndUpdateKvConfig("ORDER_TOPIC_CONFIG", "ordered-gone", Server.BROKER + ":8");
    ClientTest.await(
        "routes", 30_000, () -> admin.examineTopicRouteInfo("filled").getQueueDatas().size() == 1);
    send();
    consume("still", "quiet", 3);
    for (String group : List.of("reset", "reset-2", "reset-3", "reset-4", "reset-5")) {
      consume("still", group, 3);
    }
    DefaultMQPushConsumer online = consumer("online", "online");
    closing.add(online::shutdown);
    words.put("clientId", online.buildMQClientId());
    ClientTest.await(
        "online",
        30_000,
        () -> admin.examineConsumerConnectionInfo("online").getConnectionSet().size() == 1);
    producer().send(new Message("still", "tag-4", "key-4", "body 4".getBytes(StandardCharsets.UTF_8)),
        new MessageQueue("still", Server.BROKER, 0));
    // Statistics are sampled, offsets are written by the clock.
    Thread.sleep(2_000);
  }

  private DefaultMQProducer producer;

  private DefaultMQProducer producer() throws Exception {
    if (producer == null) {
      producer = new DefaultMQProducer("producers");
      producer.setNamesrvAddr(server.namesrv());
      producer.setInstanceName("producer-" + server.broker());
      producer.start();
      closing.add(producer::shutdown);
    }
    return producer;
  }

  private void send() throws Exception {
    for (int i = 1; i <= 3; i++) {
      SendResult sent =
          producer()
              .send(
                  new Message("still", "tag-" + i, "key-" + i, ("body " + i).getBytes(StandardCharsets.UTF_8)),
                  new MessageQueue("still", Server.BROKER, 0));
      words.put("offsetId", sent.getOffsetMsgId());
      words.put("uniqueKey", sent.getMsgId());
    }
    DefaultMQProducer traced = new DefaultMQProducer("traced", true, null);
    traced.setNamesrvAddr(server.namesrv());
    traced.setInstanceName("traced-" + server.broker());
    traced.start();
    words.put(
        "tracedKey",
        traced.send(new Message("sent", "traced".getBytes(StandardCharsets.UTF_8))).getMsgId());
    traced.shutdown();
  }

  private DefaultMQPushConsumer consumer(String topic, String group) throws Exception {
    return consumer(topic, group, new Inbox());
  }

  private DefaultMQPushConsumer consumer(String topic, String group, Inbox inbox) throws Exception {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
    consumer.setNamesrvAddr(server.namesrv());
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.setInstanceName(group + "-" + server.broker());
    consumer.setAwaitTerminationMillisWhenShutdown(10_000); // its last offset is behind its listener
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    consumer.start();
    return consumer;
  }

  /** The group has consumed and committed that many and is offline again. */
  private void consume(String topic, String group, int count) throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = consumer(topic, group, inbox);
    inbox.awaitExactly(count, 70_000);
    consumer.shutdown();
  }

  private String file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text).toString();
  }

  // -- running --------------------------------------------------------------------------------

  private void runAll(List<MqAdminCommands.Case> cases) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(SIDE_BY_SIDE);
    Map<String, Future<String>> running = new LinkedHashMap<>();
    for (MqAdminCommands.Case one : cases) {
      String line = fillIn(one.line());
      running.put(one.line(), pool.submit(() -> MqAdmin.run(server, line)));
    }
    for (Map.Entry<String, Future<String>> one : running.entrySet()) {
      try {
        outputs.put(one.getKey(), one.getValue().get(COMMAND_LIMIT_S, TimeUnit.SECONDS));
      } catch (TimeoutException e) {
        one.getValue().cancel(true);
        outputs.put(one.getKey(), "no end within " + COMMAND_LIMIT_S + " s");
      } catch (ExecutionException e) {
        outputs.put(one.getKey(), String.valueOf(e.getCause()));
      }
    }
    pool.shutdownNow();
    // Clients that begin in the same millisecond share an instance and end each other: such a
    // command is given a second run of its own.
    for (MqAdminCommands.Case one : cases) {
      String out = outputs.get(one.line());
      for (int again = 0; again < 3 && disturbed(out); again++) {
        out = MqAdmin.run(server, fillIn(one.line()));
        outputs.put(one.line(), out);
      }
    }
  }

  private static boolean disturbed(String out) {
    return out.contains("service state not OK")
        || out.contains("RemotingConnectException")
        || out.contains("has not been created")
        || out.contains("RejectedExecution");
  }

  private String fillIn(String line) {
    String filled = line;
    for (Map.Entry<String, String> word : words.entrySet()) {
      filled = filled.replace("{" + word.getKey() + "}", word.getValue());
    }
    return filled;
  }
}
