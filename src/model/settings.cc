#include "model/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

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
    flag("rejectTransactionMessage", &S::reject_transaction_message, "refuse half messages",
         kDynamic),
    number("startAcceptSendRequestTimeStamp", &S::start_accept_send_timestamp, 0, INT64_MAX,
           "ms since 1970", "sends are refused before", kDynamic),

    // consume
    flag("longPollingEnable", &S::long_polling,
         "pulls that find nothing wait as long as the client wishes", kDynamic),
    number("shortPollingTimeMills", &S::short_polling_ms, 1, 60'000, "ms",
           "how long they wait when longPollingEnable is false", kDynamic),
    number("maxParkedPulls", &S::max_parked_pulls, 1, 10'000'000, "requests",
           "waiting pulls; further ones are answered at once"),
    flag("litePullMessageEnable", &S::lite_pull, "serve request 361", kDynamic),
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
    only("enablePropertyFilter", "false", "SQL92 filters are not served"),
    only("enableLmq", "false", "light message queues are not served"),
    only("enableMultiDispatch", "false", "light message queues are not served"),
    only("enableSlaveActingMaster", "false", "replicas are not served"),
};

// Keys that steer machinery which does not exist here.
struct Idle {
  std::string_view reason;
  std::string_view names;  // separated by one space
};

