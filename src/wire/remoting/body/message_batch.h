#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

// Body of SEND_BATCH_MESSAGE (320): messages one behind the other, each
//
//   int32 total size · int32 magic · int32 body CRC · int32 flag
//   int32 body length · body · int16 properties length · properties
//
// Magic and CRC are 0 from all senders and not read.
namespace oncemq::wire {

// Views into the batch.
struct BatchedMessage {
  std::int32_t flag = 0;
  Bytes body;
  std::string_view properties;
};

// Walks over a batch. Thread rule: confined.
class BatchReader {
 public:
  explicit BatchReader(Bytes batch) : rest_(batch) {}

  // The next message; false at the end. kBadBytes when sizes contradict each other or the batch.
  Result<bool> next(BatchedMessage& into);

 private:
  Bytes rest_;
};

// Messages in a batch, each checked. kBadBytes; an empty batch is refused.
Result<std::size_t> count_batch(Bytes batch);

// Appends one message. The caller keeps properties within 32767 bytes.
void append_to_batch(std::string& batch, const BatchedMessage& message);

}  // namespace oncemq::wire
