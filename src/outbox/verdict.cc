#include "outbox/verdict.h"

#include "wire/remoting/codes.h"

namespace oncemq::outbox {
namespace {

Verdict judge_code(std::int32_t code) {
  using wire::ResponseCode;
  switch (static_cast<ResponseCode>(code)) {
    case ResponseCode::kMessageIllegal:
    case ResponseCode::kNoPermission:
    case ResponseCode::kTopicNotExist:
    case ResponseCode::kInvalidParameter:
    case ResponseCode::kIdempotencyKeyConflict:
      return Verdict::kRefused;
    default:  // busy, starting, stopping, disk full, and numbers that nobody knows
      return Verdict::kAway;
  }
}

}  // namespace

Verdict judge(const sdk::Error& error) {
  switch (error.code) {
    case sdk::Errc::kMessageIllegal:
    case sdk::Errc::kInvalidArgument:
      return Verdict::kNever;
    case sdk::Errc::kTopicNotFound:
      return Verdict::kRefused;
    case sdk::Errc::kRefused:
      return judge_code(error.response_code);
    case sdk::Errc::kUnreachable:
    case sdk::Errc::kTimeout:
    case sdk::Errc::kBusy:
    case sdk::Errc::kWouldBlock:
    case sdk::Errc::kClosed:
    case sdk::Errc::kInternal:
      break;
  }
  return Verdict::kAway;
}

Verdict judge(sdk::Stored stored) {
  switch (stored) {
    case sdk::Stored::kSafe:
    case sdk::Stored::kReplicaGone:  // sending again would not make a replica
      return Verdict::kStored;
    case sdk::Stored::kFlushLate:
    case sdk::Stored::kReplicaLate:
      break;
  }
  return Verdict::kAway;
}

}  // namespace oncemq::outbox
