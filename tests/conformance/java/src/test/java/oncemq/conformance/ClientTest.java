package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.fail;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.route.TopicRouteData;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;
import org.junit.jupiter.api.AfterEach;

/** What every test class needs: the server, official clients that are shut down, fresh names. */
abstract class ClientTest {
  private static final AtomicInteger names =
      new AtomicInteger(ThreadLocalRandom.current().nextInt(1 << 20));

  /** One per name server address for the whole run: starting and stopping one takes its time. */
  private static final Map<String, DefaultMQAdminExt> admins = new HashMap<>();

  /**
   * A client's shutdown joins a thread that sleeps for three seconds, so it is left to the
   * background. Names are fresh in every test, nothing disturbs the next one.
   */
  private static final ExecutorService undertaker =
      Executors.newCachedThreadPool(
          action -> {
            Thread thread = new Thread(action, "undertaker");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * How long a message may take. Now and then a young subscription waits for its client's next
   * heartbeat, which comes after 30 s; seen with Apache's broker and, rarely, with ours.
   */
  protected static final long PATIENCE_MS = 70_000;

  private final Deque<Runnable> closing = new ArrayDeque<>();
  private final List<Future<?>> closed = new ArrayList<>();

  /** The shared server, unless a class has one of its own. */
  protected Server server() {
    return Server.shared();
  }

  @AfterEach
  void closeClients() {
    while (!closing.isEmpty()) {
      closed.add(undertaker.submit(closing.pop()));
    }
  }

  /** For a test that goes on after its clients: returns when each has said its last word. */
  protected void awaitClosed() throws Exception {
    closeClients();
    for (Future<?> one : closed) {
      one.get(60, TimeUnit.SECONDS);
    }
    closed.clear();
  }

  protected void onClose(Runnable action) {
    closing.push(action);
  }

  // -- names ----------------------------------------------------------------------------------

  protected static String fresh(String word) {
    return word + "-" + Integer.toHexString(names.incrementAndGet());
  }

  /** Creates a topic and waits until the name server tells its route. */
  protected String topic(String word, int queues) throws Exception {
    String topic = fresh(word);
    configure(new TopicConfig(topic, queues, queues, 6));
    return topic;
  }

  protected void configure(TopicConfig config) throws Exception {
    admin().createAndUpdateTopicConfig(server().broker(), config);
    await(
        "route of " + config.getTopicName(),
        10_000,
        () -> {
          TopicRouteData route = admin().examineTopicRouteInfo(config.getTopicName());
          return route.getQueueDatas().stream()
              .anyMatch(
                  data ->
                      data.getPerm() == config.getPerm()
                          && data.getWriteQueueNums() == config.getWriteQueueNums()
                          && data.getReadQueueNums() == config.getReadQueueNums());
        });
  }

  // -- clients --------------------------------------------------------------------------------

  protected DefaultMQAdminExt admin() throws Exception {
    String namesrv = server().namesrv();
    synchronized (admins) {
      DefaultMQAdminExt admin = admins.get(namesrv);
      if (admin == null) {
        admin = new DefaultMQAdminExt(10_000L);
        admin.setNamesrvAddr(namesrv);
        admin.setInstanceName(fresh("admin"));
        admin.start();
        admins.put(namesrv, admin);
      }
      return admin;
    }
  }

  protected DefaultMQProducer newProducer() {
    DefaultMQProducer producer = new DefaultMQProducer(fresh("producers"));
    producer.setNamesrvAddr(server().namesrv());
    producer.setSendMsgTimeout(10_000);
    return producer;
  }

  protected DefaultMQProducer producer() throws Exception {
    return started(newProducer());
  }

  /**
   * For connections that the server ends. When the client's heartbeat connects again before the end
   * of the old connection is handled, requests on that wait until their timeout: no attempt may
   * have all of it.
   */
  protected DefaultMQProducer impatientProducer() throws Exception {
    DefaultMQProducer producer = newProducer();
    producer.setSendMsgTimeout(30_000);
    producer.setSendMsgMaxTimeoutPerRequest(3_000);
    return started(producer);
  }

  protected DefaultMQProducer started(DefaultMQProducer producer) throws Exception {
    producer.start();
    onClose(producer::shutdown);
    return producer;
  }

  protected DefaultMQPushConsumer newConsumer(String group) {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.setConsumeThreadMin(4);
    consumer.setConsumeThreadMax(4);
    consumer.setInstanceName(fresh("instance"));
    // What a test has seen is on its way out of the listener: the offset that a shutdown saves is to
    // be behind it.
    consumer.setAwaitTerminationMillisWhenShutdown(10_000);
    return consumer;
  }

  protected DefaultMQPushConsumer started(DefaultMQPushConsumer consumer) throws Exception {
    consumer.start();
    onClose(consumer::shutdown);
    return consumer;
  }

  /** A concurrent consumer that accepts everything. */
  protected Inbox consume(String group, String topic, String expression) throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, expression);
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    return inbox;
  }

  @SuppressWarnings("deprecation")
  protected DefaultMQPullConsumer puller(String group) throws Exception {
    DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setInstanceName(fresh("instance"));
    consumer.start();
    onClose(consumer::shutdown);
    return consumer;
  }

  protected Wire wire() throws Exception {
    Wire wire = new Wire(server().broker());
    onClose(
        () -> {
          try {
            wire.close();
          } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });
    return wire;
  }

  protected Wire namesrvWire() throws Exception {
    Wire wire = new Wire(server().namesrv());
    onClose(
        () -> {
          try {
            wire.close();
          } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });
    return wire;
  }

  // -- small things ---------------------------------------------------------------------------

  protected static MessageQueue queue(String topic, int id) {
    return new MessageQueue(topic, Server.BROKER, id);
  }

  protected static Message message(String topic, String body) {
    return new Message(topic, body.getBytes(StandardCharsets.UTF_8));
  }

  protected static Message message(String topic, String tag, String key, String body) {
    return new Message(topic, tag, key, body.getBytes(StandardCharsets.UTF_8));
  }

  protected static String text(byte[] body) {
    return new String(body, StandardCharsets.UTF_8);
  }

  interface Condition {
    boolean holds() throws Exception;
  }

  /** Polls; a condition that throws does not hold yet. */
  protected static void await(String what, long limitMs, Condition condition) throws Exception {
    long deadline = System.currentTimeMillis() + limitMs;
    Exception last = null;
    while (System.currentTimeMillis() < deadline) {
      try {
        if (condition.holds()) {
          return;
        }
        last = null;
      } catch (Exception e) {
        last = e;
      }
      Thread.sleep(25);
    }
    fail("not within " + limitMs + " ms: " + what, last);
  }

  protected static List<String> sorted(List<String> list) {
    return list.stream().sorted().toList();
  }

  /** A group of the topic that pops. */
  protected String popGroup(String topic) throws Exception {
    SubscriptionGroupConfig config = new SubscriptionGroupConfig();
    config.setGroupName(fresh("group"));
    admin().createAndUpdateSubscriptionGroupConfig(server().broker(), config);
    admin()
        .setMessageRequestMode(
            server().broker(), topic, config.getGroupName(), MessageRequestMode.POP, 0, 10_000);
    return config.getGroupName();
  }

  /** What a popping consumer is given; it is done with each. */
  protected Inbox popping(String group, String topic) throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setClientRebalance(false);
    consumer.setPopInvisibleTime(5_000);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    return inbox;
  }
}
