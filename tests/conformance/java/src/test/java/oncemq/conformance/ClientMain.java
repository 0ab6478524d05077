package oncemq.conformance;

import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A client in a JVM of its own, to be killed or started with other system properties. Says what
 * happens in lines on stdout: STARTED, GOT queueId body, SENT offset.
 */
public final class ClientMain {
  public static void main(String[] args) throws Exception {
    String namesrv = args[1];
    String topic = args[2];
    String group = args[3];
    switch (args[0]) {
      case "accept", "hang", "orderly", "orderly-poison" -> consume(args[0], namesrv, topic, group);
      case "half" -> half(namesrv, topic, group, Integer.parseInt(args[4]));
      case "send" -> send(namesrv, topic, group, Integer.parseInt(args[4]));
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void consume(String mode, String namesrv, String topic, String group)
      throws Exception {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
    consumer.setNamesrvAddr(namesrv);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.setConsumeThreadMin(4);
    consumer.setConsumeThreadMax(4);
    consumer.subscribe(topic, "*");
    if (mode.startsWith("orderly")) {
      consumer.setMaxReconsumeTimes(2);
      consumer.registerMessageListener(
          (MessageListenerOrderly)
              (messages, context) -> {
                messages.forEach(message -> say(message.getQueueId(), message.getBody()));
                context.setSuspendCurrentQueueTimeMillis(500);
                return mode.equals("orderly") || messages.get(0).getBody()[0] != 'p'
                    ? ConsumeOrderlyStatus.SUCCESS
                    : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
              });
    } else {
      consumer.registerMessageListener(
          (MessageListenerConcurrently)
              (messages, context) -> {
                messages.forEach(message -> say(message.getQueueId(), message.getBody()));
                while (mode.equals("hang")) {
                  pause();
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
              });
    }
    consumer.start();
    System.out.println("STARTED");
  }

  private static void send(String namesrv, String topic, String group, int count)
      throws Exception {
    DefaultMQProducer producer = new DefaultMQProducer(group);
    producer.setNamesrvAddr(namesrv);
    producer.start();
    System.out.println("STARTED");
    for (int i = 0; i < count; i++) {
      SendResult result =
          producer.send(new Message(topic, ("body " + i).getBytes(StandardCharsets.UTF_8)));
      System.out.println("SENT " + result.getQueueOffset());
    }
    System.exit(0);
  }

  /** Half messages that this client never decides. */
  private static void half(String namesrv, String topic, String group, int count)
      throws Exception {
    TransactionMQProducer producer = new TransactionMQProducer(group);
    producer.setNamesrvAddr(namesrv);
    producer.setTransactionListener(
        new TransactionListener() {
          @Override
          public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return LocalTransactionState.UNKNOW;
          }

          @Override
          public LocalTransactionState checkLocalTransaction(MessageExt message) {
            return LocalTransactionState.UNKNOW;
          }
        });
    producer.start();
    System.out.println("STARTED");
    for (int i = 0; i < count; i++) {
      producer.sendMessageInTransaction(
          new Message(topic, ("body " + i).getBytes(StandardCharsets.UTF_8)), null);
      System.out.println("SENT " + i);
    }
    while (true) {
      pause();
    }
  }

  private static void say(int queueId, byte[] body) {
    System.out.println("GOT " + queueId + " " + new String(body, StandardCharsets.UTF_8));
  }

  private static void pause() {
    try {
      Thread.sleep(60_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private ClientMain() {}
}
