package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;
import org.junit.jupiter.api.Test;

/**
 * The broker's verdicts beside those of Apache's filter library, over many expressions. Left out
 * is what docs/sql-filters.md lists as different.
 */
@SuppressWarnings("deprecation")
class SqlRulesTest extends ClientTest {
  private static final int RANDOM = 400;

  private final List<Map<String, String>> messages = new ArrayList<>();
  private String topic;
  private DefaultMQPullConsumer consumer;

  @Test
  void knownFormsAgree() throws Exception {
    prepare();
    int matched = 0;
    for (String expression :
        List.of(
            "n > 1",
            "1 < n",
            "n >= 2 AND n <= 3",
            "n <> 2",
            "n = -1",
            "n = +3",
            "n BETWEEN 1 AND 3",
            "n NOT BETWEEN 1 AND 3",
            "m < 5000000000",
            "d > 2.4",
            "d = 3.0",
            "s = 'x'",
            "'x' = s",
            "s <> 'x'",
            "'x' <> s",
            "s = t",
            "s <> t",
            "s = 'it''s'",
            "s IN ('x', 'xy')",
            "s NOT IN ('x', 'xy')",
            "s IS NULL",
            "s IS NOT NULL",
            "s CONTAINS 'y'",
            "s NOT CONTAINS 'y'",
            "s STARTSWITH 'x'",
            "s NOT STARTSWITH 'x'",
            "s ENDSWITH 'y'",
            "s NOT ENDSWITH 'y'",
            "s CONTAINS ''",
            "b = TRUE",
            "b = false",
            "b <> TRUE",
            "b",
            "NOT (n > 1)",
            "NOT (s CONTAINS 'x')",
            "n > 1 OR s = 'x' AND b = TRUE",
            "(n > 1 OR s = 'x') AND b = TRUE",
            "missing = 1",
            "missing <> 'x'",
            "missing IS NULL AND n IS NOT NULL",
            "TAGS = 'red'",
            "TAGS IN ('red', 'blue') AND n > 0",
            "KEYS = 'key3'",
            "TRUE",
            "FALSE",
            "TRUE OR n > 1",
            "/* c */ n > 1 -- c\n AND s = 'x'")) {
      matched += compare(expression);
    }
    assertTrue(matched > 100, "only " + matched + " matches: nothing was compared");
  }

  @Test
  void randomExpressionsAgree() throws Exception {
    prepare();
    long seed = Long.getLong("seed", 20_250_925L);
    Random random = new Random(seed);
    int matched = 0;
    for (int i = 0; i < RANDOM; i++) {
      matched += compare(condition(random, 3));
    }
    assertTrue(matched > RANDOM, "only " + matched + " matches: nothing was compared");
  }

  /** Returns how many messages match. */
  private int compare(String expression) throws Exception {
    Expression theirs = FilterFactory.INSTANCE.get("SQL92").compile(expression);
    List<Integer> wanted = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      if (Boolean.TRUE.equals(theirs.evaluate(context(messages.get(i))))) {
        wanted.add(i);
      }
    }
    PullResult result =
        consumer.pull(queue(topic, 0), MessageSelector.bySql(expression), 0, 32, PATIENCE_MS);
    List<Integer> got = new ArrayList<>();
    if (result.getPullStatus() == PullStatus.FOUND) {
      result.getMsgFoundList().forEach(found -> got.add((int) found.getQueueOffset()));
    }
    assertEquals(wanted, got, expression);
    return wanted.size();
  }

  private void prepare() throws Exception {
    topic = topic("rules", 1);
    // n small whole numbers, m large ones, d decimals, s and t texts, b booleans; each may miss.
    put("n=1 s=x b=true TAGS=red");
    put("n=2 s=xy b=false d=2.5 TAGS=blue");
    put("n=3 s=yx t=yx b=TRUE m=4999999999 KEYS=key3");
    put("n=-1 s=y t=x d=3 TAGS=green");
    put("n=0 m=5000000000 b=x");
    put("s=it's t=it's d=-0.5");
    put("t=x TAGS=red");
    put("n=10 s=X b=false");
    put("");
    put("n=2 s=x t=y b=true d=1e1 m=-5000000000 TAGS=blue KEYS=key3");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < messages.size(); i++) {
      Message message = message(topic, String.valueOf(i));
      messages
          .get(i)
          .forEach(
              (name, value) -> {
                if (name.equals("TAGS")) {
                  message.setTags(value);
                } else if (name.equals("KEYS")) {
                  message.setKeys(value);
                } else {
                  message.putUserProperty(name, value);
                }
              });
      assertEquals(i, producer.send(message).getQueueOffset());
    }
    consumer = new DefaultMQPullConsumer(fresh("group"));
    consumer.setNamesrvAddr(server().namesrv());
    consumer.setInstanceName(fresh("instance"));
    consumer.setHeartbeatBrokerInterval(1_000);
    consumer.start();
    onClose(consumer::shutdown);
    consumer.fetchSubscribeMessageQueues(topic);
    // The client refuses to ask before a heartbeat has told it the broker's version.
    await("a first heartbeat", PATIENCE_MS, () -> compare("n > 0") > 0);
  }

  private void put(String pairs) {
    Map<String, String> properties = new TreeMap<>();
    for (String pair : pairs.isEmpty() ? new String[0] : pairs.split(" ")) {
      properties.put(pair.split("=")[0], pair.split("=")[1]);
    }
    messages.add(properties);
  }

  private static EvaluationContext context(Map<String, String> properties) {
    return new EvaluationContext() {
      @Override
      public Object get(String name) {
        return properties.get(name);
      }

      @Override
      public Map<String, Object> keyValues() {
        return new TreeMap<>(properties);
      }
    };
  }

  private static String condition(Random random, int depth) {
    switch (random.nextInt(depth == 0 ? 8 : 12)) {
      case 0:
        return "n " + pick(random, "=", "<>", "<", "<=", ">", ">=") + " " + small(random);
      case 1:
        return small(random) + " " + pick(random, "=", "<", "<=", ">", ">=") + " n";
      case 2:
        int low = random.nextInt(4) - 1;
        return "n "
            + pick(random, "BETWEEN ", "NOT BETWEEN ")
            + low
            + " AND "
            + (low + random.nextInt(3));
      case 3:
        return pick(random, "s", "t") + " " + pick(random, "=", "<>") + " " + text(random);
      case 4:
        return pick(random, "s", "t", "TAGS")
            + pick(random, " IN (", " NOT IN (")
            + text(random)
            + ", 'red')";
      case 5:
        return pick(random, "n", "s", "t", "b", "d", "KEYS", "none")
            + pick(random, " IS NULL", " IS NOT NULL");
      case 6:
        return pick(random, "s", "t")
            + pick(random, " ", " NOT ")
            + pick(random, "CONTAINS ", "STARTSWITH ", "ENDSWITH ")
            + text(random);
      case 7:
        return "b " + pick(random, "=", "<>") + pick(random, " TRUE", " FALSE");
      case 8:
        return "NOT (" + condition(random, depth - 1) + ")";
      case 9:
        return "(" + condition(random, depth - 1) + ")";
      case 10:
        return condition(random, depth - 1) + " AND " + condition(random, depth - 1);
      default:
        return condition(random, depth - 1) + " OR " + condition(random, depth - 1);
    }
  }

  private static String small(Random random) {
    return String.valueOf(random.nextInt(5) - 1);
  }

  private static String text(Random random) {
    return pick(random, "'x'", "'y'", "'xy'", "'it''s'", "'X'");
  }

  private static String pick(Random random, String... words) {
    return words[random.nextInt(words.length)];
  }
}
