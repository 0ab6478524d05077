// Transactions in the log and on the wire: what reads, written again, reads the same.
#include <string>
#include <vector>

#include "base/check.h"
#include "broker/atomic_record.h"
#include "wire/remoting/body/atomic.h"

using namespace oncemq;
using namespace oncemq::broker;

namespace {

void check_record(Bytes bytes) {
  const auto record = read_atomic_record(bytes);
  if (!record) return;
  std::vector<store::AppendItem> items(record->messages.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i].message = record->messages[i];
  const std::string first = write_atomic_record(record->id, record->acks, record->moves, items);
  const auto again = read_atomic_record(as_bytes(first));
  ONCE_CHECK(again.has_value());
  for (std::size_t i = 0; i < items.size(); ++i) items[i].message = again->messages[i];
  ONCE_CHECK(write_atomic_record(again->id, again->acks, again->moves, items) == first,
             "written again, it is another text");
}

void check_parts(Bytes bytes) {
  const auto parts = wire::decode_atomic_parts(bytes);
  if (!parts) return;
  const std::string first = wire::encode_atomic_parts(*parts);
  const auto again = wire::decode_atomic_parts(as_bytes(first));
  ONCE_CHECK(again.has_value());
  ONCE_CHECK(wire::encode_atomic_parts(*again) == first, "written again, it is another text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  check_record(bytes);
  check_parts(bytes);
  return 0;
}
