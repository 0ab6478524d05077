#include "model/message_id.h"

#include <algorithm>
#include <array>

#include "base/hex.h"

namespace oncemq::model {
namespace {

constexpr std::size_t kSizeV4 = 4 + 4 + 8;
constexpr std::size_t kSizeV6 = 16 + 4 + 8;

}  // namespace

std::size_t write_offset_message_id(const Address& store_host, LogOffset offset, char* into) {
  std::array<std::byte, kSizeV6> bytes;
  const Bytes ip = store_host.ip_bytes();
  std::copy(ip.begin(), ip.end(), bytes.begin());
  store_be<std::int32_t>(bytes.data() + ip.size(), store_host.port);
  store_be<std::int64_t>(bytes.data() + ip.size() + 4, offset.value);
  return write_hex(Bytes(bytes).first(ip.size() + 12), into);
}

std::string offset_message_id(const Address& store_host, LogOffset offset) {
  char text[2 * kSizeV6];
  return std::string(text, write_offset_message_id(store_host, offset, text));
}

Result<ParsedMessageId> parse_offset_message_id(std::string_view id) {
  const bool is_v6 = id.size() == 2 * kSizeV6;
  std::array<std::byte, kSizeV6> bytes;
  if ((!is_v6 && id.size() != 2 * kSizeV4) || !read_hex(id, bytes))
    return fail(Errc::kInvalidArgument, "'" + std::string(id) + "' is not an offset message id");
  ByteReader from(bytes);
  ParsedMessageId result;
  result.store_host.is_v6 = is_v6;
  const Bytes ip = from.read_bytes(is_v6 ? 16 : 4);
  std::copy(ip.begin(), ip.end(), result.store_host.ip.begin());
  const auto port = from.read<std::int32_t>();
  if (port < 0 || port > 65535)
    return fail(Errc::kInvalidArgument, "'" + std::string(id) + "' names an impossible port");
  result.store_host.port = static_cast<std::uint16_t>(port);
  result.offset.value = from.read<std::int64_t>();
  return result;
}

}  // namespace oncemq::model
