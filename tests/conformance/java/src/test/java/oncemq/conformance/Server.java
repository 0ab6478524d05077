package oncemq.conformance;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A name server and a broker on 127.0.0.1 that a test starts, kills and starts again.
 *
 * <p>Two implementations: {@link OnceMqServer} (one process) and {@link ApacheServer} (two JVMs).
 * Which one a suite runs against is the system property {@code server}. The data folder belongs to
 * the server object, survives {@link #kill()} and {@link #stop()}, and is removed by
 * {@link #close()} unless it was given from outside.
 */
public abstract class Server implements AutoCloseable {
  public static final String CLUSTER = "DefaultCluster";
  public static final String BROKER = "broker-a";

  private static final long START_LIMIT_MS = 60_000;
  private static final long STOP_LIMIT_MS = 30_000;

  private static Server shared;

  protected final Path home;
  protected final Path data;
  protected final Map<String, String> settings;
  protected final int brokerPort;
  protected final int namesrvPort;
  private final boolean ownsData;

  protected Server(Map<String, String> settings, Path givenData, int[] ports) {
    try {
      this.home = Files.createTempDirectory("conformance-");
      this.ownsData = givenData == null;
      this.data = ownsData ? Files.createDirectories(home.resolve("data")) : givenData;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.settings = new LinkedHashMap<>(settings);
    this.brokerPort = ports[0];
    this.namesrvPort = ports[1];
  }

  // -- which server ---------------------------------------------------------------------------

  public static boolean apache() {
    return "apache".equals(System.getProperty("server", "oncemq"));
  }

  /** Starts the server under test with an empty data folder of its own. */
  public static Server start(String... keyValues) {
    return start(pairs(keyValues), null);
  }

  /** The same on a folder that exists; the folder is left alone on close. */
  public static Server startOn(Path data, String... keyValues) {
    return start(pairs(keyValues), data);
  }

  private static Server start(Map<String, String> settings, Path data) {
    Map<String, String> all = new LinkedHashMap<>(defaults());
    all.putAll(settings);
    return boot(apache(), all, data, freePorts());
  }

  private static Server boot(boolean apache, Map<String, String> all, Path data, int[] ports) {
    Server server =
        apache ? new ApacheServer(all, data, ports) : new OnceMqServer(all, data, ports);
    server.boot();
    return server;
  }

  /** One named implementation on a given folder, whichever one is under test. */
  public static Server startKind(boolean apache, Path data, String... keyValues) {
    Map<String, String> all = new LinkedHashMap<>(defaults());
    all.putAll(pairs(keyValues));
    return boot(apache, all, data, freePorts());
  }

  /** The other implementation (or the same again) with this one's folder, settings and ports. */
  public Server successor(boolean apache) {
    Map<String, String> all = new LinkedHashMap<>(settings);
    all.keySet().removeAll(List.of("namesrvAddr", "listenPort", "storePathRootDir", "storePathCommitLog"));
    return boot(apache, all, data, new int[] {brokerPort, namesrvPort});
  }

  /** One server for every test class that needs nothing special; it ends with the JVM. */
  public static synchronized Server shared() {
    if (shared == null) {
      shared = start();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> shared.close()));
    }
    return shared;
  }

  /** Small files and short delays, so that a suite takes minutes instead of hours. */
  public static Map<String, String> defaults() {
    Map<String, String> defaults = new LinkedHashMap<>();
    defaults.put("brokerName", BROKER);
    defaults.put("brokerClusterName", CLUSTER);
    defaults.put("brokerIP1", "127.0.0.1");
    defaults.put("messageDelayLevel", "1s 2s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s");
    defaults.put("mappedFileSizeCommitLog", String.valueOf(64 << 20));
    defaults.put("waitTimeMillsInSendQueue", "3000");
    defaults.put("enablePropertyFilter", "true");
    defaults.put("traceTopicEnable", "true");
    return defaults;
  }

  // -- what tests use -------------------------------------------------------------------------

  public String namesrv() {
    return "127.0.0.1:" + namesrvPort;
  }

  public String broker() {
    return "127.0.0.1:" + brokerPort;
  }

  public Path data() {
    return data;
  }

  /** Process id of the broker. */
  public abstract long pid();

  /** Starts the processes on the same ports and folder; returns when the broker answers. */
  public abstract void boot();

  /** kill -9 of the broker; the name server lives on where it is a process of its own. */
  public abstract void kill();

  /** SIGTERM and wait for the broker to end by itself. */
  public abstract void stop();

  public void restart() {
    stop();
    boot();
  }

  @Override
  public void close() {
    stop();
    endNamesrv();
    deleteTree(home);
  }

  protected void endNamesrv() {}

  // -- processes ------------------------------------------------------------------------------

  protected Process launch(List<String> command, Path log) {
    try {
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.directory(home.toFile());
      builder.environment().put("ROCKETMQ_HOME", home.toString());
      builder.environment().remove("NAMESRV_ADDR");
      builder.redirectErrorStream(true);
      builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
      return builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for a line of the log that contains {@code sign}, counting from byte {@code from}. */
  protected static void await(Process process, Path log, long from, String sign) {
    long deadline = System.currentTimeMillis() + START_LIMIT_MS;
    while (System.currentTimeMillis() < deadline) {
      String text = textFrom(log, from);
      if (text.contains(sign)) {
        return;
      }
      if (!process.isAlive()) {
        throw new IllegalStateException(
            "server ended with " + process.exitValue() + ": " + textFrom(log, from));
      }
      pause(20);
    }
    process.destroyForcibly();
    throw new IllegalStateException("server not ready: " + textFrom(log, from));
  }

  protected static long size(Path log) {
    try {
      return Files.exists(log) ? Files.size(log) : 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String textFrom(Path log, long from) {
    try {
      byte[] bytes = Files.exists(log) ? Files.readAllBytes(log) : new byte[0];
      int start = (int) Math.min(from, bytes.length);
      return new String(bytes, start, bytes.length - start, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGTERM, then patience; a server that does not end in time fails the test. */
  protected static void end(Process process, String name) {
    if (process == null || !process.isAlive()) {
      return;
    }
    process.destroy();
    try {
      if (!process.waitFor(STOP_LIMIT_MS, TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor();
        throw new IllegalStateException(name + " did not end after SIGTERM");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  protected static void endNow(Process process) {
    if (process == null) {
      return;
    }
    try {
      process.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  public static List<String> javaCommand(String heap, Path userHome) {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(
        List.of("-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
    command.add("-Duser.home=" + userHome);
    for (String open :
        List.of("java.nio", "sun.nio.ch", "java.lang", "java.util", "jdk.internal.misc")) {
      command.add("--add-opens=java.base/" + open + "=ALL-UNNAMED");
    }
    command.add("--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    return command;
  }

  // -- small things ---------------------------------------------------------------------------

  private static Map<String, String> pairs(String... keyValues) {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < keyValues.length; i += 2) {
      map.put(keyValues[i], keyValues[i + 1]);
    }
    return map;
  }

  /**
   * Ports below the kernel's ephemeral range, so that no outgoing connection can take one between
   * the check and the start: broker P with P-2 and P+1 beside it, HTTP P+2, name server P+5.
   */
  static int[] freePorts() {
    for (int attempt = 0; attempt < 200; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(1500, 3200) * 10 + 3;
      if (free(port - 2) && free(port) && free(port + 1) && free(port + 2) && free(port + 5)) {
        return new int[] {port, port + 5};
      }
    }
    throw new IllegalStateException("no free ports");
  }

  private static boolean free(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getByName("0.0.0.0"), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  protected static void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  public static void deleteTree(Path root) {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(root)) {
      paths.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
