// Headers of the binary kind; what reads is written again in both kinds.
#include "fuzz/support/header_round_trip.h"
#include "wire/remoting/header.h"

using namespace oncemq;
using namespace oncemq::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Command command;
  const Frame frame{.kind = HeaderKind::kBinary,
                    .header = Bytes(reinterpret_cast<const std::byte*>(data), size),
                    .body = {}};
  if (command.decode(frame)) check_header_round_trip(command);
  return 0;
}
