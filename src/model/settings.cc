#include "model/settings.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "model/delay_levels.h"
#include "model/idempotence_policy.h"
#include "model/settings_idle.h"

namespace oncemq::model {
namespace {

using Row = SettingRow;

Status check_delay_levels(std::string_view value) {
  auto levels = parse_delay_levels(value);
  if (!levels) return fail(std::move(levels.error()));
  return {};
}

Status check_hours(std::string_view value) {
  std::size_t begin = 0;
  while (begin <= value.size()) {
    const std::size_t end = std::min(value.find(';', begin), value.size());
    const std::string_view hour = value.substr(begin, end - begin);
    int number = -1;
    const auto parsed = std::from_chars(hour.data(), hour.data() + hour.size(), number);
    if (hour.empty() || parsed.ec != std::errc{} || parsed.ptr != hour.data() + hour.size() ||
        number < 0 || number > 23) {
      return fail(Errc::kInvalidArgument, "hours 00..23 separated by ';' are wanted");
    }
    begin = end + 1;
  }
  return {};
}

Status check_roles(std::string_view value) {
  std::size_t begin = 0;
  while (begin <= value.size()) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    const std::string_view role = value.substr(begin, end - begin);
    if (role != "namesrv" && role != "broker")
      return fail(Errc::kInvalidArgument, "roles are namesrv and broker, separated by ','");
    begin = end + 1;
  }
  return {};
}

Status check_idempotent_key(std::string_view value) {
  return value.empty() ? Status{} : IdempotencePolicy::check("idempotent.key", value);
}

Status check_idempotent_window(std::string_view value) {
  return IdempotencePolicy::check("idempotent.window", value);
}

Status check_queue_file_size(std::string_view value) {
  std::int64_t number = 0;
  (void)std::from_chars(value.data(), value.data() + value.size(), number);
  if (number % 20 != 0) return fail(Errc::kInvalidArgument, "a multiple of 20 is wanted");
  return {};
}

struct Options {
  Change change = Change::kAtStart;
  Status (*check)(std::string_view) = nullptr;
};
constexpr Options kDynamic{.change = Change::kDynamic};

constexpr Row text(std::string_view name, std::string Settings::*member, std::string_view help,
                   Options options = {}) {
  return {.name = name,
          .member = member,
          .help = help,
          .change = options.change,
          .check = options.check};
}
constexpr Row choice(std::string_view name, std::string Settings::*member, std::string_view choices,
                     std::string_view help, Options options = {}) {
  return {.name = name,
          .member = member,
          .choices = choices,
          .help = help,
          .change = options.change,
          .check = options.check};
}
constexpr Row flag(std::string_view name, bool Settings::*member, std::string_view help,
                   Options options = {}) {
  return {.name = name, .member = member, .help = help, .change = options.change};
}
template <class T>
constexpr Row number(std::string_view name, T Settings::*member, std::int64_t min, std::int64_t max,
                     std::string_view unit, std::string_view help, Options options = {}) {
  return {.name = name,
          .member = member,
          .min = min,
          .max = max,
          .unit = unit,
          .help = help,
          .change = options.change,
          .check = options.check};
}
// Known, and only this value can be kept here: anything else would promise what is not served.
constexpr Row only(std::string_view name, std::string_view value, std::string_view help) {
  return {.name = name, .choices = value, .help = help};
}

constexpr std::int64_t kKiB = 1 << 10;
constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kGiB = 1 << 30;
constexpr std::int64_t kHourMs = 3'600'000;
using S = Settings;

const std::array kServed = {
    // who we are and where we listen
    text("brokerClusterName", &S::cluster_name, "cluster that the broker belongs to"),
    text("brokerName", &S::broker_name,
         "name of the broker group in routes; empty: the name of the host"),
    number("brokerId", &S::broker_id, 0, 0, "", "0 = master; replicas are not served"),
    text("brokerIP1", &S::broker_ip,
         "address that routes show to clients; empty: bindAddress when it is a concrete address, "
         "otherwise the first address of the host that is not a loopback"),
    text("bindAddress", &S::bind_address, "address to listen on"),
    number("listenPort", &S::listen_port, 0, 65535, "",
           "port of the broker; 0: any free one, shown in the ready line"),
    number("fastListenPort", &S::fast_listen_port, -1, 65535, "",
           "port for clients with vipChannelEnabled; -1: listenPort - 2; 0: none"),
    number("namesrvListenPort", &S::namesrv_listen_port, 0, 65535, "",
           "port of the name service; 0: any free one, shown in the ready line"),
    text("namesrvAddr", &S::namesrv_addr,
         "name servers to register with, host:port separated by ';', beside the one in this "
         "process"),
    text("httpBindAddress", &S::http_bind_address,
         "address that metrics, health and the admin API listen on; there are no users yet, so "
         "whoever reaches it may read it"),
    number("httpListenPort", &S::http_listen_port, 0, 65535, "",
           "port of metrics, health and the admin API; 0: none"),
    number("httpMaxConnections", &S::http_max_connections, 1, 10'000, "connections",
           "further ones are closed at once"),
    flag("httpAdminRemote", &S::http_admin_remote,
         "the admin API takes orders (POST, PUT, DELETE) from other machines too; there are no "
         "users yet, so whoever reaches it may give them"),
    number("metricsTopicsMax", &S::metrics_topics_max, 1, 10'000, "topics",
           "busiest topics, groups and pairs of both that have series of their own; the others "
           "are counted together as 'other'"),
    text("roles", &S::roles, "what this process is: namesrv, broker or both",
         {.check = check_roles}),
    choice("logLevel", &S::log_level, "debug|info|warn|error|off", "least level that is logged",
           kDynamic),

    // connections
    number("eventLoopThreads", &S::event_loop_threads, 0, 64, "threads",
           "event loops; 0: as many as processors, at most 4"),
    number("maxConnections", &S::max_connections, 1, 1'000'000, "connections",
           "further ones are closed at once"),
    number("maxBytesInFlight", &S::max_bytes_in_flight, 32 * kMiB, 1024 * kGiB, "bytes",
           "read but unanswered, and written but unsent, over all connections; reading pauses "
           "above"),
    number("maxConnectionBytesInFlight", &S::max_connection_bytes_in_flight, 17 * kMiB, kGiB,
           "bytes", "the same for one connection"),
    number("serverChannelMaxIdleTimeSeconds", &S::channel_idle_s, 1, 86400, "s",
           "a connection without a byte in either direction is closed"),
    number("channelExpiredTimeout", &S::channel_expired_ms, 1000, 24 * kHourMs, "ms",
           "a client without heartbeat is forgotten"),
    number("rebalanceLockMaxLiveTime", &S::queue_lock_ms, 1000, 24 * kHourMs, "ms",
           "a lock of an ordered queue that its client does not renew; clients renew every 20 s. "
           "Apache: the system property rocketmq.broker.rebalance.lockMaxLiveTime"),

    // topics and groups
    number("brokerPermission", &S::broker_permission, 0, 7, "bits", "4 read, 2 write, 1 inherit",
           kDynamic),
    number("defaultTopicQueueNums", &S::default_topic_queues, 1, 1024, "queues",
           "queues of TBW102, and the most that an auto-created topic gets"),
    flag("autoCreateTopicEnable", &S::auto_create_topic,
         "a send to an unknown topic creates it through TBW102", kDynamic),
    flag("autoCreateSubscriptionGroup", &S::auto_create_group,
         "a heartbeat or pull of an unknown group creates it", kDynamic),
    flag("clusterTopicEnable", &S::cluster_topic,
         "the cluster's own topic can be read and written"),
    flag("brokerTopicEnable", &S::broker_topic, "the broker's own topic can be read and written"),
    flag("traceTopicEnable", &S::trace_topic, "create the message trace topic at start"),
    text("msgTraceTopicName", &S::trace_topic_name, "name of the message trace topic"),
    flag("notifyConsumerIdsChangedEnable", &S::notify_consumer_ids_changed,
         "tell the clients of a group at once when one joins or leaves", kDynamic),
    flag("enableRegisterProducer", &S::register_producer,
         "remember producers from their heartbeats", kDynamic),
    text("regionId", &S::region_id, "MSG_REGION of stored messages"),
    flag("traceOn", &S::trace_on, "TRACE_ON of stored messages"),

    // send
    number("maxMessageSize", &S::max_message_size, 1, 15 * kMiB, "bytes", "largest body", kDynamic),
    text("messageDelayLevel", &S::message_delay_level,
         "delays of the levels 1, 2, ... with unit s, m, h or d", {.check = check_delay_levels}),
    text("idempotentKey", &S::idempotent_key,
         "what makes two sends the same in topics that have no attribute idempotent.key: UNIQ_KEY, "
         "KEYS or property:<name>; empty: they are stored as often as they come",
         {.check = check_idempotent_key}),
    text("idempotentWindow", &S::idempotent_window,
         "how long keys are remembered for such topics, with unit s, m, h or d",
         {.check = check_idempotent_window}),
    choice("idempotentMode", &S::idempotent_mode, "enforce|shadow|off",
           "shadow: such topics store everything and count what would be left out"),
    choice("idempotentMismatch", &S::idempotent_mismatch, "store|reject",
           "what such topics do with a known key and another body"),
    number("idempotentKeysMax", &S::idempotent_keys_max, 1'000, 1'000'000'000, "keys",
           "that are remembered; when there are more, the oldest are given up early"),
    flag("rejectTransactionMessage", &S::reject_transaction_message, "refuse half messages",
         kDynamic),
    number("transactionTimeOut", &S::transaction_timeout_ms, 1, 86'400'000, "ms",
           "age at which a half message is asked about first", kDynamic),
    number("transactionCheckInterval", &S::transaction_check_interval_ms, 1, 86'400'000, "ms",
           "time between two checks of one half message", kDynamic),
    number("transactionCheckMax", &S::transaction_check_max, 1, 200, "checks",
           "a half message without verdict is discarded after that many", kDynamic),
    number("startAcceptSendRequestTimeStamp", &S::start_accept_send_timestamp, 0, INT64_MAX,
           "ms since 1970", "sends are refused before", kDynamic),
    flag("timerWheelEnable", &S::timer_wheel,
         "take messages with a delivery time; when off they are refused, and waiting ones wait on"),
    number("timerMaxDelaySec", &S::timer_max_delay_s, 1, 366 * 86'400, "s",
           "most that a delivery time may lie ahead (Apache's default: 3 days)"),
    number("timerPrecisionMs", &S::timer_precision_ms, 100, 60'000, "ms",
           "rounding of TIMER_OUT_MS in stored timers, for Apache; delivery here is exact"),
    flag("countRepeatedSends", &S::count_repeated_sends,
         "notice messages that a producer's client stored twice, in 4 MiB of memory (http.md)"),
    flag("recallMessageEnable", &S::recall, "serve request 370; needs messageIndexEnable",
         kDynamic),
    flag("allowRecallWhenBrokerNotWriteable", &S::recall_unwritable,
         "also when brokerPermission forbids writing", kDynamic),

    // consume
    flag("longPollingEnable", &S::long_polling,
         "pulls that find nothing wait as long as the client wishes", kDynamic),
    number("shortPollingTimeMills", &S::short_polling_ms, 1, 60'000, "ms",
           "how long they wait when longPollingEnable is false", kDynamic),
    number("maxParkedPulls", &S::max_parked_pulls, 1, 10'000'000, "requests",
           "waiting pulls, and as many waiting pops; further ones are answered at once"),
    number("popInflightMessageThreshold", &S::pop_inflight_threshold, 1, 1'000'000, "messages",
           "given out and not acked, per group and queue; then nothing new is given out there",
           kDynamic),
    flag("retrieveMessageFromPopRetryTopicV1", &S::pop_retry_topic_v1,
         "pops also read what Apache's broker left in %RETRY%group_topic", kDynamic),
    flag("enableRetryTopicV2", &S::pop_retry_topic_v2,
         "pops also read what Apache's broker left in %RETRY%group+topic", kDynamic),
    choice("defaultMessageRequestMode", &S::default_request_mode, "PULL|POP",
           "how groups consume for which setConsumeMode said nothing"),
    number("defaultPopShareQueueNum", &S::default_pop_share_queues, -1, 1024, "clients",
           "their popShareQueueNum; below 1 every client pops from every queue"),
    number("deliveryLedgerBytes", &S::delivery_ledger_bytes, 0, 64 << 20, "bytes",
           "of memory for the latest deliveries and acks, 64 each, for message why; 0: none"),
    flag("allowFaults", &S::allow_faults,
         "duplicates on purpose may be ordered (faults.md); for tests, never in production"),
    flag("litePullMessageEnable", &S::lite_pull, "serve request 361", kDynamic),
    flag("storeReplyMessageEnable", &S::store_reply,
         "replies of request-reply are stored beside being passed on", kDynamic),
    flag("enablePropertyFilter", &S::property_filter,
         "serve SQL92 subscriptions; they have bounds here (sql-filters.md), Apache's default is "
         "false",
         kDynamic),
    number("pullBatchMaxMessageCount", &S::pull_batch_max_messages, 1, 10'000, "messages",
           "most messages of one pull", kDynamic),
    number("maxTransferBytesOnMessageInMemory", &S::transfer_bytes_in_memory, kKiB, 16 * kMiB,
           "bytes", "most bytes of one pull; the first message comes whatever its size", kDynamic),
    number("maxTransferCountOnMessageInMemory", &S::transfer_count_in_memory, 1, 10'000, "messages",
           "most messages of one pull, as far as pullBatchMaxMessageCount allows", kDynamic),

    // store
    text("storePathRootDir", &S::store_root, "data folder, as --data"),
    choice("flushDiskType", &S::flush_disk_type, "ASYNC_FLUSH|SYNC_FLUSH",
           "when a send is answered: when the kernel has the message, or when it is durable"),
    number("mappedFileSizeCommitLog", &S::log_file_size, 64 * kKiB, 4 * kGiB, "bytes",
           "size of a log file; never change it for an existing folder"),
    number("mappedFileSizeConsumeQueue", &S::queue_file_size, 20, kGiB, "bytes",
           "size of a queue file, a multiple of 20; never change it for an existing folder",
           {.check = check_queue_file_size}),
    number("flushIntervalCommitLog", &S::flush_interval_ms, 1, 60'000, "ms",
           "ASYNC_FLUSH: how often the log is synced"),
    number("syncFlushTimeout", &S::sync_flush_timeout_ms, 1, 600'000, "ms",
           "SYNC_FLUSH: a send that is not durable by then is answered with code 10"),
    flag("enabledAppendPropCRC", &S::append_property_crc,
         "records carry a CRC over header, topic and properties as well (Apache's default: false)"),
    flag("messageIndexEnable", &S::index_enabled, "keep the key index"),
    number("maxHashSlotNum", &S::index_slots, 1, 100'000'000, "slots", "size of an index file"),
    number("maxIndexNum", &S::index_entries, 1, 400'000'000, "entries", "size of an index file"),
    number("fileReservedTime", &S::file_reserved_hours, 1, 24 * 3650, "h",
           "age at which log files are deleted"),
    text("deleteWhen", &S::delete_when, "hours of the day when expired files are deleted, by ';'",
         {.check = check_hours}),
    number("diskMaxUsedSpaceRatio", &S::disk_max_used_percent, 10, 95, "percent",
           "expired files are deleted at any hour above"),
    number("diskSpaceCleanForciblyRatio", &S::disk_force_clean_percent, 30, 97, "percent",
           "the oldest files are deleted above, expired or not (cleanFileForciblyEnable)"),
    number("diskSpaceWarningLevelRatio", &S::disk_warning_percent, 35, 100, "percent",
           "sends are refused above"),
    flag("cleanFileForciblyEnable", &S::clean_forcibly, "see diskSpaceCleanForciblyRatio"),
    number("freeSpaceFloor", &S::free_space_floor, 0, 1024 * kGiB, "bytes",
           "sends are refused when less is free, whatever the ratios say"),
    number("stagingBytes", &S::staging_bytes, kMiB, 4 * kGiB, "bytes",
           "most that is appended but not yet with the kernel; sends are refused as busy above"),
    number("flushConsumerOffsetInterval", &S::offset_flush_interval_ms, 1, 600'000, "ms",
           "how often consumer offsets are written"),
    number("flushDelayOffsetInterval", &S::delay_offset_flush_interval_ms, 1, 600'000, "ms",
           "how often the progress of the delay levels is written"),

    // registration and name service
    number("registerNameServerPeriod", &S::register_period_ms, 10'000, 60'000, "ms",
           "how often the broker registers with its name servers"),
    number("registerBrokerTimeoutMills", &S::register_timeout_ms, 100, 120'000, "ms",
           "how long it waits for their answers"),
    number("scanNotActiveBrokerInterval", &S::scan_inactive_brokers_ms, 10, 600'000, "ms",
           "how often the name service looks for expired brokers"),
    flag("orderMessageEnable", &S::order_message, "routes carry the order topic configuration",
         kDynamic),
    flag("returnOrderTopicConfigToBroker", &S::return_order_topic_config,
         "registrations are answered with the order topics", kDynamic),
    flag("deleteTopicWithBrokerRegistration", &S::delete_topic_with_registration,
         "a topic that a registration no longer names disappears from the route", kDynamic),
    flag("supportActingMaster", &S::support_acting_master,
         "a group without master shows its smallest id as readable master", kDynamic),
    flag("needWaitForService", &S::need_wait_for_service,
         "routes are refused during the first waitSecondsForService seconds", kDynamic),
    number("waitSecondsForService", &S::wait_for_service_s, 0, 3600, "s", "see needWaitForService",
           kDynamic),

    // accepted with one value only
    only("brokerRole", "ASYNC_MASTER|SYNC_MASTER",
         "without replicas both masters are the same; SLAVE is not served"),
    only("storeType", "default", "metadata and queues in RocksDB are not served"),
    only("configManagerVersion", "v1", "metadata in RocksDB is not served"),
    only("enableDLegerCommitLog", "false", "the DLedger log is not served"),
    only("enableControllerMode", "false", "the controller is not served"),
    only("aclEnable", "false", "access control is not served: nothing would be protected"),
    only("authenticationEnabled", "false",
         "access control is not served: nothing would be protected"),
    only("authorizationEnabled", "false",
         "access control is not served: nothing would be protected"),
    only("enableLmq", "false", "light message queues are not served"),
    only("enableMultiDispatch", "false", "light message queues are not served"),
    only("enableSlaveActingMaster", "false", "replicas are not served"),
};

std::vector<Row> build_rows() {
  std::vector<Row> rows(kServed.begin(), kServed.end());
  for (const IdleSettings& idle : idle_settings()) {
    std::string_view rest = idle.names;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      rows.push_back(Row{.name = rest.substr(0, end), .help = idle.reason});
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return rows;
}

}  // namespace

std::span<const SettingRow> setting_rows() {
  static const std::vector<Row> rows = build_rows();
  return rows;
}

const SettingRow* find_setting(std::string_view name) {
  for (const Row& row : setting_rows())
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace oncemq::model
