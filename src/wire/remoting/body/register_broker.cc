#include "wire/remoting/body/register_broker.h"

#include <array>
#include <charconv>
#include <limits>

#include <zlib.h>

#include "base/crc.h"
#include "base/json_codec.h"
#include "wire/remoting/body/references.h"
#include "wire/remoting/command.h"

namespace oncemq::wire {

namespace {

constexpr std::string_view kSingleTag = "SINGLE_TAG";
constexpr std::string_view kMultiTag = "MULTI_TAG";

Error bad_body(std::string_view why) {
  return Error{Errc::kBadBytes, "registration: " + std::string(why)};
}

Json mapping_tables(Json wrapper) {
  wrapper.set("topicQueueMappingDetailMap", Json::object());
  wrapper.set("topicQueueMappingInfoMap", Json::object());
  return wrapper;
}

// ---- the compressed form
//
//   int32 length · DataVersion as JSON
//   int32 topics · each: int32 length · text
//   int32 length · filter servers as JSON
//   int32 queue mappings · each: int32 length · JSON        (from version 5 on)

// Inflates as the reader asks, so that a small body cannot ask for more memory than its limit.
class Inflater {
 public:
  static Result<std::string> all(Bytes bytes) {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return fail(Errc::kInternal, "zlib does not start");
    std::string out;
    const Status status = run(stream, bytes, out);
    inflateEnd(&stream);
    if (!status) return fail(status.error());
    return out;
  }

 private:
  static Status run(z_stream& stream, Bytes bytes, std::string& out) {
    stream.avail_in = static_cast<uInt>(bytes.size());
    // zlib does not write to its input but has no const for it.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
    std::array<char, 16384> chunk;
    for (;;) {
      stream.avail_out = chunk.size();
      stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
      const int code = inflate(&stream, Z_NO_FLUSH);
      out.append(chunk.data(), chunk.size() - stream.avail_out);
      if (out.size() > kRegisterBodyLimit) return fail(bad_body("too large when decompressed"));
      if (code == Z_STREAM_END) return {};
      if (code != Z_OK) return fail(bad_body("not a zlib stream"));
    }
  }
};

std::string deflated(std::string_view text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string out(size, '\0');
  const int code = compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                             reinterpret_cast<const Bytef*>(text.data()),
                             static_cast<uLong>(text.size()), Z_DEFAULT_COMPRESSION);
  if (code != Z_OK) return {};
  out.resize(size);
  return out;
}

void append_sized(std::string& out, std::string_view text) {
  std::array<std::byte, 4> size;
  store_be(size.data(), static_cast<std::int32_t>(text.size()));
  out += as_text(size);
  out += text;
}
void append_count(std::string& out, std::size_t count) {
  std::array<std::byte, 4> bytes;
  store_be(bytes.data(), static_cast<std::int32_t>(count));
  out += as_text(bytes);
}

bool read_sized(ByteReader& reader, std::string_view& into) {
  const auto size = reader.read<std::int32_t>();
  if (size < 0) return false;
  into = reader.read_text(static_cast<std::size_t>(size));
  return reader.ok();
}

std::string topic_text(const model::TopicConfig& topic) {
  Json attributes = json_write(topic.attributes);
  return topic.name + ' ' + std::to_string(topic.read_queues) + ' ' +
         std::to_string(topic.write_queues) + ' ' + std::to_string(topic.perm) + ' ' +
         std::string(topic.multi_tag ? kMultiTag : kSingleTag) + ' ' + attributes.dump();
}

// The next word of `text`, which loses it and the space behind it.
std::string_view take_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

bool take_number(std::string_view& text, std::int32_t& into) {
  const std::string_view word = take_word(text);
  const char* last = word.data() + word.size();
  const auto [end, error] = std::from_chars(word.data(), last, into);
  return error == std::errc() && end == last;
}

Result<model::TopicConfig> topic_from_text(std::string_view text) {
  model::TopicConfig topic;
  topic.name = std::string(take_word(text));
  if (topic.name.empty() || !take_number(text, topic.read_queues) ||
      !take_number(text, topic.write_queues) || !take_number(text, topic.perm))
    return fail(bad_body("broken topic"));
  topic.multi_tag = take_word(text) == kMultiTag;
  // compat: unreadable attributes are no attributes (upstream TopicConfig.decode).
  if (!text.empty())
    if (const Result<Json> json = Json::parse(text); json.has_value())
      (void)json_read(*json, topic.attributes).has_value();
  return topic;
}

Result<RegisterBrokerBody> from_compressed(std::string_view text, std::int32_t sender_version) {
  RegisterBrokerBody body;
  ByteReader reader(as_bytes(text));
  std::string_view part;
  if (!read_sized(reader, part)) return fail(bad_body("ends within the data version"));
  const Result<Json> version = Json::parse(part);
  if (!version) return fail(version.error());
  Result<model::DataVersion> data_version = model::data_version_from_json(*version);
  if (!data_version) return fail(data_version.error());
  body.version = *data_version;

  const auto topics = reader.read<std::int32_t>();
  for (std::int32_t i = 0; i < topics; ++i) {
    if (!read_sized(reader, part)) return fail(bad_body("ends within the topics"));
    Result<model::TopicConfig> topic = topic_from_text(part);
    if (!topic) return fail(topic.error());
    std::string name = topic->name;
    body.topics.insert_or_assign(std::move(name), std::move(*topic));
  }

  if (!read_sized(reader, part)) return fail(bad_body("ends within the filter servers"));
  // compat: an unreadable list is an empty list.
  if (const Result<Json> servers = Json::parse(part); servers.has_value())
    (void)json_read(*servers, body.filter_servers).has_value();

  if (sender_version >= version::kV5_0_0) {
    const auto mappings = reader.read<std::int32_t>();
    for (std::int32_t i = 0; i < mappings; ++i)
      if (!read_sized(reader, part)) return fail(bad_body("ends within the queue mappings"));
  }
  if (!reader.ok()) return fail(bad_body("too short"));
  return body;
}

}  // namespace

