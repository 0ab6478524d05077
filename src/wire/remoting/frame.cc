#include "wire/remoting/frame.h"

namespace oncemq::wire {

namespace {

Cut bad(std::string_view why) {
  return Cut{.state = Cut::State::kBad, .why = why};
}
Cut incomplete(std::size_t needed) {
  return Cut{.state = Cut::State::kIncomplete, .size = needed};
}

}  // namespace

Cut cut_frame(Bytes bytes, std::size_t limit) {
  if (bytes.size() < 4) return incomplete(4);
  const auto total = load_be<std::int32_t>(bytes.data());
  if (total < 4) return bad("frame too short for its mark");
  const std::size_t size = static_cast<std::size_t>(total) + 4;
  if (size > limit) return bad("frame over the limit");

  if (bytes.size() < kFramePrefix) return incomplete(kFramePrefix);
  const auto mark = load_be<std::uint32_t>(bytes.data() + 4);
  const std::uint32_t kind = mark >> 24;
  if (kind > static_cast<std::uint32_t>(HeaderKind::kBinary)) return bad("unknown kind of header");
  const std::size_t header = mark & 0xffffff;
  if (header > size - kFramePrefix) return bad("header longer than its frame");

  if (bytes.size() < size) return incomplete(size);
  return Cut{.state = Cut::State::kComplete,
             .frame = {.kind = static_cast<HeaderKind>(kind),
                       .header = bytes.subspan(kFramePrefix, header),
                       .body = bytes.subspan(kFramePrefix + header, size - kFramePrefix - header)},
             .size = size};
}

}  // namespace oncemq::wire
