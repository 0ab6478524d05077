#pragma once

#include "front/remoting/call.h"
#include "front/remoting/session.h"
#include "wire/remoting/command.h"

namespace oncemq::front {

// Hands a request to its family: looks the code up, checks role and guards, decodes the header.
// Unknown and unserved codes are answered 3.
void dispatch(LoopEdge& edge, Session& session, const wire::Command& command);
// The same for a request that was dispatched before and then held.
void redispatch(LoopEdge& edge, Call call, Session& session, const wire::Command& command);

}  // namespace oncemq::front
