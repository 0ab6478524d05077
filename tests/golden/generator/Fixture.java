package oncemq.golden;

import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One binary file of concatenated cases and one JSON index that describes them. */
final class Fixture {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final List<Map<String, Object>> cases = new ArrayList<>();

  /** Adds bytes under a name; the returned map takes whatever else describes them. */
  Map<String, Object> add(String name, byte[] content) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("name", name);
    entry.put("offset", bytes.size());
    entry.put("length", content.length);
    bytes.writeBytes(content);
    cases.add(entry);
    return entry;
  }

  void write(Path folder, String stem) throws IOException {
    Files.createDirectories(folder);
    Files.write(folder.resolve(stem + ".bin"), bytes.toByteArray());
    writeJson(folder.resolve(stem + ".json"), cases);
  }

  /** Strict JSON, one key a line. */
  static void writeJson(Path file, Object value) throws IOException {
    Files.createDirectories(file.getParent());
    String text =
        JSON.toJSONString(
            value,
            SerializerFeature.PrettyFormat,
            SerializerFeature.DisableCircularReferenceDetect,
            SerializerFeature.WriteNonStringKeyAsString,
            SerializerFeature.WriteMapNullValue);
    Files.writeString(file, text + "\n");
  }

  static String hex(byte[] content) {
    return HexFormat.of().formatHex(content);
  }

  static byte[] bytes(ByteBuffer buffer) {
    ByteBuffer copy = buffer.duplicate();
    byte[] content = new byte[copy.remaining()];
    copy.get(content);
    return content;
  }
}
