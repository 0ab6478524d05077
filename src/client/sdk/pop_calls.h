#pragma once

#include <cstdint>

#include "client/sdk/calls.h"
#include "client/sdk/popped.h"
#include "client/sdk/session.h"
#include "oncemq/pop_consumer.h"

// What becomes of a message that was popped. `session` and `options` outlive the calls; the caller
// sets `on_answer`.
namespace oncemq::sdk {

Calls::Call ack_call(Session& session, const PopConsumerOptions& options, HandleParts handle);
// Made once: a broker that has changed it does not know the handle any more.
Calls::Call change_call(Session& session, const PopConsumerOptions& options, HandleParts handle,
                        std::int64_t invisible_ms);

}  // namespace oncemq::sdk
