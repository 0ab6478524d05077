#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// Numbers of remoting answers. Request numbers stand in the structs of schema/.
namespace oncemq::wire {

enum class ResponseCode : std::int32_t {
  kSuccess = 0,
  kSystemError = 1,
  kSystemBusy = 2,
  kRequestCodeNotSupported = 3,
  kTransactionFailed = 4,
  kFlushDiskTimeout = 10,
  kSlaveNotAvailable = 11,
  kFlushSlaveTimeout = 12,
  kMessageIllegal = 13,
  kServiceNotAvailable = 14,
  kVersionNotSupported = 15,
  kNoPermission = 16,
  kTopicNotExist = 17,
  kTopicExistAlready = 18,
  kPullNotFound = 19,
  kPullRetryImmediately = 20,
  kPullOffsetMoved = 21,
  kQueryNotFound = 22,
  kSubscriptionParseFailed = 23,
  kSubscriptionNotExist = 24,
  kSubscriptionNotLatest = 25,
  kSubscriptionGroupNotExist = 26,
  kFilterDataNotExist = 27,
  kFilterDataNotLatest = 28,
  kInvalidParameter = 29,
  kNoBuyerId = 204,
  kNotInCurrentUnit = 205,
  kConsumerNotOnline = 206,
  kConsumeMsgTimeout = 207,
  kNoMessage = 208,
  kPollingFull = 209,
  kPollingTimeout = 210,
  kBrokerNotExist = 211,
  kBrokerDispatchNotComplete = 212,
  kBroadcastConsumption = 213,
  kFlowControl = 215,
  kNotLeaderForQueue = 501,
  kIllegalOperation = 604,
  kGoAway = 1500,
  // Ours; the number that the gRPC protocol has for it.
  kReceiptHandleInvalid = 40013,
  // Ours: the key was sent with another body before. No client sends again because of it.
  kIdempotencyKeyConflict = 40901,
  // Ours: the delivery is over or the group is elsewhere, so the transaction is not the one that
  // counts.
  kFenced = 40902,
};

// Every number above with its name in metrics: upstream's, without what it says twice.
struct ResponseCodeName {
  ResponseCode code;
  std::string_view name;
};
inline constexpr auto kResponseCodeNames = std::to_array<ResponseCodeName>({
    {ResponseCode::kSuccess, "SUCCESS"},
    {ResponseCode::kSystemError, "SYSTEM_ERROR"},
    {ResponseCode::kSystemBusy, "SYSTEM_BUSY"},
    {ResponseCode::kRequestCodeNotSupported, "REQUEST_CODE_NOT_SUPPORTED"},
    {ResponseCode::kTransactionFailed, "TRANSACTION_FAILED"},
    {ResponseCode::kFlushDiskTimeout, "FLUSH_DISK_TIMEOUT"},
    {ResponseCode::kSlaveNotAvailable, "SLAVE_NOT_AVAILABLE"},
    {ResponseCode::kFlushSlaveTimeout, "FLUSH_SLAVE_TIMEOUT"},
    {ResponseCode::kMessageIllegal, "MESSAGE_ILLEGAL"},
    {ResponseCode::kServiceNotAvailable, "SERVICE_NOT_AVAILABLE"},
    {ResponseCode::kVersionNotSupported, "VERSION_NOT_SUPPORTED"},
    {ResponseCode::kNoPermission, "NO_PERMISSION"},
    {ResponseCode::kTopicNotExist, "TOPIC_NOT_EXIST"},
    {ResponseCode::kTopicExistAlready, "TOPIC_EXIST_ALREADY"},
    {ResponseCode::kPullNotFound, "PULL_NOT_FOUND"},
    {ResponseCode::kPullRetryImmediately, "PULL_RETRY_IMMEDIATELY"},
    {ResponseCode::kPullOffsetMoved, "PULL_OFFSET_MOVED"},
    {ResponseCode::kQueryNotFound, "QUERY_NOT_FOUND"},
    {ResponseCode::kSubscriptionParseFailed, "SUBSCRIPTION_PARSE_FAILED"},
    {ResponseCode::kSubscriptionNotExist, "SUBSCRIPTION_NOT_EXIST"},
    {ResponseCode::kSubscriptionNotLatest, "SUBSCRIPTION_NOT_LATEST"},
    {ResponseCode::kSubscriptionGroupNotExist, "SUBSCRIPTION_GROUP_NOT_EXIST"},
    {ResponseCode::kFilterDataNotExist, "FILTER_DATA_NOT_EXIST"},
    {ResponseCode::kFilterDataNotLatest, "FILTER_DATA_NOT_LATEST"},
    {ResponseCode::kInvalidParameter, "INVALID_PARAMETER"},
    {ResponseCode::kNoBuyerId, "NO_BUYER_ID"},
    {ResponseCode::kNotInCurrentUnit, "NOT_IN_CURRENT_UNIT"},
    {ResponseCode::kConsumerNotOnline, "CONSUMER_NOT_ONLINE"},
    {ResponseCode::kConsumeMsgTimeout, "CONSUME_MSG_TIMEOUT"},
    {ResponseCode::kNoMessage, "NO_MESSAGE"},
    {ResponseCode::kPollingFull, "POLLING_FULL"},
    {ResponseCode::kPollingTimeout, "POLLING_TIMEOUT"},
    {ResponseCode::kBrokerNotExist, "BROKER_NOT_EXIST"},
    {ResponseCode::kBrokerDispatchNotComplete, "BROKER_DISPATCH_NOT_COMPLETE"},
    {ResponseCode::kBroadcastConsumption, "BROADCAST_CONSUMPTION"},
    {ResponseCode::kFlowControl, "FLOW_CONTROL"},
    {ResponseCode::kNotLeaderForQueue, "NOT_LEADER_FOR_QUEUE"},
    {ResponseCode::kIllegalOperation, "ILLEGAL_OPERATION"},
    {ResponseCode::kGoAway, "GO_AWAY"},
    {ResponseCode::kReceiptHandleInvalid, "RECEIPT_HANDLE_INVALID"},
    {ResponseCode::kIdempotencyKeyConflict, "IDEMPOTENCY_KEY_CONFLICT"},
    {ResponseCode::kFenced, "FENCED"},
});

constexpr std::int32_t number(ResponseCode code) {
  return static_cast<std::int32_t>(code);
}

}  // namespace oncemq::wire
