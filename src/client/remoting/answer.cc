#include "client/remoting/answer.h"

#include <string>

#include "base/check.h"
#include "wire/remoting/frame.h"

namespace oncemq::client {

using wire::ResponseCode;

Result<Answer> Answer::copy_of(Bytes frame) {
  Answer answer;
  answer.frame_.reset(new std::byte[frame.size()]);
  std::memcpy(answer.frame_.get(), frame.data(), frame.size());
  const wire::Cut cut = wire::cut_frame(Bytes(answer.frame_.get(), frame.size()));
  ONCE_CHECK(cut.state == wire::Cut::State::kComplete, "one whole frame");
  ONCE_TRY(answer.command_.decode(cut.frame));
  return answer;
}

Status Answer::status() const {
  if (code() == wire::number(ResponseCode::kSuccess)) return {};
  return fail(errc_of(code()), "code " + std::to_string(code()) + ": " + std::string(remark()));
}

Errc errc_of(std::int32_t response_code) {
  // A number of somebody else's: any value may come, so that a default is right here.
  switch (static_cast<ResponseCode>(response_code)) {
    case ResponseCode::kSystemBusy:
    case ResponseCode::kPollingFull:
    case ResponseCode::kFlowControl:
      return Errc::kBusy;
    case ResponseCode::kRequestCodeNotSupported:
    case ResponseCode::kVersionNotSupported:
      return Errc::kNotSupported;
    case ResponseCode::kFlushDiskTimeout:
      return Errc::kFlushTimeout;
    case ResponseCode::kFlushSlaveTimeout:
      return Errc::kReplicaTimeout;
    case ResponseCode::kSlaveNotAvailable:
      return Errc::kReplicaMissing;
    case ResponseCode::kMessageIllegal:
      return Errc::kMessageIllegal;
    case ResponseCode::kServiceNotAvailable:
    case ResponseCode::kGoAway:
      return Errc::kNotReady;
    case ResponseCode::kNoPermission:
      return Errc::kNoPermission;
    case ResponseCode::kTopicNotExist:
      return Errc::kTopicNotFound;
    case ResponseCode::kTopicExistAlready:
      return Errc::kTopicExists;
    case ResponseCode::kPullNotFound:
    case ResponseCode::kQueryNotFound:
    case ResponseCode::kNoMessage:
      return Errc::kMessageNotFound;
    case ResponseCode::kSubscriptionParseFailed:
      return Errc::kSubscriptionBroken;
    case ResponseCode::kSubscriptionNotExist:
      return Errc::kSubscriptionMissing;
    case ResponseCode::kSubscriptionNotLatest:
      return Errc::kSubscriptionStale;
    case ResponseCode::kSubscriptionGroupNotExist:
      return Errc::kGroupNotFound;
    case ResponseCode::kInvalidParameter:
      return Errc::kInvalidArgument;
    case ResponseCode::kConsumerNotOnline:
      return Errc::kConsumerOffline;
    case ResponseCode::kConsumeMsgTimeout:
      return Errc::kClientTimeout;
    case ResponseCode::kBroadcastConsumption:
      return Errc::kBroadcastGroup;
    default:
      return Errc::kInternal;
  }
}

}  // namespace oncemq::client
