package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every command of mqadmin 5.3.3, run against Apache's broker and against ours on the same topics,
 * groups and messages: the same lines, or, where a part is missing here, a refusal that says so.
 */
@OnceMqOnly("needs both implementations")
class MqAdminCompareTest {
  private static MqAdminWorld apache;
  private static MqAdminWorld ours;

  @BeforeAll
  static void runAll() throws Exception {
    // One after the other: the tool keeps the name server's address in a property of the JVM.
    apache = MqAdminWorld.run(true, MqAdminCommands.all());
    ours = MqAdminWorld.run(false, MqAdminCommands.all());
    // Kept for whoever looks into a difference.
    Path folder = Files.createDirectories(Path.of(System.getProperty("work.dir"), "mqadmin"));
    for (MqAdminCommands.Case one : MqAdminCommands.all()) {
      Files.writeString(folder.resolve(one.name() + ".apache"), apache.shown(one) + "\n");
      Files.writeString(folder.resolve(one.name() + ".oncemq"), ours.shown(one) + "\n");
    }
  }

  @AfterAll
  static void end() {
    for (MqAdminWorld world : new MqAdminWorld[] {apache, ours}) {
      if (world != null) {
        world.close();
      }
    }
  }

  static Stream<MqAdminCommands.Case> cases() {
    return MqAdminCommands.all().stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void printsTheSame(MqAdminCommands.Case one) {
    String theirs = apache.shown(one);
    String mine = ours.shown(one);
    switch (one.how()) {
      case SAME -> assertEquals(theirs, mine);
      case SAME_LINES -> assertEquals(sorted(theirs), sorted(mine));
      case UNTIL_TRACK -> assertEquals(beforeTrack(theirs), beforeTrack(mine));
      case FIRST_WORDS -> {
        TreeSet<String> missing = new TreeSet<>(firstWords(theirs));
        missing.removeAll(firstWords(mine));
        missing.removeIf(word -> one.words().stream().anyMatch(word::startsWith));
        assertTrue(missing.isEmpty(), "not printed: " + missing + "\n" + mine);
      }
      case BOTH_SAY -> {
        for (String word : one.words()) {
          assertTrue(theirs.contains(word), "Apache does not say <" + word + ">: " + theirs);
          assertTrue(mine.contains(word), "not said: <" + word + ">: " + mine);
        }
      }
      case REFUSED -> {
        for (String word : one.words()) {
          assertTrue(mine.contains(word), "not said: <" + word + ">: " + mine);
        }
      }
      default -> throw new IllegalStateException();
    }
  }

  @Test
  void noCommandIsLeftOut() {
    TreeSet<String> known = new TreeSet<>(MqAdmin.commandNames());
    known.removeAll(
        MqAdminCommands.all().stream().map(MqAdminCommands.Case::command).collect(Collectors.toSet()));
    assertEquals(MqAdminCommands.LOCAL, known, "commands that neither run here nor are local ones");
  }

  private static String sorted(String out) {
    return out.lines().sorted().collect(Collectors.joining("\n"));
  }

  /** Without the tracks, and with the properties in one order. */
  private static String beforeTrack(String out) {
    return out.lines()
        .takeWhile(line -> !line.startsWith("MessageTrack"))
        .map(
            line ->
                line.startsWith("Properties:")
                    ? Stream.of(line.split("[{},:]"))
                        .map(String::trim)
                        .sorted()
                        .collect(Collectors.joining(","))
                    : line)
        .collect(Collectors.joining("\n"));
  }

  /** The address in front of each line of a whole cluster's answer is no word. */
  private static List<String> firstWords(String out) {
    return out.lines()
        .map(line -> line.replace("{broker}", ""))
        .map(String::trim)
        .filter(line -> !line.isEmpty())
        .map(line -> line.split("[\\s=:]+")[0])
        .toList();
  }
}
