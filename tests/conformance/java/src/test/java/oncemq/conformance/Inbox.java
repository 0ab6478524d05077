package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.fail;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/** Collects what listeners were given, in the order of their calls. */
final class Inbox {
  private final List<MessageExt> messages = new ArrayList<>();

  MessageListenerConcurrently accepting() {
    return concurrently(message -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
  }

  MessageListenerConcurrently concurrently(
      Function<MessageExt, ConsumeConcurrentlyStatus> verdict) {
    return (batch, context) -> {
      ConsumeConcurrentlyStatus status = ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
      for (MessageExt message : batch) {
        add(message);
        if (verdict.apply(message) != ConsumeConcurrentlyStatus.CONSUME_SUCCESS) {
          status = ConsumeConcurrentlyStatus.RECONSUME_LATER;
        }
      }
      return status;
    };
  }

  MessageListenerOrderly orderly(Function<MessageExt, ConsumeOrderlyStatus> verdict) {
    return (batch, context) -> {
      context.setSuspendCurrentQueueTimeMillis(100);
      ConsumeOrderlyStatus status = ConsumeOrderlyStatus.SUCCESS;
      for (MessageExt message : batch) {
        add(message);
        if (verdict.apply(message) != ConsumeOrderlyStatus.SUCCESS) {
          status = ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
        }
      }
      return status;
    };
  }

  synchronized void add(MessageExt message) {
    messages.add(message);
    notifyAll();
  }

  synchronized int size() {
    return messages.size();
  }

  synchronized List<MessageExt> all() {
    return List.copyOf(messages);
  }

  List<String> bodies() {
    return all().stream()
        .map(message -> new String(message.getBody(), StandardCharsets.UTF_8))
        .collect(Collectors.toList());
  }

  /** Waits until at least {@code count} messages came. */
  synchronized List<MessageExt> await(int count, long limitMs) throws InterruptedException {
    long deadline = System.currentTimeMillis() + limitMs;
    while (messages.size() < count) {
      long left = deadline - System.currentTimeMillis();
      if (left <= 0) {
        fail(messages.size() + " of " + count + " messages within " + limitMs + " ms");
      }
      wait(left);
    }
    return List.copyOf(messages);
  }

  /** After the wait: nothing more than {@code count} may come for a while. */
  List<MessageExt> awaitExactly(int count, long limitMs) throws InterruptedException {
    await(count, limitMs);
    Thread.sleep(300);
    List<MessageExt> got = all();
    if (got.size() != count) {
      fail(got.size() + " messages instead of " + count + ": " + bodies());
    }
    return got;
  }
}
