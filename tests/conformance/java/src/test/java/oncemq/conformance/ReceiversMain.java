package oncemq.conformance;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/**
 * Every kind of official consumer, one group each, until standard input ends.
 *
 * <p>Arguments: name server, prefix of the topics, name, folder of the history, and "hold": then
 * one message of each topic is taken and never given back.
 */
public final class ReceiversMain {
  static final int MAX_RECONSUME = 2;
  static final int INVISIBLE_MS = 5_000;

  /** Topics that one concurrent consumer takes. */
  static final List<String> PUSHED = List.of("plain", "batch", "delay", "timer", "tx");

  private final String namesrv;
  private final String prefix;
  private final String name;
  private final boolean holds;
  private final History history;
  private final Map<String, Integer> taken = new ConcurrentHashMap<>();

  public static void main(String[] args) throws Exception {
    new ReceiversMain(args[0], args[1], args[2], Path.of(args[3]), args[4].equals("hold")).run();
    Runtime.getRuntime().halt(0);
  }

  private ReceiversMain(String namesrv, String prefix, String name, Path folder, boolean holds)
      throws Exception {
    this.namesrv = namesrv;
    this.prefix = prefix;
    this.name = name;
    this.holds = holds;
    history = new History(folder, name);
  }

  private void run() throws Exception {
    DefaultMQPushConsumer push = consumer("push");
    for (String word : PUSHED) {
      push.subscribe(topic(word), "*");
    }
    concurrently(push, "push");
    DefaultMQPushConsumer sql = consumer("sql");
    sql.subscribe(topic("sql"), MessageSelector.bySql("price > 4"));
    concurrently(sql, "sql");
    DefaultMQPushConsumer poison = consumer("poison");
    poison.setMaxReconsumeTimes(MAX_RECONSUME);
    poison.subscribe(topic("poison"), "*");
    concurrently(poison, "poison");
    DefaultMQPushConsumer pop = consumer("pop");
    pop.setClientRebalance(false);
    pop.setPopInvisibleTime(INVISIBLE_MS);
    pop.subscribe(topic("pop"), "*");
    concurrently(pop, "pop");
    DefaultMQPushConsumer ordered = consumer("ordered");
    ordered.subscribe(topic("ordered"), "*");
    ordered.registerMessageListener(
        (MessageListenerOrderly)
            (messages, context) -> {
              messages.forEach(message -> take(group("ordered"), message));
              messages.forEach(message -> done(group("ordered"), message));
              return ConsumeOrderlyStatus.SUCCESS;
            });
    ordered.start();
    DefaultMQPushConsumer broadcast = consumer("broadcast");
    broadcast.setMessageModel(MessageModel.BROADCASTING);
    broadcast.subscribe(topic("broadcast"), "*");
    concurrently(broadcast, "broadcast");
    replying();
    lite();
    System.out.println("STARTED");
    while (System.in.read() >= 0) {
      // Nobody writes; the end is the sign.
    }
  }

  private String topic(String word) {
    return prefix + "-" + word;
  }

  private String group(String word) {
    return prefix + "-" + word + "-group";
  }

  private DefaultMQPushConsumer consumer(String word) {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group(word));
    consumer.setNamesrvAddr(namesrv);
    // A broadcasting consumer keeps its offsets in a file that has this name.
    consumer.setInstanceName("receivers");
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.setConsumeThreadMin(8);
    consumer.setConsumeThreadMax(8);
    consumer.setHeartbeatBrokerInterval(1_000);
    return consumer;
  }

  private void concurrently(DefaultMQPushConsumer consumer, String word) throws Exception {
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              for (MessageExt message : messages) {
                take(group(word), message);
                if ("poison".equals(message.getTags())) {
                  return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
                done(group(word), message);
              }
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    consumer.start();
  }

  private void take(String group, MessageExt message) {
    String handle = message.getProperty("POP_CK");
    List<Object> fields =
        new ArrayList<>(
            List.of(
                "group", group,
                "topic", History.storedTopic(group, message),
                "queue", message.getQueueId(),
                "offset", message.getQueueOffset(),
                "id", History.id(message.getBody()),
                "digest", History.digest(message.getBody()),
                "attempt", message.getReconsumeTimes(),
                "wall_ms", System.currentTimeMillis()));
    if (handle != null) {
      String[] parts = handle.split(" ");
      fields.addAll(
          List.of(
              "handle", handle,
              "pop_ms", Long.parseLong(parts[1]),
              "invisible_ms", Long.parseLong(parts[2])));
    }
    history.note("recv", fields.toArray());
    String line = message.getTopic().substring(prefix.length() + 1);
    // Of poison the one that is in the middle of its rounds.
    boolean counts = !line.equals("poison") || message.getReconsumeTimes() == 1;
    if (holds && counts && taken.merge(line, 1, Integer::sum) == 8) {
      history.note("held", "line", line);
      pause();
    }
  }

  private void done(String group, MessageExt message) {
    history.note("done", "group", group, "id", History.id(message.getBody()));
  }

  private void lite() throws Exception {
    DefaultLitePullConsumer lite = new DefaultLitePullConsumer(group("lite"));
    lite.setNamesrvAddr(namesrv);
    lite.setInstanceName("receivers");
    lite.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    lite.setAutoCommit(false);
    lite.setHeartbeatBrokerInterval(1_000);
    lite.subscribe(topic("lite"), "*");
    lite.start();
    Thread thread =
        new Thread(
            () -> {
              while (true) {
                List<MessageExt> messages = lite.poll(200);
                messages.forEach(message -> take(group("lite"), message));
                messages.forEach(message -> done(group("lite"), message));
                lite.commit();
              }
            });
    thread.start();
  }

  private void replying() throws Exception {
    DefaultMQProducer replier = new DefaultMQProducer(prefix + "-repliers");
    replier.setNamesrvAddr(namesrv);
    replier.setInstanceName("receivers");
    replier.setRetryTimesWhenSendFailed(0);
    replier.start();
    DefaultMQPushConsumer asked = consumer("ask");
    asked.subscribe(topic("ask"), "*");
    asked.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              for (MessageExt message : messages) {
                take(group("ask"), message);
                try {
                  replier.send(MessageUtil.createReplyMessage(message, message.getBody()));
                } catch (Exception e) {
                  // Who asked is gone, or the broker: nobody waits for this answer any more.
                  history.note("unanswered", "id", History.id(message.getBody()));
                }
                done(group("ask"), message);
              }
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    asked.start();
  }

  private static void pause() {
    try {
      Thread.sleep(Long.MAX_VALUE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
