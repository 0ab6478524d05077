package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.junit.jupiter.api.Test;

/** producer.request() and a consumer that answers, each a client of its own. */
class RequestReplyTest extends ClientTest {
  @Test
  void answersComeBackToWhoAsked() throws Exception {
    String topic = topic("ask", 4);
    answering(topic);
    Map<String, CompletableFuture<String>> answers = new HashMap<>();
    for (int i = 0; i < 3; i++) {
      DefaultMQProducer producer = ownClient();
      for (int n = 0; n < 10; n++) {
        String question = i + "/" + n;
        answers.put(question, ask(producer, topic, question, PATIENCE_MS));
      }
    }
    for (Map.Entry<String, CompletableFuture<String>> answer : answers.entrySet()) {
      assertEquals(
          "re: " + answer.getKey(), answer.getValue().get(PATIENCE_MS, TimeUnit.MILLISECONDS));
    }
  }

  @Test
  void largeAnswersComeBackWhole() throws Exception {
    String topic = topic("ask-large", 1);
    answering(topic);
    String question = "0123456789".repeat(50_000);
    assertEquals(
        "re: " + question,
        ask(ownClient(), topic, question, PATIENCE_MS).get(PATIENCE_MS, TimeUnit.MILLISECONDS));
  }

  @Test
  void whoGetsNoAnswerIsTold() throws Exception {
    CompletableFuture<String> answer =
        ask(producer(), topic("ask-nobody", 1), "x", 1_000);
    ExecutionException failure =
        assertThrows(
            ExecutionException.class, () -> answer.get(PATIENCE_MS, TimeUnit.MILLISECONDS));
    assertInstanceOf(RequestTimeoutException.class, failure.getCause());
  }

  @Test
  void replyToAnAskerThatIsGoneIsRefused() throws Exception {
    Message asked = message(topic("ask-gone", 1), "x");
    MessageAccessor.putProperty(asked, MessageConst.PROPERTY_CLUSTER, Server.CLUSTER);
    MessageAccessor.putProperty(asked, MessageConst.PROPERTY_CORRELATION_ID, "1");
    MessageAccessor.putProperty(asked, MessageConst.PROPERTY_MESSAGE_REPLY_TO_CLIENT, "nobody@1");
    MessageAccessor.putProperty(asked, MessageConst.PROPERTY_MESSAGE_TTL, "3000");
    Message reply = MessageUtil.createReplyMessage(asked, "late".getBytes());
    DefaultMQProducer producer = newProducer();
    producer.setRetryTimesWhenSendFailed(0);
    started(producer);
    // A system error is tried again, so the client ends with an exception of its own.
    MQClientException refusal = assertThrows(MQClientException.class, () -> producer.send(reply));
    assertEquals(1, refusal.getResponseCode());
  }

  /**
   * Clients 5.3.1 to 5.3.3 end the waiting request() when the request is sent (apache/rocketmq#9608
   * takes that back), and call the callback then, too, but with nothing: that call is passed over.
   */
  private static CompletableFuture<String> ask(
      DefaultMQProducer producer, String topic, String question, long limitMs) throws Exception {
    CompletableFuture<String> answer = new CompletableFuture<>();
    producer.request(
        message(topic, question),
        new RequestCallback() {
          @Override
          public void onSuccess(Message reply) {
            if (reply != null) {
              answer.complete(text(reply.getBody()));
            }
          }

          @Override
          public void onException(Throwable e) {
            answer.completeExceptionally(e);
          }
        },
        limitMs);
    return answer;
  }

  /** Not the connection that the other producers of this process share. */
  private DefaultMQProducer ownClient() throws Exception {
    DefaultMQProducer producer = newProducer();
    producer.setInstanceName(fresh("instance"));
    return started(producer);
  }

  private void answering(String topic) throws Exception {
    DefaultMQProducer replier = ownClient();
    DefaultMQPushConsumer consumer = newConsumer(fresh("group"));
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (messages, context) -> {
              for (Message message : messages) {
                try {
                  replier.send(
                      MessageUtil.createReplyMessage(
                          message, ("re: " + text(message.getBody())).getBytes()));
                } catch (Exception e) {
                  return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
              }
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    started(consumer);
  }
}
