// Bodies of batch acks: whatever reads is inside the bounds.
#include "base/check.h"
#include "wire/remoting/body/pop_info.h"

using namespace oncemq;
using namespace oncemq::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto entries = decode_batch_ack(Bytes(reinterpret_cast<const std::byte*>(data), size));
  if (!entries) return 0;
  std::size_t messages = 0;
  for (const BatchAckEntry& entry : *entries) {
    messages += entry.offsets.size();
    for (std::int64_t offset : entry.offsets)
      ONCE_CHECK(offset >= entry.start_offset &&
                 offset - entry.start_offset < static_cast<std::int64_t>(kBatchAckSpan));
  }
  ONCE_CHECK(messages <= kBatchAckMax);
  return 0;
}
