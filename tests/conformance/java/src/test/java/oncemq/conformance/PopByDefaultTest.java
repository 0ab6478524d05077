package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * {@code defaultMessageRequestMode=POP}: groups pop for which nobody said anything. Consumers ask
 * the broker only with {@code clientRebalance=false}.
 */
class PopByDefaultTest extends ClientTest {
  private static Server own;

  @BeforeAll
  static void start() {
    own = Server.start("defaultMessageRequestMode", "POP");
  }

  @AfterAll
  static void stop() {
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  private List<MessageExt> consume(String topic, String group, boolean clientRebalance)
      throws Exception {
    Inbox inbox = new Inbox();
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.setClientRebalance(clientRebalance);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    started(consumer);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 40; i++) {
      producer.send(message(topic, "body " + i));
    }
    List<MessageExt> got = inbox.awaitExactly(40, PATIENCE_MS);
    assertEquals(40, new HashSet<>(inbox.bodies()).size());
    return got;
  }

  @Test
  void aGroupOfWhichNothingWasSaidPops() throws Exception {
    List<MessageExt> got = consume(topic("pop-default", 4), fresh("group"), false);
    assertTrue(got.stream().allMatch(one -> one.getProperty("POP_CK") != null), "they were popped");
  }

  @Test
  void aGroupThatWasToldToPullPulls() throws Exception {
    String topic = topic("pull-ordered", 4);
    SubscriptionGroupConfig group = new SubscriptionGroupConfig();
    group.setGroupName(fresh("group"));
    admin().createAndUpdateSubscriptionGroupConfig(server().broker(), group);
    admin()
        .setMessageRequestMode(
            server().broker(), topic, group.getGroupName(), MessageRequestMode.PULL, 0, 10_000);
    List<MessageExt> got = consume(topic, group.getGroupName(), false);
    assertTrue(got.stream().noneMatch(one -> one.getProperty("POP_CK") != null), "they were pulled");
  }

  @Test
  void aConsumerThatBalancesByItselfIsNotAsked() throws Exception {
    List<MessageExt> got = consume(topic("pull-client", 4), fresh("group"), true);
    assertTrue(got.stream().noneMatch(one -> one.getProperty("POP_CK") != null), "they were pulled");
  }
}
