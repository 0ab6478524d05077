// Receipt handles as clients send them back: what reads is written as a handle that reads the same.
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/remoting/body/pop_info.h"

using namespace oncemq;
using namespace oncemq::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<ReceiptHandle> handle = parse_receipt_handle(text);
  if (!handle) return 0;
  const std::string written = format_receipt_handle(*handle);
  const Result<ReceiptHandle> again = parse_receipt_handle(written);
  ONCE_CHECK(again && again->offset == handle->offset && again->pop_time == handle->pop_time &&
             again->start_offset == handle->start_offset && again->broker == handle->broker &&
             again->source == handle->source && again->queue_id == handle->queue_id);
  return 0;
}
