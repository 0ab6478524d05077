package oncemq.golden;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Writes every family of fixtures, or those named after the output folder. */
public final class Record {
  public static void main(String[] args) {
    // A store that failed half-way leaves threads behind, so the process is ended by hand.
    try {
      record(args);
      System.exit(0);
    } catch (Throwable e) {
      e.printStackTrace();
      System.exit(1);
    }
  }

  private static void record(String[] args) throws Exception {
    Path out = Path.of(args[0]);
    Set<String> wanted = Set.copyOf(List.of(args).subList(1, args.length));
    if (wanted.isEmpty() || wanted.contains("remoting")) {
      Frames.record(out.resolve("remoting"));
    }
    if (wanted.isEmpty() || wanted.contains("bodies")) {
      Bodies.record(out.resolve("bodies"));
    }
    if (wanted.isEmpty() || wanted.contains("values")) {
      Values.record(out.resolve("values"));
    }
    if (wanted.isEmpty() || wanted.contains("store")) {
      Records.record(out.resolve("store"));
    }
    if (wanted.isEmpty() || wanted.contains("broker")) {
      BrokerFolders.record(out.resolve("broker"));
    }
  }

  private Record() {}
}
