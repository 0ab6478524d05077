// Bodies of batch sends; what reads is written again byte for byte, but for the two members that
// nobody reads.
#include "wire/remoting/body/message_batch.h"

#include <string>

#include "base/check.h"

using namespace oncemq;
using namespace oncemq::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes batch(reinterpret_cast<const std::byte*>(data), size);
  const Result<std::size_t> count = count_batch(batch);
  BatchReader reader(batch);
  BatchedMessage message;
  std::string again;
  std::size_t read = 0;
  for (;;) {
    const Result<bool> more = reader.next(message);
    if (!more) {
      ONCE_CHECK(!count, "counted, but does not read");
      return 0;
    }
    if (!*more) break;
    ++read;
    append_to_batch(again, message);
  }
  ONCE_CHECK(count ? *count == read : read == 0);
  ONCE_CHECK(again.size() == size);
  return 0;
}
