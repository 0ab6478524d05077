package oncemq.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What {@link MqAdminCompareTest} runs. Words in braces are filled in by {@link MqAdminWorld}; each
 * command that changes something has topics and groups of its own.
 */
final class MqAdminCommands {
  enum How {
    /** The same text, after times, addresses and ids were made equal. */
    SAME,
    SAME_LINES,
    UNTIL_TRACK,
    /** The first word of each of Apache's lines is there too; {@code words}: except these. */
    FIRST_WORDS,
    /** Both print all of the words. */
    BOTH_SAY,
    /** A part is missing here; the answer says which. */
    REFUSED
  }

  record Case(String line, How how, List<String> words) {
    String command() {
      return line.split(" ")[0];
    }

    String name() {
      return line.replaceAll("[^A-Za-z0-9]+", "_");
    }

    @Override
    public String toString() {
      return line;
    }
  }

  /** They ask no broker: they work on files of a broker that has them, or have no end. */
  static final Set<String> LOCAL =
      new java.util.TreeSet<>(
          List.of("dumpCompactionLog", "exportMetadataInRocksDB", "startMonitoring", "clusterRT"));

  /** Figures of parts that are not there: Java's page cache lock, put buffers, dispatch buffer. */
  private static final String[] NO_SUCH_FIGURE = {
    "commitLogDirCapacity", "commitLogDiskRatio_", "dispatchMaxBuffer", "getMessageEntireTimeMax",
    "putLatency99", "putLatency999", "putMessageDistributeTime", "putMessageEntireTimeMax"
  };

  private static final List<Case> all = new ArrayList<>();

  static List<Case> all() {
    return all;
  }

  private static void same(String line) {
    all.add(new Case(line, How.SAME, List.of()));
  }

  /** The same lines in any order. */
  private static void lines(String line) {
    all.add(new Case(line, How.SAME_LINES, List.of()));
  }

  /** The same up to the tracks of consumer groups, which depend on what else is running. */
  private static void untilTrack(String line) {
    all.add(new Case(line, How.UNTIL_TRACK, List.of()));
  }

  private static void firstWords(String line, String... except) {
    all.add(new Case(line, How.FIRST_WORDS, List.of(except)));
  }

  private static void say(String line, String... words) {
    all.add(new Case(line, How.BOTH_SAY, List.of(words)));
  }

  private static void refused(String line, String... words) {
    all.add(new Case(line, How.REFUSED, List.of(words)));
  }