constexpr std::array kIdle = {
    Idle{"requests run on event loops; there are no thread pools and no queues in front of them",
         "sendMessageThreadPoolNums putMessageFutureThreadPoolNums pullMessageThreadPoolNums "
         "litePullMessageThreadPoolNums ackMessageThreadPoolNums processReplyMessageThreadPoolNums "
         "queryMessageThreadPoolNums adminBrokerThreadPoolNums clientManageThreadPoolNums "
         "consumerManageThreadPoolNums loadBalanceProcessorThreadPoolNums heartbeatThreadPoolNums "
         "recoverThreadPoolNums endTransactionThreadPoolNums sendThreadPoolQueueCapacity "
         "putThreadPoolQueueCapacity pullThreadPoolQueueCapacity litePullThreadPoolQueueCapacity "
         "ackThreadPoolQueueCapacity replyThreadPoolQueueCapacity queryThreadPoolQueueCapacity "
         "clientManagerThreadPoolQueueCapacity consumerManagerThreadPoolQueueCapacity "
         "heartbeatThreadPoolQueueCapacity endTransactionPoolQueueCapacity "
         "adminBrokerThreadPoolQueueCapacity loadBalanceThreadPoolQueueCapacity "
         "brokerFastFailureEnable waitTimeMillsInSendQueue waitTimeMillsInPullQueue "
         "waitTimeMillsInLitePullQueue waitTimeMillsInHeartbeatQueue "
         "waitTimeMillsInTransactionQueue waitTimeMillsInAckQueue waitTimeMillsInAdminBrokerQueue "
         "asyncSendEnable highSpeedMode serverWorkerThreads serverCallbackExecutorThreads "
         "serverSelectorThreads serverOnewaySemaphoreValue serverAsyncSemaphoreValue "
         "serverNettyWorkerGroupEnable serverPooledByteBufAllocatorEnable useEpollNativeSelector "
         "clientRequestThreadPoolNums defaultThreadPoolNums clientRequestThreadPoolQueueCapacity "
         "defaultThreadPoolQueueCapacity unRegisterBrokerQueueCapacity enableDetailStat "
         "enableFastChannelEventProcess topicQueueLockNum maxAsyncPutMessageRequests "
         "useReentrantLockWhenPutMessage useABSLock spinLockCollisionRetreatOptimalDegree"},
    Idle{"socket options are chosen by the event loop",
         "serverSocketSndBufSize serverSocketRcvBufSize writeBufferHighWaterMark "
         "writeBufferLowWaterMark serverSocketBacklog transferMsgByHeap enableNetWorkFlowControl"},
    Idle{"our own outgoing connections have no options",
         "clientWorkerThreads clientCallbackExecutorThreads clientOnewaySemaphoreValue "
         "clientAsyncSemaphoreValue connectTimeoutMillis channelNotActiveInterval "
         "isScanAvailableNameSrv clientChannelMaxIdleTimeSeconds clientSocketSndBufSize "
         "clientSocketRcvBufSize clientPooledByteBufAllocatorEnable clientCloseSocketIfTimeout "
         "useTLS socksProxyConfig disableCallbackExecutor disableNettyWorkerGroup "
         "maxReconnectIntervalTimeSeconds enableReconnectForGoAway"},
    Idle{"SIGTERM always drains, in less than 10 s",
         "enableShutdownGracefully shutdownWaitTimeSeconds"},
    Idle{"the log is written with pwrite and synced in groups, not mapped and flushed by pages",
         "commitIntervalCommitLog flushCommitLogTimed flushCommitLogLeastPages "
         "commitCommitLogLeastPages flushLeastPagesWhenWarmMapedFile flushConsumeQueueLeastPages "
         "flushCommitLogThoroughInterval commitCommitLogThoroughInterval "
         "flushConsumeQueueThoroughInterval flushIntervalConsumeQueue warmMapedFileEnable "
         "transientStorePoolEnable transientStorePoolSize fastFailIfNoBufferInStorePool "
         "writeWithoutMmap osPageCacheBusyTimeOutMills putMessageTimeout wakeCommitWhenPutMessage "
         "wakeFlushWhenPutMessage mappedFileSwapEnable commitLogForceSwapMapInterval "
         "commitLogSwapMapInterval commitLogSwapMapReserveFileNum logicQueueForceSwapMapInterval "
         "logicQueueSwapMapInterval cleanSwapedMapInterval logicQueueSwapMapReserveFileNum "
         "putConsumeQueueDataByFileChannel enableRunningFlagsInFlush dataReadAheadEnable "
         "coldDataFlowControlEnable coldDataScanEnable timerColdDataCheckIntervalMs "
         "accessMessageInMemoryHotRatio accessMessageInMemoryMaxRatio coldCtrStrategyEnable "
         "usePIDColdCtrStrategy cgColdReadThreshold globalColdReadThreshold"},
    Idle{"a pull has the same bounds wherever its messages lie; a key query gives at most 64",
         "maxTransferBytesOnMessageInDisk maxTransferCountOnMessageInDisk defaultQueryMaxNum "
         "maxMsgsNumBatch"},
    Idle{"everything lies below storePathRootDir",
         "storePathCommitLog storePathDLedgerCommitLog storePathEpochFile storePathBrokerIdentity "
         "readOnlyCommitLogStorePaths kvConfigPath configStorePath brokerConfigPath rocketmqHome "
         "authConfigPath"},
    Idle{"deletion runs in one pass of the service thread",
         "cleanResourceInterval deleteCommitLogFilesInterval deleteConsumeQueueFilesInterval "
         "destroyMapedFileIntervalForcibly redeleteHangedFileInterval deleteFileBatchMax "
         "maxBatchDeleteFilesNum correctLogicMinOffsetSleepInterval "
         "correctLogicMinOffsetForceInterval logicalDiskSpaceCleanForciblyThreshold "
         "replicasPerDiskPartition"},
    Idle{"recovery always checks everything that it reads",
         "checkCRCOnRecover forceVerifyPropCRC messageIndexSafe maxRecoveryCommitlogFiles "
         "recoverConcurrently enableAcceleratedRecovery recheckReputOffsetFromCq "
         "enableLogConsumeQueueRepeatedlyBuildWhenRecover diskFallRecorded maxChecksumRange"},
    Idle{"queue entries are made while appending; a scan is bounded by the request",
         "dispatchCqThreads dispatchCqCacheNum enableAsyncReput dispatchFromSenderThread "
         "enableBuildConsumeQueueConcurrently batchDispatchRequestThreadPoolNums "
         "maxFilterMessageSize travelCqFileNumWhenGetMessage maxConsumeQueueScan "
         "sampleCountThreshold sampleSteps estimateAccumulation readUnCommitted "
         "putMsgIndexHightWater duplicationEnable debugLockEnable searchBcqByCacheEnable "
         "mapperFileSizeBatchConsumeQueue enableBatchPush enableConsumeQueueExt "
         "mappedFileSizeConsumeQueueExt bitMapLengthConsumeQueueExt maxTopicLength "
         "autoMessageVersionOnTopicLen"},
    Idle{"queues and metadata in RocksDB are not served",
         "cleanRocksDBDirtyCQIntervalMin statRocksDBCQIntervalSec memTableFlushIntervalMs "
         "realTimePersistRocksDBConfig enableRocksDBLog rocksdbCQDoubleWriteEnable "
         "combineCQLoadingCQTypes combineCQPreferCQType combineAssignOffsetCQType "
         "combineCQEnableCheckSelf combineCQMaxExtraSearchCommitLogFiles "
         "bottomMostCompressionTypeForConsumeQueueStore rocksdbCompressionType "
         "rocksdbFlushWalFrequency rocksdbWalFileRollingThreshold"},
    Idle{"replicas are not served",
         "brokerIP2 haListenPort haSendHeartbeatInterval haHousekeepingInterval "
         "haTransferBatchSize haMasterAddress haMaxGapNotInSync haFlowControlEnable "
         "maxHaTransferByteInSecond haMaxTimeSlaveNotCatchup syncMasterFlushOffsetWhenStartup "
         "maxSlaveResendLength syncFromLastFile asyncLearner slaveTimeout offsetCheckInSlave "
         "slaveReadEnable totalReplicas inSyncReplicas minInSyncReplicas allAckInSyncStateSet "
         "enableAutoInSyncReplicas enableRemoteEscape skipPreOnline brokerHeartbeatInterval "
         "brokerNotActiveTimeoutMillis sendHeartbeatTimeoutMillis syncBrokerMemberGroupPeriod "
         "notifyMinBrokerIdChanged lockInStrictMode forwardTimeout compatibleWithOldNameSrv "
         "isBrokerContainer isInBrokerContainer preferredLeaderId dLegerGroup dLegerPeers "
         "dLegerSelfId controllerAddr fetchControllerAddrByDnsLookup syncBrokerMetadataPeriod "
         "checkSyncStateSetPeriod syncControllerMetadataPeriod controllerHeartBeatTimeoutMills "
         "brokerElectionPriority enableControllerInNamesrv loadBalancePollNameServerInterval "
         "cleanOfflineBrokerInterval disableConsumeIfConsumerReadSlowly "
         "consumerFallbehindThreshold"},
    Idle{"transactions are not served",
         "transactionTimeOut transactionCheckMax transactionCheckInterval "
         "transactionMetricFlushInterval transactionOpMsgMaxSize transactionOpBatchInterval"},
    Idle{"timer messages are not served",
         "timerWheelEnable mappedFileSizeTimerLog timerPrecisionMs timerRollWindowSlot "
         "timerFlushIntervalMs timerGetMessageThreadNum timerPutMessageThreadNum "
         "timerEnableDisruptor timerEnableCheckMetrics timerInterceptDelayLevel timerMaxDelaySec "
         "disappearTimeAfterStart timerStopEnqueue timerCheckMetricsWhen timerSkipUnknownError "
         "timerWarmEnable timerStopDequeue timerEnableRetryUntilSuccess timerCongestNumEachSlot "
         "timerMetricSmallThreshold timerProgressLogIntervalMs recallMessageEnable "
         "allowRecallWhenBrokerNotWriteable"},
    Idle{"POP is not served",
         "popPollingSize popPollingMapSize popPollingMapExpireTimeSeconds maxPopPollingSize "
         "reviveQueueNum reviveInterval reviveMaxSlow reviveScanTime enableSkipLongAwaitingAck "
         "reviveAckWaitMs enablePopLog enablePopBufferMerge popCkStayBufferTime "
         "popCkStayBufferTimeOut popCkMaxBufferSize popCkOffsetMaxQueueSize enablePopBatchAck "
         "popLongPollingForceNotifyInterval enableNotifyBeforePopCalculateLag "
         "enableNotifyAfterPopOrderLockRelease initPopOffsetByCheckMsgInMem "
         "retrieveMessageFromPopRetryTopicV1 enableRetryTopicV2 popFromRetryProbability "
         "popConsumerFSServiceInit popConsumerKVServiceLog popConsumerKVServiceInit "
         "popConsumerKVServiceEnable popReviveMaxReturnSizePerRead popReviveMaxAttemptTimes "
         "serverLoadBalancerEnable defaultMessageRequestMode defaultPopShareQueueNum "
         "popResponseReturnActualRetryTopic popInflightMessageThreshold enablePopMessageThreshold "
         "skipWhenCKRePutReachMaxTimes appendAckAsync appendCkAsync clearRetryTopicWhenDeleteTopic "
         "enablePopMetrics"},
    Idle{"SQL92 filters are not served",
         "enableCalcFilterBitMap expectConsumerNumUseFilter maxErrorRateOfBloomFilter "
         "filterDataCleanTimeSpan filterSupportRetry"},
    Idle{"compaction topics are not served",
         "compactionMappedFileSize compactionCqMappedFileSize compactionScheduleInternal "
         "maxOffsetMapSize compactionThreadNum enableCompaction"},
    Idle{"light message queues are not served", "maxLmqConsumeQueueNum enableLmqStats"},
    Idle{"access control is not served",
         "authenticationProvider authenticationMetadataProvider authenticationStrategy "
         "authenticationWhitelist initAuthenticationUser innerClientAuthenticationCredentials "
         "authorizationProvider authorizationMetadataProvider authorizationStrategy "
         "authorizationWhitelist migrateAuthFromV1Enabled userCacheMaxNum userCacheExpiredSecond "
         "userCacheRefreshSecond aclCacheMaxNum aclCacheExpiredSecond aclCacheRefreshSecond "
         "statefulAuthenticationCacheMaxNum statefulAuthenticationCacheExpiredSecond "
         "statefulAuthorizationCacheMaxNum statefulAuthorizationCacheExpiredSecond"},
    Idle{"metrics are not exported yet",
         "metricsExporterType metricsOtelCardinalityLimit metricsGrpcExporterTarget "
         "metricsGrpcExporterHeader metricGrpcExporterTimeOutInMills "
         "metricGrpcExporterIntervalInMills metricLoggingExporterIntervalInMills "
         "metricsPromExporterPort metricsPromExporterHost metricsLabel metricsInDelta "
         "enableRemotingMetrics enableMessageStoreMetrics enableConnectionMetrics "
         "enableTransactionMetrics enableStatsMetrics enableRequestMetrics enableLagAndDlqMetrics "
         "httpListenPort"},
    Idle{"counters are always kept and are cheap",
         "commercialBaseCount commercialSizePerMsg accountStatsEnable accountStatsPrintZeroValues "
         "maxStatsIdleTimeInMinutes autoDeleteUnusedStats enableScheduleMessageStats "
         "isolateLogEnable printChannelGroups printChannelGroupsMinNum"},
    Idle{"every change is registered at once, whole and uncompressed",
         "compressedRegister forceRegister enableSingleTopicRegister enableSplitRegistration "
         "splitRegistrationSize enableSplitMetadata splitMetadataSize"},
    Idle{"name servers are named by namesrvAddr",
         "fetchNameSrvAddrByDnsLookup fetchNamesrvAddrByAddressServer updateNameServerAddrPeriod "
         "fetchNamesrvAddrInterval"},
    Idle{"always on",
         "useServerSideResetOffset realTimeNotifyConsumerChange "
         "validateSystemTopicWhenUpdateTopic enableCreateSysGroup "
         "enableAllTopicList enableTopicList"},
    Idle{"has no counterpart",
         "messageStorePlugIn subscriptionExpiredTimeout flushConsumerOffsetHistoryInterval "
         "rejectPullConsumerEnable "
         "enableBroadcastOffsetStore broadcastOffsetExpireSecond broadcastOffsetExpireMaxSecond "
         "storeReplyMessageEnable consumerOffsetUpdateVersionStep delayOffsetUpdateVersionStep "
         "useStaticSubscription enableMixedMessageType configBlackList enableCleanExpiredOffset "
         "enableScheduleAsyncDeliver scheduleAsyncDeliverMaxPendingLimit "
         "scheduleAsyncDeliverMaxResendNum2Blocked productEnvName clusterTest configName "
         "clusterName"},
};

