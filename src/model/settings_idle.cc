#include "model/settings_idle.h"

#include <array>

namespace oncemq::model {
namespace {

constexpr std::array kIdle = {
    IdleSettings{
        "requests run on event loops; there are no thread pools and no queues in front of them",
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
    IdleSettings{
        "socket options are chosen by the event loop",
        "serverSocketSndBufSize serverSocketRcvBufSize writeBufferHighWaterMark "
        "writeBufferLowWaterMark serverSocketBacklog transferMsgByHeap enableNetWorkFlowControl"},
    IdleSettings{
        "our own outgoing connections have no options",
        "clientWorkerThreads clientCallbackExecutorThreads clientOnewaySemaphoreValue "
        "clientAsyncSemaphoreValue connectTimeoutMillis channelNotActiveInterval "
        "isScanAvailableNameSrv clientChannelMaxIdleTimeSeconds clientSocketSndBufSize "
        "clientSocketRcvBufSize clientPooledByteBufAllocatorEnable clientCloseSocketIfTimeout "
        "useTLS socksProxyConfig disableCallbackExecutor disableNettyWorkerGroup "
        "maxReconnectIntervalTimeSeconds enableReconnectForGoAway"},
    IdleSettings{"SIGTERM always drains, in less than 10 s",
                 "enableShutdownGracefully shutdownWaitTimeSeconds"},
    IdleSettings{
        "the log is written with pwrite and synced in groups, not mapped and flushed by pages",
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
    IdleSettings{
        "a pull has the same bounds wherever its messages lie; a key query gives at most 64",
        "maxTransferBytesOnMessageInDisk maxTransferCountOnMessageInDisk defaultQueryMaxNum "
        "maxMsgsNumBatch"},
    IdleSettings{
        "everything lies below storePathRootDir",
        "storePathCommitLog storePathDLedgerCommitLog storePathEpochFile storePathBrokerIdentity "
        "readOnlyCommitLogStorePaths kvConfigPath configStorePath brokerConfigPath rocketmqHome "
        "authConfigPath"},
    IdleSettings{
        "deletion runs in one pass of the service thread",
        "cleanResourceInterval deleteCommitLogFilesInterval deleteConsumeQueueFilesInterval "
        "destroyMapedFileIntervalForcibly redeleteHangedFileInterval deleteFileBatchMax "
        "maxBatchDeleteFilesNum correctLogicMinOffsetSleepInterval "
        "correctLogicMinOffsetForceInterval logicalDiskSpaceCleanForciblyThreshold "
        "replicasPerDiskPartition"},
    IdleSettings{
        "recovery always checks everything that it reads",
        "checkCRCOnRecover forceVerifyPropCRC messageIndexSafe maxRecoveryCommitlogFiles "
        "recoverConcurrently enableAcceleratedRecovery recheckReputOffsetFromCq "
        "enableLogConsumeQueueRepeatedlyBuildWhenRecover diskFallRecorded maxChecksumRange"},
    IdleSettings{"queue entries are made while appending; a scan is bounded by the request",
                 "dispatchCqThreads dispatchCqCacheNum enableAsyncReput dispatchFromSenderThread "
                 "enableBuildConsumeQueueConcurrently batchDispatchRequestThreadPoolNums "
                 "maxFilterMessageSize travelCqFileNumWhenGetMessage maxConsumeQueueScan "
                 "sampleCountThreshold sampleSteps estimateAccumulation readUnCommitted "
                 "putMsgIndexHightWater duplicationEnable debugLockEnable searchBcqByCacheEnable "
                 "mapperFileSizeBatchConsumeQueue enableBatchPush enableConsumeQueueExt "
                 "mappedFileSizeConsumeQueueExt bitMapLengthConsumeQueueExt maxTopicLength "
                 "autoMessageVersionOnTopicLen"},
    IdleSettings{"queues and metadata in RocksDB are not served",
                 "cleanRocksDBDirtyCQIntervalMin statRocksDBCQIntervalSec memTableFlushIntervalMs "
                 "realTimePersistRocksDBConfig enableRocksDBLog rocksdbCQDoubleWriteEnable "
                 "combineCQLoadingCQTypes combineCQPreferCQType combineAssignOffsetCQType "
                 "combineCQEnableCheckSelf combineCQMaxExtraSearchCommitLogFiles "
                 "bottomMostCompressionTypeForConsumeQueueStore rocksdbCompressionType "
                 "rocksdbFlushWalFrequency rocksdbWalFileRollingThreshold"},
    IdleSettings{
        "replicas are not served",
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
    IdleSettings{
        "a verdict's op record is written with the verdict",
        "transactionMetricFlushInterval transactionOpMsgMaxSize transactionOpBatchInterval"},
    IdleSettings{
        "timers are kept in an index of our own: docs/timers.md",
        "mappedFileSizeTimerLog timerRollWindowSlot timerFlushIntervalMs timerGetMessageThreadNum "
        "timerPutMessageThreadNum timerEnableDisruptor timerEnableCheckMetrics "
        "timerInterceptDelayLevel disappearTimeAfterStart timerStopEnqueue timerCheckMetricsWhen "
        "timerSkipUnknownError timerWarmEnable timerStopDequeue timerEnableRetryUntilSuccess "
        "timerCongestNumEachSlot timerMetricSmallThreshold timerProgressLogIntervalMs"},
    IdleSettings{
        "POP delivers in place and keeps its state in the log (docs/pop.md)",
        "popPollingSize popPollingMapSize popPollingMapExpireTimeSeconds maxPopPollingSize "
        "reviveQueueNum reviveInterval reviveMaxSlow reviveScanTime enableSkipLongAwaitingAck "
        "reviveAckWaitMs enablePopLog enablePopBufferMerge popCkStayBufferTime "
        "popCkStayBufferTimeOut popCkMaxBufferSize popCkOffsetMaxQueueSize enablePopBatchAck "
        "popLongPollingForceNotifyInterval enableNotifyBeforePopCalculateLag "
        "enableNotifyAfterPopOrderLockRelease initPopOffsetByCheckMsgInMem "
        "popFromRetryProbability "
        "popConsumerFSServiceInit popConsumerKVServiceLog popConsumerKVServiceInit "
        "popConsumerKVServiceEnable popReviveMaxReturnSizePerRead popReviveMaxAttemptTimes "
        "serverLoadBalancerEnable "
        "popResponseReturnActualRetryTopic enablePopMessageThreshold "
        "skipWhenCKRePutReachMaxTimes appendAckAsync appendCkAsync clearRetryTopicWhenDeleteTopic "
        "enablePopMetrics"},
    IdleSettings{"SQL92 filters have no bit maps: each reader asks the expression",
                 "enableCalcFilterBitMap expectConsumerNumUseFilter maxErrorRateOfBloomFilter "
                 "filterDataCleanTimeSpan filterSupportRetry"},
    IdleSettings{"compaction topics are not served",
                 "compactionMappedFileSize compactionCqMappedFileSize compactionScheduleInternal "
                 "maxOffsetMapSize compactionThreadNum enableCompaction"},
    IdleSettings{"light message queues are not served", "maxLmqConsumeQueueNum enableLmqStats"},
    IdleSettings{
        "access control is not served",
        "authenticationProvider authenticationMetadataProvider authenticationStrategy "
        "authenticationWhitelist initAuthenticationUser innerClientAuthenticationCredentials "
        "authorizationProvider authorizationMetadataProvider authorizationStrategy "
        "authorizationWhitelist migrateAuthFromV1Enabled userCacheMaxNum userCacheExpiredSecond "
        "userCacheRefreshSecond aclCacheMaxNum aclCacheExpiredSecond aclCacheRefreshSecond "
        "statefulAuthenticationCacheMaxNum statefulAuthenticationCacheExpiredSecond "
        "statefulAuthorizationCacheMaxNum statefulAuthorizationCacheExpiredSecond"},
    IdleSettings{"metrics are always kept and are read over HTTP (httpListenPort)",
                 "metricsExporterType metricsOtelCardinalityLimit metricsGrpcExporterTarget "
                 "metricsGrpcExporterHeader metricGrpcExporterTimeOutInMills "
                 "metricGrpcExporterIntervalInMills metricLoggingExporterIntervalInMills "
                 "metricsPromExporterPort metricsPromExporterHost metricsLabel metricsInDelta "
                 "enableRemotingMetrics enableMessageStoreMetrics enableConnectionMetrics "
                 "enableTransactionMetrics enableStatsMetrics enableRequestMetrics "
                 "enableLagAndDlqMetrics"},
    IdleSettings{
        "counters are always kept and are cheap",
        "commercialBaseCount commercialSizePerMsg accountStatsEnable accountStatsPrintZeroValues "
        "maxStatsIdleTimeInMinutes autoDeleteUnusedStats enableScheduleMessageStats "
        "isolateLogEnable printChannelGroups printChannelGroupsMinNum"},
    IdleSettings{
        "every change is registered at once, whole and uncompressed",
        "compressedRegister forceRegister enableSingleTopicRegister enableSplitRegistration "
        "splitRegistrationSize enableSplitMetadata splitMetadataSize"},
    IdleSettings{
        "name servers are named by namesrvAddr",
        "fetchNameSrvAddrByDnsLookup fetchNamesrvAddrByAddressServer updateNameServerAddrPeriod "
        "fetchNamesrvAddrInterval"},
    IdleSettings{"always on",
                 "useServerSideResetOffset realTimeNotifyConsumerChange "
                 "validateSystemTopicWhenUpdateTopic enableCreateSysGroup "
                 "enableAllTopicList enableTopicList"},
    IdleSettings{
        "has no counterpart",
        "messageStorePlugIn subscriptionExpiredTimeout flushConsumerOffsetHistoryInterval "
        "rejectPullConsumerEnable "
        "enableBroadcastOffsetStore broadcastOffsetExpireSecond broadcastOffsetExpireMaxSecond "
        "consumerOffsetUpdateVersionStep delayOffsetUpdateVersionStep "
        "useStaticSubscription enableMixedMessageType configBlackList enableCleanExpiredOffset "
        "enableScheduleAsyncDeliver scheduleAsyncDeliverMaxPendingLimit "
        "scheduleAsyncDeliverMaxResendNum2Blocked productEnvName clusterTest configName "
        "clusterName"},
};

}  // namespace

std::span<const IdleSettings> idle_settings() {
  return kIdle;
}

}  // namespace oncemq::model
