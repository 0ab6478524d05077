// Reading of binary headers:
//
//   int16 code · int8 language · int16 version · int32 opaque · int32 flag
//   int32 remark length · remark
//   int32 length of all pairs · pairs: int16 name length · name · int32 value length · value
#include "wire/remoting/header.h"

namespace oncemq::wire {

namespace {

// A text with its length before it; false when they contradict each other.
template <class Length>
bool read_text(ByteReader& reader, std::string_view& into) {
  const auto length = reader.read<Length>();
  if (length < 0) return false;
  into = reader.read_text(static_cast<std::size_t>(length));
  return reader.ok();
}

}  // namespace

Status decode_binary_header(Bytes header, Command& command) {
  ByteReader reader(header);
  command.code = reader.read<std::int16_t>();
  command.language = language_of(static_cast<std::int64_t>(reader.read<std::uint8_t>()));
  command.version = reader.read<std::int16_t>();
  command.opaque = reader.read<std::int32_t>();
  command.flag = reader.read<std::int32_t>();
  if (!read_text<std::int32_t>(reader, command.remark))
    return fail(Errc::kBadBytes, "header: remark longer than the header");

  const auto ext_size = reader.read<std::int32_t>();
  if (!reader.ok() || ext_size < 0 || static_cast<std::size_t>(ext_size) > reader.remaining())
    return fail(Errc::kBadBytes, "header: fields longer than the header");
  ByteReader pairs(reader.read_bytes(static_cast<std::size_t>(ext_size)));
  while (pairs.remaining() > 0) {
    std::string_view name;
    std::string_view value;
    if (!read_text<std::int16_t>(pairs, name) || !read_text<std::int32_t>(pairs, value))
      return fail(Errc::kBadBytes, "header: field longer than its header");
    // compat: empty is absent on both sides of a pair (upstream RocketMQSerializable).
    if (name.empty() || value.empty()) continue;
    if (!command.ext.add(name, value)) return fail(Errc::kBadBytes, "header: too many fields");
  }
  return {};
}

}  // namespace oncemq::wire