std::vector<Row> build_rows() {
  std::vector<Row> rows(kServed.begin(), kServed.end());
  for (const Idle& idle : kIdle) {
    std::string_view rest = idle.names;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      rows.push_back(Row{.name = rest.substr(0, end), .help = idle.reason});
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return rows;
}

bool one_of(std::string_view value, std::string_view choices) {
  while (!choices.empty()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, end) == value) return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + ('a' - 'A')) : c; };
    return lower(x) == lower(y);
  });
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t replaced =
          diagonal + (equals_ignoring_case(a.substr(i - 1, 1), b.substr(j - 1, 1)) ? 0 : 1);
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

tl::unexpected<Error> bad_value(const Row& row, std::string_view value, std::string_view wanted) {
  std::string message = "'" + std::string(row.name) + "': '" + std::string(value.substr(0, 80)) +
                        "' is not possible, " + std::string(wanted);
  if (!row.unit.empty()) message += " (" + std::string(row.unit) + ")";
  return fail(Errc::kInvalidArgument, std::move(message));
}

template <class T>
Status set_value(Settings& settings, const Row& row, T Settings::*member, std::string_view value) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (!row.choices.empty() && !one_of(value, row.choices))
      return bad_value(row, value, "one of " + row.range() + " is wanted");
    settings.*member = std::string(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    const bool yes = equals_ignoring_case(value, "true");
    if (!yes && !equals_ignoring_case(value, "false"))
      return bad_value(row, value, "true or false is wanted");
    settings.*member = yes;
  } else {
    std::int64_t parsed_value = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), parsed_value);
    if (value.empty() || parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() ||
        parsed_value < row.min || parsed_value > row.max) {
      return bad_value(row, value, "a number in " + row.range() + " is wanted");
    }
    settings.*member = static_cast<T>(parsed_value);
  }
  return {};
}

