package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** A broker of its own for each class, which makes duplicates when it is told to. */
abstract class FaultsAllowedTest extends ClientTest {
  private static Server own;

  @BeforeAll
  static void start() {
    own = Server.start("allowFaults", "true");
  }

  @AfterAll
  static void stop() {
    own.close();
  }

  @Override
  protected Server server() {
    return own;
  }

  /** What the command line tool said. */
  protected static String tool(String... words) throws Exception {
    OnceMqTool.Result result = OnceMqTool.run(own, words);
    assertEquals(0, result.code(), result.errors());
    return result.out();
  }
}
