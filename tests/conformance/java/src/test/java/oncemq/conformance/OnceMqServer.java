package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
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
    command.addAll(List.of("--set", "httpListenPort=" + (brokerPort + 2)));
    settings.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
    Path log = home.resolve("oncemq.log");
    long from = size(log);
    process = launch(command, log);
    await(process, log, from, "ready in ");
  }

  /** Answer of the HTTP port, which must be 200. */
  public String page(String path) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + (brokerPort + 2) + path);
    HttpRequest request = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build();
    HttpResponse<String> answer =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(200, answer.statusCode(), answer.body());
    return answer.body();
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