// One logical line: comments dropped, continuations joined, escapes still in place.
struct LogicalLine {
  std::string text;
  int line = 0;
};

std::vector<LogicalLine> logical_lines(std::string_view text) {
  std::vector<LogicalLine> lines;
  int number = 0;
  bool continued = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '\f'))
      line.remove_prefix(1);
    if (!continued && (line.empty() || line.front() == '#' || line.front() == '!')) continue;

    std::size_t backslashes = 0;
    while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
    const bool continues = backslashes % 2 == 1;
    if (continues) line.remove_suffix(1);
    if (continued)
      lines.back().text += line;
    else
      lines.push_back({std::string(line), number});
    continued = continues;
  }
  return lines;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(0xE0U | (code >> 12));
    out += static_cast<char>(0x80U | ((code >> 6) & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

// Resolves the escapes of `text`; false for a broken \u.
bool unescape(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    switch (c) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u': {
        if (text.size() - i < 5) return false;
        unsigned code = 0;
        for (int k = 0; k < 4; ++k) {
          const int digit = hex_digit(text[++i]);
          if (digit < 0) return false;
          code = code * 16 + static_cast<unsigned>(digit);
        }
        append_utf8(out, code);
        break;
      }
      default:
        out += c;
    }
  }
  return true;
}

// Where the key of a logical line ends, and where its value begins.
std::pair<std::size_t, std::size_t> split_at(std::string_view line) {
  std::size_t key_end = 0;
  while (key_end < line.size()) {
    const char c = line[key_end];
    if (c == '\\') {
      key_end += 2;
      continue;
    }
    if (c == '=' || c == ':' || c == ' ' || c == '\t' || c == '\f') break;
    ++key_end;
  }
  key_end = std::min(key_end, line.size());
  std::size_t value = key_end;
  const auto skip_blanks = [&] {
    while (value < line.size() &&
           (line[value] == ' ' || line[value] == '\t' || line[value] == '\f'))
      ++value;
  };
  skip_blanks();
  if (value < line.size() && (line[value] == '=' || line[value] == ':')) {
    ++value;
    skip_blanks();
  }
  return {key_end, value};
}

}  // namespace