std::string encode_register_body(const RegisterBrokerBody& body) {
  Json wrapper = model::topic_table_to_json(body.topics, body.version);
  Json sorted = Json::object();
  sorted.set("dataVersion", wrapper["dataVersion"]);
  sorted.set("mappingDataVersion", model::to_json(model::DataVersion{}));
  sorted.set("topicConfigTable", wrapper["topicConfigTable"]);
  Json out = Json::object();
  out.set("filterServerList", json_write(body.filter_servers));
  out.set("topicConfigSerializeWrapper", mapping_tables(std::move(sorted)));
  return out.dump();
}

std::string encode_register_body_compressed(const RegisterBrokerBody& body) {
  std::string text;
  append_sized(text, model::to_json(body.version).dump());
  append_count(text, body.topics.size());
  for (const auto& [name, topic] : body.topics) append_sized(text, topic_text(topic));
  append_sized(text, json_write(body.filter_servers).dump());
  append_count(text, 0);
  return deflated(text);
}

Result<RegisterBrokerBody> decode_register_body(Bytes bytes, bool compressed,
                                                std::int32_t sender_version) {
  if (compressed) {
    const Result<std::string> text = Inflater::all(bytes);
    if (!text) return fail(text.error());
    return from_compressed(*text, sender_version);
  }
  const Result<Json> json = parse_body(bytes);
  if (!json) return fail(json.error());
  // Brokers before 3.0.11 send the topic table alone.
  const bool wrapped = json->has("topicConfigSerializeWrapper");
  Result<model::TopicTableFile> table =
      model::topic_table_from_json(wrapped ? (*json)["topicConfigSerializeWrapper"] : *json);
  if (!table) return fail(table.error());
  RegisterBrokerBody body;
  body.topics = std::move(table->topics);
  body.version = table->version;
  if (Status read = json_read((*json)["filterServerList"], body.filter_servers); !read)
    return fail(read.error());
  return body;
}

std::int32_t register_body_crc(Bytes bytes) {
  return crc32_rocketmq(bytes);
}

}  // namespace oncemq::wire
