package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A client's main class in a process; ended with {@link #close()} or {@link #kill()}. */
final class Child implements AutoCloseable {
  private final Path home;
  private final Path out;
  private final Process process;

  private Child(Class<?> main, List<String> flags, List<String> arguments) throws IOException {
    home = Files.createTempDirectory("client-");
    out = home.resolve("out");
    List<String> command = new ArrayList<>(Server.javaCommand("128m", home));
    command.addAll(1, flags);
    command.add(main.getName());
    command.addAll(arguments);
    process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
  }

  static Child start(List<String> flags, String... arguments) throws Exception {
    return start(ClientMain.class, flags, arguments);
  }

  static Child start(Class<?> main, List<String> flags, String... arguments) throws Exception {
    Child child = new Child(main, flags, List.of(arguments));
    child.await("STARTED", 1, 60_000);
    return child;
  }

  long pid() {
    return process.pid();
  }

  List<String> lines(String word) throws IOException {
    return Files.readString(out, StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.startsWith(word))
        .toList();
  }

  void await(String word, int count, long limitMs) throws Exception {
    long deadline = System.currentTimeMillis() + limitMs;
    while (lines(word).size() < count) {
      if (System.currentTimeMillis() > deadline || (!process.isAlive() && lines(word).size() < count)) {
        fail(lines(word).size() + " of " + count + " lines " + word + ": " + Files.readString(out));
      }
      Thread.sleep(20);
    }
  }

  /** The child reads the end of its standard input. */
  void endInput() throws IOException {
    process.getOutputStream().close();
  }

  /** kill -9 of this one process. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  int join() throws InterruptedException {
    return process.waitFor();
  }

  @Override
  public void close() {
    process.destroyForcibly();
    Server.deleteTree(home);
  }
}
