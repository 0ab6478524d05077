// Frames as they come from a socket: the cutter, and both headers behind it.
#include "wire/remoting/frame.h"

#include <string>

#include "base/check.h"
#include "wire/remoting/header.h"

using namespace oncemq;
using namespace oncemq::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes rest(reinterpret_cast<const std::byte*>(data), size);
  Command command;
  for (;;) {
    const Cut cut = cut_frame(rest, 1 << 20);
    if (cut.state == Cut::State::kBad) {
      ONCE_CHECK(!cut.why.empty());
      return 0;
    }
    if (cut.state == Cut::State::kIncomplete) {
      ONCE_CHECK(cut.size > rest.size(), "asked for what is there");
      return 0;
    }
    ONCE_CHECK(cut.size <= rest.size() && cut.size >= kFramePrefix);
    ONCE_CHECK(cut.frame.header.size() + cut.frame.body.size() + kFramePrefix == cut.size);
    (void)command.decode(cut.frame).has_value();
    rest = rest.subspan(cut.size);
  }
}