std::string_view SettingRow::type() const {
  switch (member.index()) {
    case 0:
      return choices.empty() ? "" : "text";
    case 1:
      return "text";
    case 2:
      return "switch";
    default:
      return "number";
  }
}

std::string SettingRow::range() const {
  if (member.index() <= 1) return std::string(choices);
  if (member.index() == 2) return "true|false";
  if (max == INT64_MAX) return std::to_string(min) + "..";
  return std::to_string(min) + ".." + std::to_string(max);
}

std::span<const SettingRow> setting_rows() {
  static const std::vector<Row> rows = build_rows();
  return rows;
}

const SettingRow* find_setting(std::string_view name) {
  for (const Row& row : setting_rows())
    if (row.name == name) return &row;
  return nullptr;
}

std::string_view nearest_setting(std::string_view name) {
  std::string_view best;
  std::size_t best_distance = SIZE_MAX;
  for (const Row& row : setting_rows()) {
    const std::size_t distance = edit_distance(name.substr(0, 100), row.name);
    if (distance < best_distance) {
      best_distance = distance;
      best = row.name;
    }
  }
  return best;
}

std::string setting_text(const Settings& settings, const SettingRow& row) {
  return std::visit(
      [&](auto member) -> std::string {
        using M = decltype(member);
        if constexpr (std::is_same_v<M, std::monostate>) {
          return std::string(row.choices.substr(0, row.choices.find('|')));
        } else if constexpr (std::is_same_v<M, std::string Settings::*>) {
          return settings.*member;
        } else if constexpr (std::is_same_v<M, bool Settings::*>) {
          return settings.*member ? "true" : "false";
        } else {
          return std::to_string(settings.*member);
        }
      },
      row.member);
}