  static {
    // topics
    same("updateTopic -b {broker} -t made-1 -r 3 -w 2 -p 6");
    same("updateTopic -c {cluster} -t made-2 -r 5 -w 5");
    same("updateTopic -b {broker} -t made-3 -a +message.type=FIFO");
    say("updateTopic -b {broker} -t made-4 -a +message.type=NONSENSE", "MQClientException", "CODE: ");
    say("updateTopic -b {broker} -t bad*name", "CODE: 29");
    say("updateTopic -b {broker} -t SELF_TEST_TOPIC", "CODE: 29");
    same("updateTopicList -b {broker} -f {topicsFile}");
    same("updateTopicPerm -b {broker} -t perm -p 4");
    same("updateTopicPerm -b {broker} -t no-such-topic -p 4");
    same("deleteTopic -c {cluster} -t gone");
    same("deleteTopic -c {cluster} -t never-was");
    same("topicRoute -t still");
    same("topicRoute -t still -l");
    same("topicRoute -t no-such-topic");
    same("topicStatus -t still");
    same("topicStatus -t no-such-topic");
    same("topicClusterList -t still");
    say("topicList", "still", "%RETRY%quiet", "TBW102", "SELF_TEST_TOPIC", "broker-a", "DefaultCluster");
    say("topicList -c", "DefaultCluster still quiet", "DefaultCluster sent");
    same("updateOrderConf -m put -t ordered -v {brokerName}:4");
    same("updateOrderConf -m get -t ordered-before");
    same("updateOrderConf -m delete -t ordered-gone");
    same("allocateMQ -t still -i ip1,ip2");
    say("statsAll -t still", "still quiet", "still reset-3", "#InMsg24Hour");
    say("statsAll -a", "still quiet", "#InMsg24Hour");
    refused("updateStaticTopic -b {brokerName} -t static -qn 4", "static topics are not served");
    say("remappingStaticTopic -b {brokerName} -t no-static", "No topic route to do the remapping");
    // groups
    same("updateSubGroup -b {broker} -g made-group -r 7 -q 2");
    same("updateSubGroup -c {cluster} -g made-group-2 -s false");
    same("updateSubGroupList -b {broker} -f {groupsFile}");
    same("deleteSubGroup -b {broker} -g gone-group -r true");
    same("deleteSubGroup -c {cluster} -g gone-group-2");
    same("getConsumerConfig -g quiet");
    same("getConsumerConfig -g no-such-group");
    same("setConsumeMode -b {broker} -t still -g reset -m POP -q 4");
    same("setConsumeMode -c {cluster} -t still -g reset-2 -m PULL");
    same("setConsumeMode -b {broker} -t still -g reset -m NONSENSE");
    say("consumerProgress", "quiet", "reset-3", "online", "OFFLINE", "#Group");
    same("consumerProgress -g quiet");
    same("consumerProgress -g quiet -t still");
    same("consumerProgress -g online -s true");
    say("consumerProgress -g no-such-group", "MQClientException", "CODE: ");
    same("consumerConnection -g online");
    same("consumerConnection -g online -b {broker}");
    say("consumerConnection -g no-such-group", "MQ", "CODE: ");
    same("producerConnection -g producers -t still");
    same("producerConnection -g no-such-group -t still");
    lines("producer -b {broker}");
    same("consumerStatus -g online");
    say("consumerStatus -g no-such-group", "CODE: ");
    same("cloneGroupOffset -s quiet -d clone -t still");
    say("cloneGroupOffset -s quiet -d no-such-group -t still", "CODE: 26");
    same("resetOffsetByTime -g reset -t still -s 0");
    same("resetOffsetByTime -g reset-2 -t still -s now");
    same("resetOffsetByTime -g reset-3 -t still -b {broker} -q 0 -s 0 -o 1");
    say("resetOffsetByTime -g no-such-group -t still -s 0", "CODE: 26");
    same("resetOffsetByTime -g reset -t no-such-topic -s 0");
    same("skipAccumulatedMessage -g reset-5 -t still");
    say("brokerConsumeStats -b {broker} -t 20000 -l 0", "#Consumer Offset", "still quiet broker-a 0 4 3 1", "Diff Total:");
    // messages
    untilTrack("queryMsgById -i {offsetId} -t still");
    same("queryMsgById -i 7F00000100002A9F00000000FFFFFFFF -t still");
    same("queryMsgById -i {offsetId} -t online -g online -d {clientId}");
    same("queryMsgByKey -t still -k key-1");
    same("queryMsgByKey -t still -k no-such-key");
    untilTrack("queryMsgByUniqueKey -t still -i {uniqueKey}");
    untilTrack("queryMsgByUniqueKey -t still -i {uniqueKey} -a");
    untilTrack("queryMsgByOffset -t still -b {brokerName} -i 0 -o 1");
    untilTrack("queryMsgByOffset -t still -b {brokerName} -i 0 -o 100");
    same("queryMsgTraceById -i {uniqueKey}");
    same("queryMsgTraceById -i {tracedKey}");
    same("printMsg -t still -d true");
    same("printMsg -t still -s tag-1 -d true");
    same("printMsgByQueue -t still -a {brokerName} -i 0 -p true -d true -f true");
    same("consumeMessage -t still -b {brokerName} -i 0 -o 0 -c 2");
    same("sendMessage -t sent -p hello -k key -c tag -b {brokerName} -i 0");
    same("sendMessage -t sent -p hello -k key -m true");
    same("sendMsgStatus -b {brokerName} -s 10 -c 2");
    lines("checkMsgSendRT -t sent -a 3 -s 10");
    same("queryCq -t still -q 0 -i 0 -c 5 -b {broker}");
    same("queryCq -t still -q 0 -i 0 -c 5 -b {broker} -g online");
    // brokers
    lines("clusterList");
    say("clusterList -m", "DefaultCluster", "broker-a", "#InTotalYest");
    same("clusterList -c no-such-cluster");
    firstWords("brokerStatus -b {broker}", NO_SUCH_FIGURE);
    firstWords("brokerStatus -c {cluster}", NO_SUCH_FIGURE);
    say("getBrokerConfig -b {broker}", "brokerName = broker-a", "flushDiskType = ASYNC_FLUSH", "deleteWhen = 04", "fileReservedTime = 72", "maxMessageSize = 4194304");
    say("getBrokerConfig -c {cluster}", "Master: {broker}", "brokerName = broker-a");
    same("updateBrokerConfig -b {broker} -k shortPollingTimeMills -v 1234");
    same("updateBrokerConfig -c {cluster} -k shortPollingTimeMills -v 1235");
    same("updateBrokerConfig -b {broker} -k brokerConfigPath -v /x");
    // An unknown key is an error here, not a silent success.
    refused("updateBrokerConfig -b {broker} -k noSuchKey -v 1", "unknown key 'noSuchKey'");
    same("cleanExpiredCQ -b {broker}");
    same("cleanExpiredCQ -c {cluster}");
    same("deleteExpiredCommitLog -b {broker}");
    same("cleanUnusedTopic -b {broker}");
    same("exportMetadata -b {broker} -f {out}/metadata-b");
    same("exportMetadata -c {cluster} -f {out}/metadata-c");
    same("exportMetadata -b {broker} -t -f {out}/metadata-t");
    same("exportMetadata -b {broker} -g -f {out}/metadata-g");
    say("exportPopRecord -b {broker} -d true", "Export broker records");
    same("exportConfigs -c {cluster} -f {out}/configs");
    same("exportMetrics -c {cluster} -f {out}/metrics");
    refused("addBroker -c {broker} -b /tmp/no-such-broker.conf", "a process holds one broker");
    refused("removeBroker -c {broker} -b DefaultCluster:x:0", "a process holds one broker");
    refused("resetMasterFlushOffset -b {broker} -o 0", "replication is not served");
    refused("haStatus -b {broker}", "replication is not served");
    refused("getBrokerEpoch -b {brokerName}", "replication is not served");
    refused("getSyncStateSet -a {namesrv} -b {brokerName}", "there is no controller");
    refused("getControllerMetaData -a {namesrv}", "there is no controller");
    refused("getControllerConfig -a {namesrv}", "there is no controller");
    refused("updateControllerConfig -a {namesrv} -k a -v b", "there is no controller");
    refused("electMaster -a {namesrv} -b 1 -bn {brokerName} -c {cluster}", "there is no controller");
    refused("cleanBrokerMetadata -a {namesrv} -bn {brokerName} -c {cluster}", "there is no controller");
    refused("getColdDataFlowCtrInfo -b {broker}", "reads of cold data need no flow control here");
    refused("updateColdDataFlowCtrGroupConfig -b {broker} -g quiet -v 1", "reads of cold data need no flow control here");
    refused("removeColdDataFlowCtrGroupConfig -b {broker} -g quiet", "reads of cold data need no flow control here");
    refused("setCommitLogReadAheadMode -b {broker} -m 0", "reads of cold data need no flow control here");
    same("rocksDBConfigToJson -t topics -b {broker}");
    refused("checkRocksdbCqWriteProgress -c {cluster} -n {namesrv} -t still", "there is no RocksDB in this store");
    // name server
    same("updateKvConfig -s space -k key -v value");
    same("deleteKvConfig -s space -k never");
    say("getNamesrvConfig", "listenPort");
    // There are no thread pools to size.
    refused("updateNamesrvConfig -k clientRequestThreadPoolNums -v 9", "cannot be changed");
    same("wipeWritePerm -b no-such-broker");
    say("addWritePerm -b {brokerName}", "add write perm of broker[broker-a] in name server[{namesrv}] OK");
    // access control
    refused("createUser -b {broker} -u u -p p", "access control is not served");
    refused("updateUser -b {broker} -u u -p p2", "access control is not served");
    refused("deleteUser -b {broker} -u u", "access control is not served");
    refused("getUser -b {broker} -u u", "access control is not served");
    refused("listUser -b {broker}", "access control is not served");
    refused("copyUser -f {broker} -t {broker} -u u", "access control is not served");
    refused("createAcl -b {broker} -s User:u -r Topic:t -a Pub -d Allow", "access control is not served");
    refused("updateAcl -b {broker} -s User:u -r Topic:t -a Pub -d Deny", "access control is not served");
    refused("deleteAcl -b {broker} -s User:u -r Topic:t", "access control is not served");
    refused("getAcl -b {broker} -s User:u", "access control is not served");
    refused("listAcl -b {broker}", "access control is not served");
    refused("copyAcl -f {broker} -t {broker} -s User:u", "access control is not served");
  }

  private MqAdminCommands() {}
}
