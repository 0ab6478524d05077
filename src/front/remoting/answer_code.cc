#include "front/remoting/answer_code.h"

namespace oncemq::front {

wire::ResponseCode answer_code(Errc code) {
  using wire::ResponseCode;
  switch (code) {
    case Errc::kInternal:
    case Errc::kBadBytes:
    case Errc::kInUse:
    case Errc::kIo:
    case Errc::kCorrupt:
      return ResponseCode::kSystemError;
    case Errc::kBusy:
      return ResponseCode::kSystemBusy;
    case Errc::kInvalidArgument:
      return ResponseCode::kInvalidParameter;
    case Errc::kNotSupported:
      return ResponseCode::kRequestCodeNotSupported;
    case Errc::kNoPermission:
      return ResponseCode::kNoPermission;
    case Errc::kTopicNotFound:
      return ResponseCode::kTopicNotExist;
    case Errc::kTopicExists:
      return ResponseCode::kTopicExistAlready;
    case Errc::kGroupNotFound:
      return ResponseCode::kSubscriptionGroupNotExist;
    case Errc::kMessageIllegal:
      return ResponseCode::kMessageIllegal;
    case Errc::kMessageNotFound:
    case Errc::kOffsetNotFound:
    case Errc::kNotFound:
      return ResponseCode::kQueryNotFound;
    case Errc::kSubscriptionBroken:
      return ResponseCode::kSubscriptionParseFailed;
    case Errc::kSubscriptionMissing:
      return ResponseCode::kSubscriptionNotExist;
    case Errc::kSubscriptionStale:
      return ResponseCode::kSubscriptionNotLatest;
    case Errc::kFilterMissing:
      return ResponseCode::kFilterDataNotExist;
    case Errc::kFilterStale:
      return ResponseCode::kFilterDataNotLatest;
    case Errc::kConsumerOffline:
      return ResponseCode::kConsumerNotOnline;
    case Errc::kClientTimeout:
      return ResponseCode::kConsumeMsgTimeout;
    case Errc::kBroadcastGroup:
      return ResponseCode::kBroadcastConsumption;
    case Errc::kNotReady:
    case Errc::kNotWritable:
    case Errc::kNoSpace:
      return ResponseCode::kServiceNotAvailable;
    case Errc::kFlushTimeout:
      return ResponseCode::kFlushDiskTimeout;
    case Errc::kReplicaTimeout:
      return ResponseCode::kFlushSlaveTimeout;
    case Errc::kReplicaMissing:
      return ResponseCode::kSlaveNotAvailable;
    case Errc::kKeyConflict:
      return ResponseCode::kIdempotencyKeyConflict;
    case Errc::kFenced:
      return ResponseCode::kFenced;
  }
  return ResponseCode::kSystemError;
}

}  // namespace oncemq::front