Status apply_setting(Settings& settings, std::string_view name, std::string_view value) {
  const Row* row = find_setting(name);
  if (row == nullptr) {
    return fail(Errc::kNotFound, "unknown key '" + std::string(name.substr(0, 100)) +
                                     "', did you mean '" + std::string(nearest_setting(name)) +
                                     "'?");
  }
  value = trimmed(value);
  if (!row->has_meaning()) {
    if (!row->choices.empty() && !one_of(value, row->choices)) {
      return bad_value(*row, value,
                       "only " + row->range() + " is accepted: " + std::string(row->help));
    }
    return {};
  }
  if (row->check != nullptr) {
    if (Status checked = row->check(value); !checked)
      return bad_value(*row, value, checked.error().message);
  }
  return std::visit(
      [&](auto member) -> Status {
        if constexpr (std::is_same_v<decltype(member), std::monostate>) {
          return {};
        } else {
          return set_value(settings, *row, member, value);
        }
      },
      row->member);
}

Status check_settings(const Settings& s) {
  if (s.listen_port != 0 && s.listen_port == s.namesrv_listen_port)
    return fail(Errc::kInvalidArgument, "listenPort and namesrvListenPort are the same");
  if (s.disk_max_used_percent > s.disk_force_clean_percent ||
      s.disk_force_clean_percent > s.disk_warning_percent) {
    return fail(Errc::kInvalidArgument,
                "diskMaxUsedSpaceRatio <= diskSpaceCleanForciblyRatio <= "
                "diskSpaceWarningLevelRatio is wanted");
  }
  if (s.max_connection_bytes_in_flight > s.max_bytes_in_flight) {
    return fail(Errc::kInvalidArgument,
                "maxConnectionBytesInFlight is larger than maxBytesInFlight");
  }
  return {};
}

