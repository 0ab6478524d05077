package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The histories that the processes of a kill test write, read while they grow: what has happened
 * since a moment, what is still owed. The verdict over all of it is that of tests/checkers.
 */
final class KillWorld implements AutoCloseable {
  /** Topic by the consumer that takes it; the names are as in {@link ReceiversMain}. */
  static final Map<String, List<String>> LINES =
      Map.of(
          "push", ReceiversMain.PUSHED,
          "sql", List.of("sql"),
          "poison", List.of("poison"),
          "pop", List.of("pop"),
          "ordered", List.of("ordered"),
          "broadcast", List.of("broadcast"),
          "lite", List.of("lite"));

  final String prefix;
  final Path folder;
  final History history;
  private final Map<Path, Long> read = new HashMap<>();
  private final Map<String, JSONObject> sent = new HashMap<>();
  private final Set<String> acknowledged = new HashSet<>();
  private final Map<String, String> recalls = new HashMap<>();
  private final Map<String, Set<String>> received = new HashMap<>();
  private final List<JSONObject> events = new ArrayList<>();

  KillWorld(String prefix) throws IOException {
    this.prefix = prefix;
    folder = Files.createTempDirectory("kill-history-");
    history = new History(folder, "test");
    LINES.forEach(
        (word, topics) -> {
          for (String topic : topics) {
            history.note(
                "subscribe",
                "group", group(word),
                "topic", topic(topic),
                "unordered", !topic.equals("ordered"));
          }
        });
  }

  String topic(String word) {
    return prefix + "-" + word;
  }

  String group(String word) {
    return prefix + "-" + word + "-group";
  }

  /** Reads what was added. */
  void refresh() throws IOException {
    List<Path> files;
    try (var list = Files.list(folder)) {
      files = list.toList();
    }
    for (Path file : files) {
      try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
        long from = read.getOrDefault(file, 0L);
        byte[] bytes = new byte[(int) (in.length() - from)];
        in.seek(from);
        in.readFully(bytes);
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
          end--;
        }
        new String(bytes, 0, end, StandardCharsets.UTF_8).lines().forEach(this::add);
        read.put(file, from + end);
      }
    }
  }

  private void add(String line) {
    JSONObject event = JSON.parseObject(line);
    events.add(event);
    String id = event.getString("id");
    switch (event.getString("e")) {
      case "send_inv" -> sent.put(id, event);
      case "send_ok" -> acknowledged.add(id);
      case "recv" ->
          received.computeIfAbsent(event.getString("group"), g -> new HashSet<>()).add(id);
      case "tx_end" -> {
        if (event.getString("result").equals("ok")) {
          recalls.put(id, event.getString("verdict"));
        }
      }
      default -> {}
    }
  }

  Set<String> lines(String kind, String field) {
    Set<String> values = new HashSet<>();
    events.stream()
        .filter(event -> event.getString("e").equals(kind))
        .forEach(event -> values.add(event.getString(field)));
    return values;
  }

  boolean any(Predicate<JSONObject> wanted) {
    return events.stream().anyMatch(wanted);
  }

  /** What does not flow yet of the messages sent after {@code since}: fewer than {@code count}. */
  List<String> standing(long since, int count) {
    List<String> standing = new ArrayList<>();
    LINES.forEach(
        (word, topics) -> {
          Set<String> got = received.getOrDefault(group(word), Set.of());
          for (String topic : topics) {
            long flowing =
                sent.values().stream()
                    .filter(one -> one.getLongValue("t") > since)
                    .filter(one -> one.getString("topic").equals(topic(topic)))
                    .filter(one -> got.contains(one.getString("id")))
                    .limit(count)
                    .count();
            if (flowing < count) {
              standing.add(topic);
            }
          }
        });
    long answered =
        events.stream()
            .filter(event -> event.getString("e").equals("told"))
            .filter(event -> event.getString("result").equals("ok"))
            .filter(event -> sent.get(event.getString("id")).getLongValue("t") > since)
            .limit(count)
            .count();
    if (answered < count) {
      standing.add("ask");
    }
    boolean recalled =
        recalls.entrySet().stream()
            .filter(one -> one.getValue().equals("rollback"))
            .anyMatch(one -> sent.get(one.getKey()).getLongValue("t") > since);
    if (!recalled) {
      standing.add("recall");
    }
    return standing;
  }

  /** Acknowledged messages of the topic that a group may not miss. */
  Set<String> owed(String topic) {
    Set<String> owed = new HashSet<>();
    for (String id : acknowledged) {
      JSONObject one = sent.get(id);
      boolean due =
          !one.getBooleanValue("tx")
              || "commit".equals(one.getString("fate"))
              || "commit".equals(recalls.get(id));
      if (one.getString("topic").equals(topic(topic)) && due && !one.getBooleanValue("hidden")) {
        owed.add(id);
      }
    }
    return owed;
  }

  Set<String> poison() {
    Set<String> poison = owed("poison");
    poison.removeIf(id -> !sent.get(id).containsKey("poison"));
    return poison;
  }

  /** How many owed messages have not come yet, by consumer and topic. */
  Map<String, Integer> missing() {
    Map<String, Integer> missing = new HashMap<>();
    LINES.forEach(
        (word, topics) -> {
          for (String topic : topics) {
            Set<String> owed = owed(topic);
            owed.removeAll(received.getOrDefault(group(word), Set.of()));
            if (!owed.isEmpty()) {
              missing.put(word + "/" + topic, owed.size());
            }
          }
        });
    return missing;
  }

  /**
   * Whoever was asked gave the same answer, and nothing is open any more: so these are the verdicts
   * that the broker accepted.
   */
  void noteVerdicts() {
    for (String id : acknowledged) {
      String fate = sent.get(id).getString("fate");
      if (fate != null) {
        history.note("tx_end", "id", id, "verdict", fate, "result", "ok");
      }
    }
  }

  void check() throws Exception {
    history.close();
    Path checker =
        Path.of(System.getProperty("work.dir")).resolve("../../../checkers/check.py").normalize();
    Process process =
        new ProcessBuilder("python3", checker.toString(), folder.toString())
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    System.out.print(said);
    assertEquals(0, process.waitFor(), said + "the history is kept in " + folder);
    Server.deleteTree(folder);
  }

  @Override
  public void close() throws IOException {
    history.close();
  }
}
