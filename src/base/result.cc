#include "base/result.h"

namespace oncemq {

std::string_view errc_name(Errc code) {
  switch (code) {
    case Errc::kInternal:
      return "internal";
    case Errc::kBusy:
      return "busy";
    case Errc::kBadBytes:
      return "bad_bytes";
    case Errc::kInvalidArgument:
      return "invalid_argument";
    case Errc::kNotSupported:
      return "not_supported";
    case Errc::kNoPermission:
      return "no_permission";
    case Errc::kTopicNotFound:
      return "topic_not_found";
    case Errc::kTopicExists:
      return "topic_exists";
    case Errc::kGroupNotFound:
      return "group_not_found";
    case Errc::kMessageIllegal:
      return "message_illegal";
    case Errc::kMessageNotFound:
      return "message_not_found";
    case Errc::kOffsetNotFound:
      return "offset_not_found";
    case Errc::kSubscriptionBroken:
      return "subscription_broken";
    case Errc::kSubscriptionMissing:
      return "subscription_missing";
    case Errc::kSubscriptionStale:
      return "subscription_stale";
    case Errc::kFilterMissing:
      return "filter_missing";
    case Errc::kFilterStale:
      return "filter_stale";
    case Errc::kConsumerOffline:
      return "consumer_offline";
    case Errc::kClientTimeout:
      return "client_timeout";
    case Errc::kBroadcastGroup:
      return "broadcast_group";
    case Errc::kNotReady:
      return "not_ready";
    case Errc::kNotWritable:
      return "not_writable";
    case Errc::kFlushTimeout:
      return "flush_timeout";
    case Errc::kReplicaTimeout:
      return "replica_timeout";
    case Errc::kReplicaMissing:
      return "replica_missing";
    case Errc::kNotFound:
      return "not_found";
    case Errc::kInUse:
      return "in_use";
    case Errc::kNoSpace:
      return "no_space";
    case Errc::kIo:
      return "io";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kKeyConflict:
      return "key_conflict";
    case Errc::kFenced:
      return "fenced";
  }
  return "unknown";
}

}  // namespace oncemq