Result<std::vector<SettingAssignment>> parse_properties(std::string_view text) {
  std::vector<SettingAssignment> assignments;
  for (const LogicalLine& line : logical_lines(text)) {
    const auto [key_end, value_begin] = split_at(line.text);
    SettingAssignment assignment;
    assignment.line = line.line;
    const std::string_view all = line.text;
    if (!unescape(all.substr(0, key_end), assignment.name) ||
        !unescape(all.substr(value_begin), assignment.value)) {
      return fail(Errc::kBadBytes,
                  "line " + std::to_string(line.line) + ": \\u needs four hex digits");
    }
    if (assignment.name.empty())
      return fail(Errc::kBadBytes, "line " + std::to_string(line.line) + ": no key before '='");
    assignment.value = std::string(trimmed(assignment.value));
    assignments.push_back(std::move(assignment));
  }
  return assignments;
}

Result<std::vector<std::string>> apply_properties(Settings& settings, std::string_view text,
                                                  std::string_view origin) {
  auto assignments = parse_properties(text);
  if (!assignments) {
    return fail(assignments.error().code, std::string(origin) + ": " + assignments.error().message);
  }
  std::vector<std::string> notes;
  for (const SettingAssignment& assignment : *assignments) {
    const std::string where = std::string(origin) + ":" + std::to_string(assignment.line) + ": ";
    if (Status status = apply_setting(settings, assignment.name, assignment.value); !status)
      return fail(status.error().code, where + status.error().message);
    const Row* row = find_setting(assignment.name);
    if (!row->has_meaning()) {
      notes.push_back(where + "'" + assignment.name +
                      "' has no meaning here: " + std::string(row->help));
    }
  }
  return notes;
}

std::string print_settings(const Settings& settings) {
  std::string out;
  for (const Row& row : setting_rows()) {
    if (!row.has_meaning()) continue;
    out += row.name;
    out += '=';
    out += setting_text(settings, row);
    out += '\n';
  }
  return out;
}

std::string rewrite_properties(std::string_view text, std::string_view name,
                               std::string_view value) {
  // Physical lines that belong to the last assignment of `name`.
  std::size_t found_begin = std::string_view::npos;
  std::size_t found_end = 0;
  std::size_t position = 0;
  while (position < text.size()) {
    const std::size_t begin = position;
    std::size_t end = position;
    bool comment = false;
    for (bool first = true;; first = false) {
      end = std::min(text.find('\n', position), text.size());
      std::string_view line = text.substr(position, end - position);
      if (first) {
        const std::string_view bare = trimmed(line);
        comment = bare.empty() || bare.front() == '#' || bare.front() == '!';
      }
      position = std::min(end + 1, text.size());
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      std::size_t backslashes = 0;
      while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\')
        ++backslashes;
      if (comment || backslashes % 2 == 0 || position >= text.size()) break;
    }
    if (comment) continue;
    auto parsed = parse_properties(text.substr(begin, end - begin));
    if (parsed && !parsed->empty() && parsed->front().name == name) {
      found_begin = begin;
      found_end = end;
    }
  }
  std::string escaped;
  for (const char c : value) {
    if (c == '\\') escaped += '\\';
    escaped += c == '\n' || c == '\r' ? ' ' : c;
  }
  const std::string line = std::string(name) + "=" + escaped;
  if (found_begin != std::string_view::npos) {
    return std::string(text.substr(0, found_begin)) + line + std::string(text.substr(found_end));
  }
  std::string out(text);
  if (!out.empty() && out.back() != '\n') out += '\n';
  return out + line + "\n";
}

