package oncemq.conformance;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A name server of one kind and a broker of the other. */
final class MixedServer extends ApacheServer {
  private final boolean apacheBroker;

  private MixedServer(Map<String, String> settings, int[] ports, boolean apacheBroker) {
    super(settings, null, ports);
    this.apacheBroker = apacheBroker;
  }

  static Server start(boolean apacheBroker) {
    Server server = new MixedServer(defaults(), freePorts(), apacheBroker);
    server.boot();
    return server;
  }

  @Override
  protected Process startNamesrv() {
    return apacheBroker
        ? oncemq("namesrv", home.resolve("names"), "namesrvListenPort=" + namesrvPort)
        : super.startNamesrv();
  }

  @Override
  protected Process startBroker() {
    if (apacheBroker) {
      return super.startBroker();
    }
    List<String> all = new ArrayList<>();
    settings.forEach((key, value) -> all.add(key + "=" + value));
    all.add("namesrvAddr=" + namesrv());
    all.add("listenPort=" + brokerPort);
    return oncemq("broker", data, all.toArray(String[]::new));
  }

  private Process oncemq(String role, Path folder, String... assignments) {
    List<String> command =
        new ArrayList<>(
            List.of(OnceMqServer.binary(), "serve", "--data", folder.toString(), "--roles", role));
    command.addAll(List.of("--set", "httpListenPort=0"));
    for (String assignment : assignments) {
      command.addAll(List.of("--set", assignment));
    }
    Path log = home.resolve("oncemq-" + role + ".log");
    long from = size(log);
    Process process = launch(command, log);
    await(process, log, from, "ready in ");
    return process;
  }
}
