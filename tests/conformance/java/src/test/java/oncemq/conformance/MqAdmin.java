package oncemq.conformance;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Options;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.srvutil.ServerUtil;
import org.apache.rocketmq.tools.command.MQAdminStartup;
import org.apache.rocketmq.tools.command.SubCommand;

/**
 * The stock mqadmin tool inside this JVM. Several may run at a time: what a command prints is told
 * apart by the thread it runs on.
 */
final class MqAdmin extends MQAdminStartup {
  private static final ThreadLocal<ByteArrayOutputStream> captured = new ThreadLocal<>();
  private static final List<SubCommand> commands;

  static {
    // The tool fills its list anew on every start, which two starts at a time do not survive.
    initCommand();
    commands = List.copyOf(SUB_COMMANDS);
    System.setOut(routed(System.out));
    System.setErr(routed(System.err));
  }

  private static PrintStream routed(PrintStream console) {
    OutputStream router =
        new OutputStream() {
          @Override
          public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int offset, int length) {
            ByteArrayOutputStream mine = captured.get();
            if (mine == null) {
              console.write(bytes, offset, length);
            } else {
              mine.write(bytes, offset, length);
            }
          }

          @Override
          public void flush() throws IOException {
            console.flush();
          }
        };
    return new PrintStream(router, true, StandardCharsets.UTF_8);
  }

  static List<String> commandNames() {
    return commands.stream().map(SubCommand::commandName).toList();
  }

  /** Runs one command line, words separated by one space, and returns what it printed. */
  static String run(Server server, String commandLine) {
    return run(server, commandLine.split(" "));
  }

  /**
   * A command names its client after the millisecond it starts in; of two in the same one the
   * second is refused before it did anything, and is started again.
   */
  static String run(Server server, String... words) {
    String out = once(server, words);
    while (out.contains("has created already")) {
      out = once(server, words);
    }
    return out;
  }

  private static String once(Server server, String... words) {
    SubCommand known =
        commands.stream()
            .filter(one -> one.commandName().equals(words[0]))
            .findFirst()
            .orElseThrow();
    SubCommand command;
    try {
      // Some keep their client, and with it the server, for as long as they live.
      command = known.getClass().getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
    List<String> arguments = new ArrayList<>(Arrays.asList(words).subList(1, words.length));
    arguments.addAll(List.of("-n", server.namesrv()));
    System.setProperty(MixAll.NAMESRV_ADDR_PROPERTY, server.namesrv());
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    captured.set(out);
    try {
      Options options =
          command.buildCommandlineOptions(ServerUtil.buildCommandlineOptions(new Options()));
      CommandLine line =
          ServerUtil.parseCmdLine(
              "mqadmin " + words[0],
              arguments.toArray(String[]::new),
              options,
              new DefaultParser());
      command.execute(line, options, null);
    } catch (Exception e) {
      e.printStackTrace();
    } finally {
      captured.remove();
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  private MqAdmin() {}
}
