#pragma once

#include "base/strong.h"

namespace oncemq::model {

// Byte position in the commit log. Never restarts at 0 while the log lives.
using LogOffset = Strong<struct LogOffsetTag>;
// Index of a message in its queue (topic, queue id). Dense from the queue's minimum to its maximum.
using QueueOffset = Strong<struct QueueOffsetTag>;
// Next QueueOffset that a group wants from a queue.
using ConsumeOffset = Strong<struct ConsumeOffsetTag>;

// Ends (exclusive) of what is in the log buffer, in the kernel, on stable storage, and as far as
// the policy demands.
using AppendedOffset = Strong<struct AppendedTag>;
using FlushedOffset = Strong<struct FlushedTag>;
using DurableOffset = Strong<struct DurableTag>;
using CommittedOffset = Strong<struct CommittedTag>;

}  // namespace oncemq::model
