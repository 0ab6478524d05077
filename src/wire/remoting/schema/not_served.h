#pragma once

#include <array>

#include "wire/remoting/schema.h"

// Requests that exist in RocketMQ and are answered "not supported" (3) here, with the reason that
// docs/compat.md prints.
namespace oncemq::wire {

namespace reason {
inline constexpr std::string_view kObsolete = "obsolete: no client in use sends it";
inline constexpr std::string_view kTimer =
    "asked by replicas only; the progress of timers is in an own format";
inline constexpr std::string_view kReplication = "replication is not served";
inline constexpr std::string_view kController = "there is no controller";
inline constexpr std::string_view kRocksDb = "there is no RocksDB in this store";
inline constexpr std::string_view kContainer = "a process holds one broker";
inline constexpr std::string_view kStatic = "static topics are not served";
inline constexpr std::string_view kColdData = "reads of cold data need no flow control here";
inline constexpr std::string_view kAuth = "access control is not served";
}  // namespace reason

inline constexpr std::array kNotServed{
    NotServed{13, "QUERY_BROKER_OFFSET", Peer::kBroker, reason::kObsolete},
    NotServed{22, "GET_TOPIC_CONFIG_LIST", Peer::kBroker, reason::kObsolete},
    NotServed{23, "GET_TOPIC_NAME_LIST", Peer::kBroker, reason::kObsolete},
    NotServed{27, "TRIGGER_DELETE_FILES", Peer::kBroker, reason::kObsolete},
    NotServed{47, "GET_CLIENT_CONFIG", Peer::kBroker, reason::kObsolete},
    NotServed{60, "GET_TIMER_CHECK_POINT", Peer::kBroker, reason::kTimer},
    NotServed{61, "GET_TIMER_METRICS", Peer::kBroker, reason::kTimer},
    NotServed{209, "SUSPEND_CONSUMER", Peer::kBroker, reason::kObsolete},
    NotServed{210, "RESUME_CONSUMER", Peer::kBroker, reason::kObsolete},
    NotServed{211, "RESET_CONSUMER_OFFSET_IN_CONSUMER", Peer::kClient, reason::kObsolete},
    NotServed{212, "RESET_CONSUMER_OFFSET_IN_BROKER", Peer::kBroker, reason::kObsolete},
    NotServed{213, "ADJUST_CONSUMER_THREAD_POOL", Peer::kClient, reason::kObsolete},
    NotServed{214, "WHO_CONSUME_THE_MESSAGE", Peer::kBroker, reason::kObsolete},
    NotServed{301, "REGISTER_FILTER_SERVER", Peer::kBroker, reason::kObsolete},
    NotServed{302, "REGISTER_MESSAGE_FILTER_CLASS", Peer::kBroker, reason::kObsolete},
    NotServed{308, "QUERY_CORRECTION_OFFSET", Peer::kBroker, reason::kObsolete},
    NotServed{354, "CHECK_ROCKSDB_CQ_WRITE_PROGRESS", Peer::kBroker, reason::kRocksDb},
    NotServed{355, "EXPORT_ROCKSDB_CONFIG_TO_JSON", Peer::kBroker, reason::kRocksDb},
    NotServed{513, "UPDATE_AND_CREATE_STATIC_TOPIC", Peer::kBroker, reason::kStatic},
    NotServed{902, "ADD_BROKER", Peer::kBroker, reason::kContainer},
    NotServed{903, "REMOVE_BROKER", Peer::kBroker, reason::kContainer},
    NotServed{905, "NOTIFY_MIN_BROKER_ID_CHANGE", Peer::kBroker, reason::kReplication},
    NotServed{906, "EXCHANGE_BROKER_HA_INFO", Peer::kBroker, reason::kReplication},
    NotServed{907, "GET_BROKER_HA_STATUS", Peer::kBroker, reason::kReplication},
    NotServed{908, "RESET_MASTER_FLUSH_OFFSET", Peer::kBroker, reason::kReplication},
    NotServed{1001, "CONTROLLER_ALTER_SYNC_STATE_SET", Peer::kNameServer, reason::kController},
    NotServed{1002, "CONTROLLER_ELECT_MASTER", Peer::kNameServer, reason::kController},
    NotServed{1003, "CONTROLLER_REGISTER_BROKER", Peer::kNameServer, reason::kController},
    NotServed{1004, "CONTROLLER_GET_REPLICA_INFO", Peer::kNameServer, reason::kController},
    NotServed{1005, "CONTROLLER_GET_METADATA_INFO", Peer::kNameServer, reason::kController},
    NotServed{1006, "CONTROLLER_GET_SYNC_STATE_DATA", Peer::kNameServer, reason::kController},
    NotServed{1007, "GET_BROKER_EPOCH_CACHE", Peer::kBroker, reason::kReplication},
    NotServed{1008, "NOTIFY_BROKER_ROLE_CHANGED", Peer::kBroker, reason::kController},
    NotServed{1009, "UPDATE_CONTROLLER_CONFIG", Peer::kNameServer, reason::kController},
    NotServed{1010, "GET_CONTROLLER_CONFIG", Peer::kNameServer, reason::kController},
    NotServed{1011, "CLEAN_BROKER_DATA", Peer::kNameServer, reason::kController},
    NotServed{1012, "CONTROLLER_GET_NEXT_BROKER_ID", Peer::kNameServer, reason::kController},
    NotServed{1013, "CONTROLLER_APPLY_BROKER_ID", Peer::kNameServer, reason::kController},
    NotServed{2001, "UPDATE_COLD_DATA_FLOW_CTR_CONFIG", Peer::kBroker, reason::kColdData},
    NotServed{2002, "REMOVE_COLD_DATA_FLOW_CTR_CONFIG", Peer::kBroker, reason::kColdData},
    NotServed{2003, "GET_COLD_DATA_FLOW_CTR_INFO", Peer::kBroker, reason::kColdData},
    NotServed{2004, "SET_COMMITLOG_READ_MODE", Peer::kBroker, reason::kColdData},
    NotServed{3001, "AUTH_CREATE_USER", Peer::kBroker, reason::kAuth},
    NotServed{3002, "AUTH_UPDATE_USER", Peer::kBroker, reason::kAuth},
    NotServed{3003, "AUTH_DELETE_USER", Peer::kBroker, reason::kAuth},
    NotServed{3004, "AUTH_GET_USER", Peer::kBroker, reason::kAuth},
    NotServed{3005, "AUTH_LIST_USER", Peer::kBroker, reason::kAuth},
    NotServed{3006, "AUTH_CREATE_ACL", Peer::kBroker, reason::kAuth},
    NotServed{3007, "AUTH_UPDATE_ACL", Peer::kBroker, reason::kAuth},
    NotServed{3008, "AUTH_DELETE_ACL", Peer::kBroker, reason::kAuth},
    NotServed{3009, "AUTH_GET_ACL", Peer::kBroker, reason::kAuth},
    NotServed{3010, "AUTH_LIST_ACL", Peer::kBroker, reason::kAuth},
    NotServed{200056, "POP_ROLLBACK", Peer::kBroker, reason::kRocksDb},
};

}  // namespace oncemq::wire
