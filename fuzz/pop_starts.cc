// The list of first offsets in the answer to a pop: what reads is written as a list that reads the
// same.
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/remoting/body/pop_info.h"

using namespace oncemq;
using namespace oncemq::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<PopStarts> starts =
      parse_pop_starts(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!starts) return 0;
  PopInfoWriter writer;
  for (const auto& [queue, start] : *starts) writer.begin_queue(queue.first, queue.second, start);
  const Result<PopStarts> again = parse_pop_starts(writer.start_offsets());
  ONCE_CHECK(again && *again == *starts);
  return 0;
}
