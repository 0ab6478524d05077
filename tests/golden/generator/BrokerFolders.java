package oncemq.golden;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import oncemq.conformance.Server;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.store.DefaultMessageStore;
import org.apache.rocketmq.store.config.MessageStoreConfig;

/** Folders of a real broker after real use: one stopped, one killed. */
final class BrokerFolders {
  private static final int LOG_FILE = 32 * 1024;

  static void record(Path folder) throws Exception {
    Server.deleteTree(folder);
    for (boolean killed : new boolean[] {false, true}) {
      Path temp = Files.createTempDirectory("broker");
      Path data = temp.resolve("data");
      Files.createDirectories(data);
      Server server =
          Server.startOn(
              data,
              "mappedFileSizeCommitLog", String.valueOf(LOG_FILE),
              "mappedFileSizeConsumeQueue", String.valueOf(20 * 100),
              "maxHashSlotNum", "64",
              "maxIndexNum", "200",
              "timerWheelEnable", "false",
              "enableCompaction", "false");
      use(server);
      if (killed) {
        server.kill();
      } else {
        server.stop();
      }
      String name = killed ? "killed" : "stopped";
      copy(data, folder.resolve(name));
      server.close();
      // Opening changes a folder, so the description comes from the original.
      MessageStoreConfig config = Records.config(data);
      config.setMappedFileSizeCommitLog(LOG_FILE);
      config.setMappedFileSizeConsumeQueue(20 * 100);
      config.setMaxHashSlotNum(64);
      config.setMaxIndexNum(200);
      DefaultMessageStore store = Records.open(config);
      while (store.dispatchBehindBytes() > 0) {
        Thread.sleep(10);
      }
      Map<String, Object> out = Records.describe(store);
      store.shutdown();
      Fixture.writeJson(folder.resolve(name + ".json"), out);
      Server.deleteTree(temp);
    }
  }

  /** Plain, tagged, delayed and batched messages; a group that succeeds and retries. */
  private static void use(Server server) throws Exception {
    DefaultMQProducer producer = new DefaultMQProducer("golden-producer");
    producer.setNamesrvAddr(server.namesrv());
    producer.start();
    for (int i = 0; i < 12; i++) {
      Message message = new Message("golden", "tag" + i % 3, "key-" + i, ("body " + i).getBytes());
      message.putUserProperty("n", String.valueOf(i));
      producer.send(message);
    }
    Message late = new Message("golden", "late", "late-1", "later".getBytes());
    late.setDelayTimeLevel(1);
    producer.send(late);
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      batch.add(new Message("golden-batch", "b", "batch-" + i, ("batch " + i).getBytes()));
    }
    producer.send(batch);
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("golden-group");
    consumer.setNamesrvAddr(server.namesrv());
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe("golden", "*");
    CountDownLatch seen = new CountDownLatch(13);
    CountDownLatch retried = new CountDownLatch(1);
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              boolean first =
                  "body 5".equals(new String(messages.get(0).getBody(), StandardCharsets.UTF_8));
              if (messages.get(0).getReconsumeTimes() > 0) {
                retried.countDown();
              } else {
                seen.countDown();
                if (first) {
                  return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
              }
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    consumer.start();
    if (!seen.await(60, TimeUnit.SECONDS) || !retried.await(90, TimeUnit.SECONDS)) {
      throw new IllegalStateException("the consumer did not see everything");
    }
    consumer.shutdown();
    producer.shutdown();
    // Past the period of the broker's offset files, so that a killed folder has them.
    Thread.sleep(12_000);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }

  private BrokerFolders() {}
}
