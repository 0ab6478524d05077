// JSON bodies of requests: heartbeat, locks, registration in both forms, and one keyed by queues.
#include "wire/remoting/body/body.h"

#include <string>

#include "base/check.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/queue_locks.h"
#include "wire/remoting/body/register_broker.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/command.h"

using namespace oncemq;
using namespace oncemq::wire;

namespace {

// Writing what was read, and reading that again, changes nothing more.
template <class Body>
void check(Bytes text) {
  const Result<Body> body = decode_body<Body>(text);
  if (!body) return;
  const std::string once = encode_body(*body);
  const Result<Body> again = decode_body<Body>(as_bytes(once));
  ONCE_CHECK(again.has_value(), "what we wrote does not read");
  ONCE_CHECK(encode_body(*again) == once, "not stable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes text(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      check<HeartbeatBody>(text);
      break;
    case 1:
      check<QueueLockBody>(text);
      break;
    case 2:
      check<ConsumeStats>(text);
      break;
    case 3:
      check<ConsumerRunningInfo>(text);
      break;
    case 4:
    case 5:
      (void)decode_register_body(text, data[0] % 6 == 4, version::kOurs).has_value();
      break;
  }
  return 0;
}
