#pragma once

#include "broker/sender.h"
#include "front/remoting/send_lane.h"
#include "net/connection.h"
#include "wire/remoting/command.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {

// What a send header says, ready to be staged into the lane's batch: what does not live until the
// end of the tick by itself is kept by the lane. A batch has its parts added by the caller.
broker::SendRequest send_request(SendLane& lane, const wire::SendHeader& header,
                                 const wire::Command& command, const net::Connection& connection);

}  // namespace oncemq::front