std::string settings_markdown() {
  const Settings defaults;
  const auto cell = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '|') out += '\\';
      out += c;
    }
    return out;
  };
  std::string out =
      "# Configuration\n\n"
      "Printed by `oncemq docs config` from the table in `src/model/settings.cc`.\n\n"
      "Keys go into a file (`oncemq serve -c broker.conf`, one `key=value` per line, `#` begins a\n"
      "comment, `\\` at the end continues a line) or on the command line (`--set key=value`, "
      "which\n"
      "wins). An unknown key and a value outside its range are errors. `oncemq serve\n"
      "--print-config` shows what is in force, `--check-config` stops after checking. *Dynamic*\n"
      "keys can also be changed while the broker runs (`mqadmin updateBrokerConfig`).\n\n"
      "## Keys\n\n"
      "| key | type | range | default | unit | dynamic | meaning |\n"
      "| --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Row& row : setting_rows()) {
    if (!row.has_meaning()) continue;
    const std::string value = setting_text(defaults, row);
    out += "| `" + std::string(row.name) + "` | " + std::string(row.type()) + " | " +
           cell(row.range()) + " | " + (value.empty() ? "" : "`" + cell(value) + "`") + " | " +
           std::string(row.unit) + " | " + (row.change == Change::kDynamic ? "yes" : "") + " | " +
           cell(std::string(row.help)) + " |\n";
  }
  out +=
      "\n## Apache keys that can have one value only\n\n"
      "| key | accepted | why |\n| --- | --- | --- |\n";
  for (const Row& row : setting_rows()) {
    if (row.has_meaning() || row.choices.empty()) continue;
    out += "| `" + std::string(row.name) + "` | " + cell(row.range()) + " | " +
           std::string(row.help) + " |\n";
  }
  out +=
      "\n## Apache keys without meaning here\n\n"
      "They are accepted, and the log says that they do nothing.\n\n"
      "| why | keys |\n| --- | --- |\n";
  for (const Idle& idle : kIdle) {
    out += "| " + std::string(idle.reason) + " | ";
    std::string_view rest = idle.names;
    bool first = true;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      out += std::string(first ? "" : ", ") + "`" + std::string(rest.substr(0, end)) + "`";
      rest.remove_prefix(std::min(end + 1, rest.size()));
      first = false;
    }
    out += " |\n";
  }
  return out;
}

Result<std::vector<std::int64_t>> parse_delay_levels(std::string_view text) {
  constexpr std::size_t kLevelsMax = 64;
  std::vector<std::int64_t> levels;
  std::string_view rest = text;
  while (!(rest = trimmed(rest)).empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view level = rest.substr(0, end);
    std::int64_t number = 0;
    const auto parsed = std::from_chars(level.data(), level.data() + level.size(), number);
    std::int64_t unit_ms = 0;
    if (parsed.ec == std::errc{} && parsed.ptr + 1 == level.data() + level.size()) {
      switch (*parsed.ptr) {
        case 's':
          unit_ms = 1000;
          break;
        case 'm':
          unit_ms = 60'000;
          break;
        case 'h':
          unit_ms = kHourMs;
          break;
        case 'd':
          unit_ms = 24 * kHourMs;
          break;
        default:
          break;
      }
    }
    if (unit_ms == 0 || number < 0 || number > 100'000) {
      return fail(Errc::kInvalidArgument, "delays like '1s 5m 2h 1d' are wanted, not '" +
                                              std::string(level.substr(0, 40)) + "'");
    }
    levels.push_back(number * unit_ms);
    rest.remove_prefix(end);
  }
  if (levels.empty() || levels.size() > kLevelsMax)
    return fail(Errc::kInvalidArgument, "1 to 64 delays are wanted");
  return levels;
}

LiveSettings::LiveSettings(Settings settings) {
  generations_.push_back(std::make_unique<const Settings>(std::move(settings)));
  current_.store(generations_.back().get(), std::memory_order_release);
}

Status LiveSettings::update(std::span<const SettingAssignment> assignments) {
  {
    MutexLock lock(mutex_);
    if (generations_.size() > kUpdatesMax)
      return fail(Errc::kBusy, "too many updates since the start; restart to change settings");
    Settings next = *generations_.back();
    for (const SettingAssignment& assignment : assignments) {
      const SettingRow* row = find_setting(assignment.name);
      ONCE_TRY(apply_setting(next, assignment.name, assignment.value));
      if (row->change != Change::kDynamic) {
        return fail(Errc::kNoPermission,
                    "'" + assignment.name + "' cannot be changed while the broker runs" +
                        (row->has_meaning() ? "" : ": " + std::string(row->help)));
      }
    }
    ONCE_TRY(check_settings(next));
    generations_.push_back(std::make_unique<const Settings>(std::move(next)));
    current_.store(generations_.back().get(), std::memory_order_release);
    version_.fetch_add(1, std::memory_order_acq_rel);
  }
  if (listener_) listener_(assignments);
  return {};
}

}  // namespace oncemq::model
