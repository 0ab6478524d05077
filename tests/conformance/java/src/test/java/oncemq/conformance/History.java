package oncemq.conformance;

import com.alibaba.fastjson.JSONObject;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * What one process saw, in the words of tests/checkers/history.py. A line is with the kernel when
 * {@link #note} returns, so a kill takes nothing back.
 */
final class History implements AutoCloseable {
  private final FileOutputStream out;

  History(Path folder, String name) throws IOException {
    out = new FileOutputStream(folder.resolve(name + ".jsonl").toFile(), true);
  }

  /** {@code fields}: name, value, name, value ... */
  synchronized void note(String kind, Object... fields) {
    JSONObject event = new JSONObject(true);
    // CLOCK_MONOTONIC, the same for all processes.
    event.put("t", System.nanoTime());
    event.put("e", kind);
    for (int i = 0; i < fields.length; i += 2) {
      event.put((String) fields[i], fields[i + 1]);
    }
    try {
      out.write((event.toJSONString() + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  // -- what senders and receivers must agree on --------------------------------------------------

  static byte[] body(String id) {
    return (id + "|" + "x".repeat(40)).getBytes(StandardCharsets.UTF_8);
  }

  static String id(byte[] body) {
    return new String(body, StandardCharsets.UTF_8).split("\\|", 2)[0];
  }

  static String digest(byte[] body) {
    return Integer.toHexString(Arrays.hashCode(body));
  }

  /**
   * The client hides the retry topic of a pulling group; the offset is one of that topic. The count
   * of rounds does not tell: what cannot be sent back is counted and tried again by the client.
   */
  static String storedTopic(String group, MessageExt message) {
    boolean retried = message.getProperty(MessageConst.PROPERTY_RETRY_TOPIC) != null;
    return retried ? "%RETRY%" + group : message.getTopic();
  }
}
