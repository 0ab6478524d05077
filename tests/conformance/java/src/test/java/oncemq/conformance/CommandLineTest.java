package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.Test;

/** The program's verbs against a running broker: this one, or Apache's. */
class CommandLineTest extends ClientTest {
  @Test
  void topics() throws Exception {
    String topic = fresh("cli-topic");
    assertEquals(0, ok("topic", "create", topic, "--queues", "3", "--dry-run").code());
    assertEquals(1, tool("topic", "show", topic).code());
    ok("topic", "create", topic, "--queues", "3");
    assertEquals(1, tool("topic", "create", topic).code());
    assertEquals(3, row(json("topic", "show", topic), 0).getIntValue("readQueues"));
    ok("topic", "update", topic, "--read-queues", "5");
    assertEquals(5, row(json("topic", "show", topic), 0).getIntValue("readQueues"));
    assertEquals(3, row(json("topic", "show", topic), 0).getIntValue("writeQueues"));
    await("route", 10_000, () -> tool("topic", "route", topic).out().contains(server().broker()));
    assertTrue(tool("topic", "list").out().lines().anyMatch(topic::equals));
    ok("message", "send", topic, "hello", "--queue", "1", "--tag", "t", "--keys", "k1 k2");
    assertEquals(1, row(json("topic", "stats", topic), 1).getIntValue("messages"));
    assertEquals(2, tool("topic", "delete", topic).code());
    assertTrue(ok("topic", "delete", topic, "--dry-run").out().contains("with 1 messages"));
    ok("topic", "delete", topic, "--yes");
    assertEquals(1, tool("topic", "show", topic).code());
  }

  @Test
  void groups() throws Exception {
    String topic = topic("cli-group-topic", 1);
    String group = fresh("cli-group");
    ok("group", "create", group, "--retries", "4");
    assertEquals(4, row(json("group", "show", group), 0).getIntValue("retries"));
    ok("group", "update", group, "--consume", "off");
    assertEquals(4, row(json("group", "show", group), 0).getIntValue("retries"));
    assertFalse(row(json("group", "show", group), 0).getBooleanValue("consume"));
    ok("group", "update", group, "--consume", "on");
    for (int i = 0; i < 3; i++) {
      ok("message", "send", topic, "body " + i);
    }
    consume(group, topic, "*").awaitExactly(3, PATIENCE_MS);
    assertEquals(1, json("group", "members", group).size());
    assertTrue(tool("topic", "groups", topic).out().contains(group));
    awaitClosed();
    await("committed", 20_000, () -> row(json("group", "lag", group, "--topic", topic), 0).getIntValue("offset") == 3);
    assertEquals(0, row(json("group", "reset", group, topic, "--to", "earliest", "--dry-run"), 0).getIntValue("offset"));
    assertEquals(3, row(json("group", "lag", group, "--topic", topic), 0).getIntValue("offset"));
    assertEquals(2, tool("group", "reset", group, topic, "--to", "earliest").code());
    ok("group", "reset", group, topic, "--to", "earliest", "--yes");
    assertEquals(3, row(json("group", "lag", group, "--topic", topic), 0).getIntValue("behind"));
    ok("group", "reset", group, topic, "--queue", "0", "--offset", "2", "--yes");
    assertEquals(1, row(json("group", "lag", group, "--topic", topic), 0).getIntValue("behind"));
    assertEquals(2, tool("group", "reset", group, topic, "--offset", "2", "--yes").code());
    ok("group", "delete", group, "--yes");
    assertEquals(1, tool("group", "show", group).code());
  }

  @Test
  void messages() throws Exception {
    String topic = topic("cli-message", 1);
    JSONObject sent =
        row(json("message", "send", topic, "hello", "--keys", "key", "--property", "a=1"), 0);
    MessageExt got = consume(fresh("group"), topic, "*").awaitExactly(1, PATIENCE_MS).get(0);
    assertEquals("hello", text(got.getBody()));
    assertEquals("1", got.getUserProperty("a"));
    assertTrue(tool("message", "show", sent.getString("id")).out().contains("hello"));
    await("key", 10_000, () -> json("message", "query", topic, "key").size() == 1);
    assertTrue(tool("message", "print", topic, "--body").out().contains("hello"));
    assertEquals(2, tool("message", "show", "no-id").code());
    assertEquals(2, tool("message", "send", topic).code());
    assertEquals(2, tool("message", "send", topic, "x", "--property", "nonsense").code());
  }

  @Test
  void clusterAndConfig() throws Exception {
    assertEquals(Server.BROKER, row(json("cluster", "list"), 0).getString("broker"));
    ok("cluster", "health");
    ok("config", "set", "shortPollingTimeMills", "1111");
    assertEquals("1111", row(json("config", "get", "shortPollingTimeMills"), 0).getString("value"));
    ok("config", "set", "shortPollingTimeMills", "1000", "--broker", Server.BROKER);
    assertEquals(1, tool("config", "set", "shortPollingTimeMills", "1", "--broker", "nobody").code());
    OnceMqTool.Result unknown = tool("config", "get", "shortPolingTimeMills");
    assertEquals(2, unknown.code());
    assertTrue(unknown.errors().contains("did you mean 'shortPollingTimeMills'"), unknown.errors());
    assertEquals(2, tool("config", "set", "a=b", "1").code());
    assertEquals(2, tool("config", "set", "shortPollingTimeMills", "1\nflushDiskType=SYNC_FLUSH").code());
  }

  @Test
  void typosAndCompletion() throws Exception {
    OnceMqTool.Result typo = tool("tpoic", "list");
    assertEquals(2, typo.code());
    assertTrue(typo.errors().contains("did you mean 'topic'"), typo.errors());
    assertTrue(tool("topic", "lst").errors().contains("did you mean 'list'"));
    assertTrue(tool("topic", "list", "--jsn").errors().contains("did you mean '--json'"));
    for (String shell : new String[] {"bash", "zsh", "fish"}) {
      assertTrue(ok("completion", shell).out().contains("replay"), shell);
    }
    assertEquals(2, tool("completion", "tcsh").code());
    assertEquals(2, tool().code());
    assertEquals(1, tool("topic", "list", "--namesrv", "127.0.0.1:9").code());
    assertEquals(1, tool("topic", "list", "--namesrv", "not an address").code());
  }

  // -------------------------------------------------------------------------------------------

  private OnceMqTool.Result tool(String... words) throws Exception {
    return OnceMqTool.run(server(), words);
  }

  private OnceMqTool.Result ok(String... words) throws Exception {
    OnceMqTool.Result result = tool(words);
    assertEquals(0, result.code(), String.join(" ", words) + ": " + result.errors());
    return result;
  }

  private JSONArray json(String... words) throws Exception {
    String[] all = java.util.Arrays.copyOf(words, words.length + 1);
    all[words.length] = "--json";
    return JSON.parseArray(ok(all).out());
  }

  private static JSONObject row(JSONArray rows, int index) {
    return rows.getJSONObject(index);
  }
}
