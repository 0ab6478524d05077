package oncemq.conformance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The verbs of the program's command line, as a person or a script runs them. */
final class OnceMqTool {
  record Result(int code, String out, String errors) {}

  private static final long LIMIT_S = 120;

  static Process start(Server server, String... words) throws IOException {
    List<String> command = new ArrayList<>(List.of(OnceMqServer.binary()));
    command.addAll(List.of(words));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("ONCEMQ_NAMESRV", server.namesrv());
    builder.environment().put("USER", "tester");
    builder.redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")));
    return builder.start();
  }

  static Result run(Server server, String... words) throws Exception {
    Process process = start(server, words);
    String[] errors = new String[1];
    Thread reader =
        new Thread(
            () -> {
              try {
                errors[0] =
                    new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
              } catch (IOException e) {
                errors[0] = e.toString();
              }
            });
    reader.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IllegalStateException("no end: " + String.join(" ", words));
    }
    reader.join();
    return new Result(process.exitValue(), out, errors[0]);
  }

  private OnceMqTool() {}
}
