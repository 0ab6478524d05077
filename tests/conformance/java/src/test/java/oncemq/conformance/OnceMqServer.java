package oncemq.conformance;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The binary of this project with both roles in one process. */
public final class OnceMqServer extends Server {
  private Process process;

  OnceMqServer(Map<String, String> settings, Path data, int[] ports) {
    super(settings, data, ports);
  }

  @Override
  public void boot() {
    List<String> command = new ArrayList<>(List.of(binary(), "serve", "--data", data.toString()));
    command.addAll(List.of("--set", "listenPort=" + brokerPort));
    command.addAll(List.of("--set", "namesrvListenPort=" + namesrvPort));
    settings.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
    Path log = home.resolve("oncemq.log");
    long from = size(log);
    process = launch(command, log);
    await(process, log, from, "ready in ");
  }

  static String binary() {
    return Path.of(System.getProperty("oncemq.binary")).toAbsolutePath().normalize().toString();
  }

  @Override
  public long pid() {
    return process.pid();
  }

  @Override
  public void kill() {
    endNow(process);
  }

  @Override
  public void stop() {
    end(process, "oncemq");
  }
}
