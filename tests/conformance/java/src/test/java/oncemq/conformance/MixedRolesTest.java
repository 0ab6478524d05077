package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our broker at Apache's name server, and Apache's broker at ours. */
@OnceMqOnly("needs both implementations")
class MixedRolesTest extends ClientTest {
  private Server current;

  @Override
  protected Server server() {
    return current;
  }

  @AfterEach
  void end() {
    if (current != null) {
      current.close();
    }
  }

  @ParameterizedTest(name = "Apache broker: {0}")
  @ValueSource(booleans = {false, true})
  void clientsWork(boolean apacheBroker) throws Exception {
    current = MixedServer.start(apacheBroker);
    String topic = topic("mixed", 3);
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 10; i++) {
      assertEquals(SendStatus.SEND_OK, producer.send(message(topic, "body " + i)).getSendStatus());
    }
    consume(fresh("group"), topic, "*").awaitExactly(10, 70_000);
    String auto = fresh("mixed-auto");
    assertEquals(SendStatus.SEND_OK, producer.send(message(auto, "body")).getSendStatus());
    configure(new TopicConfig(topic, 5, 5, 6));
    assertTrue(admin().fetchAllTopicList().getTopicList().contains(auto));
    assertEquals(
        current.broker(),
        admin()
            .examineBrokerClusterInfo()
            .getBrokerAddrTable()
            .get(Server.BROKER)
            .getBrokerAddrs()
            .get(0L));
    // A broker that ends says so.
    current.stop();
    await("gone", 15_000, () -> admin().examineBrokerClusterInfo().getBrokerAddrTable().isEmpty());
  }
}
