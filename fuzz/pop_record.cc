// POP's operations in the log: what reads, written again, reads the same; rows keep their order
// whatever the operations say.
#include "broker/pop_record.h"

#include <string>
#include <vector>

#include "base/check.h"
#include "broker/pop_queue.h"

using namespace oncemq;
using namespace oncemq::broker;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  PopRecordWriter writer;
  PopQueue queue;
  const Status whole = read_pop_record(Bytes(reinterpret_cast<const std::byte*>(data), size),
                                       [&](const PopOperation& operation) {
                                         writer.add(operation);
                                         queue.apply(operation, 1'000, 1'000);
                                         ONCE_CHECK(queue.low() <= queue.next());
                                         ONCE_CHECK(queue.decided() == 0);
                                       });
  if (!whole || writer.empty()) return 0;
  const std::string first = writer.take();
  PopRecordWriter second;
  ONCE_CHECK(read_pop_record(as_bytes(first), [&](const PopOperation& operation) {
               second.add(operation);
             }).has_value());
  ONCE_CHECK(second.body() == first, "written again, it is another text");
  return 0;
}
