#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Transactions: the producer's verdict, and what operators do with half messages.
namespace oncemq::wire {

// Usually one-way. commitOrRollback: the transaction bits of a system flag.
struct EndTransactionRequest {
  static constexpr RequestMeta meta{.code = 37,
                                    .name = "END_TRANSACTION",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopic, Action::kPub}};
  struct Header {
    std::string_view topic;
    std::string_view producer_group;
    std::int64_t half_offset = 0;
    std::int64_t log_offset = 0;
    std::int32_t commit_or_rollback = 0;
    bool from_check = false;
    std::string_view message_id;
    std::string_view transaction_id;
    std::string_view broker_name;

    static constexpr auto fields = fields_of(
        field("topic", &Header::topic), field("producerGroup", &Header::producer_group, kRequired),
        field("tranStateTableOffset", &Header::half_offset, kRequired),
        field("commitLogOffset", &Header::log_offset, kRequired),
        field("commitOrRollback", &Header::commit_or_rollback, kRequired),
        field("fromTransactionCheck", &Header::from_check),
        field("msgId", &Header::message_id, kRequired),
        field("transactionId", &Header::transaction_id), field("bname", &Header::broker_name));
  };
  using Reply = NoFields;
};

// A discarded half message is asked about again; msgId is the offset id of its record.
struct ResumeCheckHalfMessage {
  static constexpr RequestMeta meta{.code = 323,
                                    .name = "RESUME_CHECK_HALF_MESSAGE",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  struct Header {
    std::string_view topic;
    std::string_view message_id;
    std::string_view broker_name;

    static constexpr auto fields =
        fields_of(field("topic", &Header::topic), field("msgId", &Header::message_id, kRequired),
                  field("bname", &Header::broker_name));
  };
  using Reply = NoFields;
};

// Ours. Half messages without verdict. Body of the answer: body/transactions.h.
struct ListTransactions {
  static constexpr RequestMeta meta{.code = 31021,
                                    .name = "LIST_TRANSACTIONS",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  struct Header {
    bool discarded = false;   // those instead of the open ones
    std::int64_t from = 0;    // as `next` of the answer before
    std::int32_t max = 1000;  // 1..1000

    static constexpr auto fields =
        fields_of(field("discarded", &Header::discarded), field("from", &Header::from, kRequired),
                  field("max", &Header::max, kRequired));
  };
  using Reply = NoFields;
};

// Ours. An operator's verdict about an open or discarded half message.
struct DecideTransaction {
  static constexpr RequestMeta meta{.code = 31022,
                                    .name = "DECIDE_TRANSACTION",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  struct Header {
    std::int64_t half_offset = 0;
    bool commit = false;

    static constexpr auto fields = fields_of(field("halfOffset", &Header::half_offset, kRequired),
                                             field("commit", &Header::commit, kRequired));
  };
  using Reply = NoFields;
};

using TransactionRequests =
    RequestList<EndTransactionRequest, ResumeCheckHalfMessage, ListTransactions, DecideTransaction>;

}  // namespace oncemq::wire
