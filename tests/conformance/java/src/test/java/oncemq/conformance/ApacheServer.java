package oncemq.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;

/** Apache RocketMQ from the class path: one JVM for the name server, one for the broker. */
public class ApacheServer extends Server {
  private static final String NAMESRV = "org.apache.rocketmq.namesrv.NamesrvStartup";
  private static final String BROKER_MAIN = "org.apache.rocketmq.broker.BrokerStartup";

  private Process namesrv;
  private Process broker;

  ApacheServer(Map<String, String> settings, Path data, int[] ports) {
    super(settings, data, ports);
  }

  @Override
  public void boot() {
    if (namesrv == null || !namesrv.isAlive()) {
      namesrv = startNamesrv();
    }
    broker = startBroker();
    awaitRegistration();
  }

  protected Process startNamesrv() {
    Path conf =
        write(
            "namesrv.conf",
            "listenPort=" + namesrvPort + "\nkvConfigPath=" + home + "/kvConfig.json\n");
    return run(NAMESRV, conf, "128m", "The Name Server boot success");
  }

  protected Process startBroker() {
    settings.put("namesrvAddr", namesrv());
    settings.put("listenPort", String.valueOf(brokerPort));
    settings.put("storePathRootDir", data.toString());
    settings.put("storePathCommitLog", data.resolve("commitlog").toString());
    String lines =
        settings.entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue() + "\n")
            .collect(Collectors.joining());
    return run(BROKER_MAIN, write("broker.conf", lines), "400m", "boot success");
  }

  /** The broker says that it is up some seconds before the name server knows it. */
  private void awaitRegistration() {
    long deadline = System.currentTimeMillis() + 30_000;
    while (System.currentTimeMillis() < deadline) {
      try (Wire wire = new Wire(namesrv())) {
        RemotingCommand answer =
            wire.call(Wire.request(RequestCode.GET_BROKER_CLUSTER_INFO, null));
        if (answer.getBody() != null
            && new String(answer.getBody(), StandardCharsets.UTF_8).contains(broker())) {
          return;
        }
      } catch (Exception e) {
        // Not there yet: asked again until the deadline.
      }
      pause(100);
    }
    throw new IllegalStateException("the broker did not register");
  }

  private Process run(String main, Path conf, String heap, String sign) {
    List<String> command = javaCommand(heap, home);
    command.addAll(List.of(main, "-c", conf.toString()));
    Path log = home.resolve(main.substring(main.lastIndexOf('.') + 1) + ".log");
    long from = size(log);
    Process process = launch(command, log);
    await(process, log, from, sign);
    return process;
  }

  private Path write(String name, String text) {
    try {
      return Files.writeString(home.resolve(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public long pid() {
    return broker.pid();
  }

  @Override
  public void kill() {
    endNow(broker);
  }

  @Override
  public void stop() {
    end(broker, "broker");
  }

  @Override
  protected void endNamesrv() {
    end(namesrv, "name server");
  }
}
