#include "net/connection.h"

namespace oncemq::net {

std::string_view close_reason_name(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeerClosed:
      return "peer_closed";
    case CloseReason::kConnectFailed:
      return "connect_failed";
    case CloseReason::kIdle:
      return "idle";
    case CloseReason::kNoFirstBytes:
      return "no_first_bytes";
    case CloseReason::kFrameTooSlow:
      return "frame_too_slow";
    case CloseReason::kInTooLong:
      return "in_too_long";
    case CloseReason::kOutTooLong:
      return "out_too_long";
    case CloseReason::kBadBytes:
      return "bad_bytes";
    case CloseReason::kDone:
      return "done";
    case CloseReason::kStopping:
      return "stopping";
  }
  return "unknown";
}

}  // namespace oncemq::net
