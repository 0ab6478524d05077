package oncemq.golden;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.annotation.CFNotNull;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.SerializeType;
import org.apache.rocketmq.remoting.protocol.header.*;
import org.apache.rocketmq.remoting.protocol.header.namesrv.*;

/** Whole frames, each in the JSON and in the ROCKETMQ header. */
final class Frames {
  private static final int VERSION = 479;
  private final Fixture fixture = new Fixture();
  private int opaque = 1000;

  static void record(Path folder) throws Exception {
    Frames frames = new Frames();
    frames.requests();
    frames.responses();
    frames.oddities();
    frames.fixture.write(folder, "frames");
  }

  private void requests() throws Exception {
    Map<Integer, Class<? extends CommandCustomHeader>> headers = new TreeMap<>();
    headers.put(RequestCode.SEND_MESSAGE, SendMessageRequestHeader.class);
    headers.put(RequestCode.SEND_MESSAGE_V2, SendMessageRequestHeaderV2.class);
    headers.put(RequestCode.SEND_BATCH_MESSAGE, SendMessageRequestHeaderV2.class);
    headers.put(RequestCode.CONSUMER_SEND_MSG_BACK, ConsumerSendMsgBackRequestHeader.class);
    headers.put(RequestCode.END_TRANSACTION, EndTransactionRequestHeader.class);
    headers.put(RequestCode.PULL_MESSAGE, PullMessageRequestHeader.class);
    headers.put(RequestCode.LITE_PULL_MESSAGE, PullMessageRequestHeader.class);
    headers.put(RequestCode.QUERY_MESSAGE, QueryMessageRequestHeader.class);
    headers.put(RequestCode.VIEW_MESSAGE_BY_ID, ViewMessageRequestHeader.class);
    headers.put(RequestCode.QUERY_CONSUMER_OFFSET, QueryConsumerOffsetRequestHeader.class);
    headers.put(RequestCode.UPDATE_CONSUMER_OFFSET, UpdateConsumerOffsetRequestHeader.class);
    headers.put(RequestCode.UPDATE_AND_CREATE_TOPIC, CreateTopicRequestHeader.class);
    headers.put(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, SearchOffsetRequestHeader.class);
    headers.put(RequestCode.GET_MAX_OFFSET, GetMaxOffsetRequestHeader.class);
    headers.put(RequestCode.GET_MIN_OFFSET, GetMinOffsetRequestHeader.class);
    headers.put(
        RequestCode.GET_EARLIEST_MSG_STORETIME, GetEarliestMsgStoretimeRequestHeader.class);
    headers.put(RequestCode.HEART_BEAT, HeartbeatRequestHeader.class);
    headers.put(RequestCode.UNREGISTER_CLIENT, UnregisterClientRequestHeader.class);
    headers.put(RequestCode.GET_CONSUMER_LIST_BY_GROUP, GetConsumerListByGroupRequestHeader.class);
    headers.put(RequestCode.CHECK_TRANSACTION_STATE, CheckTransactionStateRequestHeader.class);
    headers.put(
        RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, NotifyConsumerIdsChangedRequestHeader.class);
    headers.put(RequestCode.LOCK_BATCH_MQ, LockBatchMqRequestHeader.class);
    headers.put(RequestCode.UNLOCK_BATCH_MQ, UnlockBatchMqRequestHeader.class);
    headers.put(RequestCode.PUT_KV_CONFIG, PutKVConfigRequestHeader.class);
    headers.put(RequestCode.GET_KV_CONFIG, GetKVConfigRequestHeader.class);
    headers.put(RequestCode.DELETE_KV_CONFIG, DeleteKVConfigRequestHeader.class);
    headers.put(RequestCode.GET_KVLIST_BY_NAMESPACE, GetKVListByNamespaceRequestHeader.class);
    headers.put(RequestCode.REGISTER_BROKER, RegisterBrokerRequestHeader.class);
    headers.put(RequestCode.UNREGISTER_BROKER, UnRegisterBrokerRequestHeader.class);
    headers.put(RequestCode.GET_ROUTEINFO_BY_TOPIC, GetRouteInfoRequestHeader.class);
    headers.put(RequestCode.QUERY_DATA_VERSION, QueryDataVersionRequestHeader.class);
    headers.put(RequestCode.BROKER_HEARTBEAT, BrokerHeartbeatRequestHeader.class);
    headers.put(RequestCode.WIPE_WRITE_PERM_OF_BROKER, WipeWritePermOfBrokerRequestHeader.class);
    headers.put(RequestCode.ADD_WRITE_PERM_OF_BROKER, AddWritePermOfBrokerRequestHeader.class);
    headers.put(RequestCode.DELETE_TOPIC_IN_NAMESRV, DeleteTopicFromNamesrvRequestHeader.class);
    headers.put(RequestCode.DELETE_TOPIC_IN_BROKER, DeleteTopicRequestHeader.class);
    headers.put(RequestCode.GET_TOPICS_BY_CLUSTER, GetTopicsByClusterRequestHeader.class);
    headers.put(RequestCode.DELETE_SUBSCRIPTIONGROUP, DeleteSubscriptionGroupRequestHeader.class);
    headers.put(
        RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, GetSubscriptionGroupConfigRequestHeader.class);
    headers.put(RequestCode.GET_TOPIC_CONFIG, GetTopicConfigRequestHeader.class);
    headers.put(RequestCode.GET_TOPIC_STATS_INFO, GetTopicStatsInfoRequestHeader.class);
    headers.put(
        RequestCode.GET_CONSUMER_CONNECTION_LIST, GetConsumerConnectionListRequestHeader.class);
    headers.put(
        RequestCode.GET_PRODUCER_CONNECTION_LIST, GetProducerConnectionListRequestHeader.class);
    headers.put(RequestCode.GET_CONSUME_STATS, GetConsumeStatsRequestHeader.class);
    headers.put(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, ResetOffsetRequestHeader.class);
    headers.put(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, ResetOffsetRequestHeader.class);
    headers.put(
        RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, GetConsumerStatusRequestHeader.class);
    headers.put(RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, QueryTopicConsumeByWhoRequestHeader.class);
    headers.put(RequestCode.QUERY_CONSUME_TIME_SPAN, QueryConsumeTimeSpanRequestHeader.class);
    headers.put(RequestCode.GET_CONSUMER_RUNNING_INFO, GetConsumerRunningInfoRequestHeader.class);
    headers.put(RequestCode.QUERY_CORRECTION_OFFSET, QueryCorrectionOffsetHeader.class);
    headers.put(
        RequestCode.CONSUME_MESSAGE_DIRECTLY, ConsumeMessageDirectlyResultRequestHeader.class);
    headers.put(RequestCode.CLONE_GROUP_OFFSET, CloneGroupOffsetRequestHeader.class);
    headers.put(RequestCode.VIEW_BROKER_STATS_DATA, ViewBrokerStatsDataRequestHeader.class);
    headers.put(RequestCode.GET_BROKER_CONSUME_STATS, GetConsumeStatsInBrokerHeader.class);
    headers.put(RequestCode.QUERY_CONSUME_QUEUE, QueryConsumeQueueRequestHeader.class);
    headers.put(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, ReplyMessageRequestHeader.class);
    headers.put(RequestCode.RECALL_MESSAGE, RecallMessageRequestHeader.class);
    headers.put(RequestCode.QUERY_TOPICS_BY_CONSUMER, QueryTopicsByConsumerRequestHeader.class);
    headers.put(
        RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER, QuerySubscriptionByConsumerRequestHeader.class);
    headers.put(RequestCode.ACK_MESSAGE, AckMessageRequestHeader.class);
    headers.put(RequestCode.POP_MESSAGE, PopMessageRequestHeader.class);
    headers.put(
        RequestCode.CHANGE_MESSAGE_INVISIBLETIME, ChangeInvisibleTimeRequestHeader.class);
    headers.put(RequestCode.NOTIFICATION, NotificationRequestHeader.class);
    headers.put(RequestCode.PEEK_MESSAGE, PeekMessageRequestHeader.class);
    headers.put(RequestCode.POLLING_INFO, PollingInfoRequestHeader.class);

    for (Map.Entry<Integer, Class<? extends CommandCustomHeader>> entry : headers.entrySet()) {
      request(entry.getKey(), entry.getValue(), true);
      request(entry.getKey(), entry.getValue(), false);
    }
    for (int code :
        new int[] {
          RequestCode.GET_ALL_TOPIC_CONFIG,
          RequestCode.GET_BROKER_CONFIG,
          RequestCode.GET_BROKER_RUNTIME_INFO,
          RequestCode.GET_ALL_CONSUMER_OFFSET,
          RequestCode.GET_ALL_DELAY_OFFSET,
          RequestCode.GET_BROKER_CLUSTER_INFO,
          RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
          RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG
        }) {
      both(name(code), RemotingCommand.createRequestCommand(code, null), null);
    }
  }

  private void request(int code, Class<? extends CommandCustomHeader> type, boolean full)
      throws Exception {
    CommandCustomHeader header = filled(type, full);
    RemotingCommand command = RemotingCommand.createRequestCommand(code, header);
    if (full) {
      command.setBody("body of ".concat(name(code)).getBytes(StandardCharsets.UTF_8));
    }
    both(name(code) + (full ? "/full" : "/required"), command, type);
  }

  private void responses() throws Exception {
    Class<?>[] types = {
      SendMessageResponseHeader.class,
      PullMessageResponseHeader.class,
      QueryMessageResponseHeader.class,
      QueryConsumerOffsetResponseHeader.class,
      SearchOffsetResponseHeader.class,
      GetMaxOffsetResponseHeader.class,
      GetMinOffsetResponseHeader.class,
      GetEarliestMsgStoretimeResponseHeader.class,
      GetBrokerConfigResponseHeader.class,
      GetKVConfigResponseHeader.class,
      RegisterBrokerResponseHeader.class,
      QueryDataVersionResponseHeader.class,
      WipeWritePermOfBrokerResponseHeader.class,
      AddWritePermOfBrokerResponseHeader.class,
      PopMessageResponseHeader.class,
      ChangeInvisibleTimeResponseHeader.class,
      NotificationResponseHeader.class,
      RecallMessageResponseHeader.class,
      PollingInfoResponseHeader.class
    };
    for (Class<?> type : types) {
      for (boolean full : new boolean[] {true, false}) {
        CommandCustomHeader header = filled(type.asSubclass(CommandCustomHeader.class), full);
        RemotingCommand command = RemotingCommand.createResponseCommandWithHeader(0, header);
        if (full) {
          command.setRemark("FOUND");
          command.setBody(new byte[] {0, 1, 2, (byte) 0xff});
        }
        String simple = type.getSimpleName().replace("Header", "");
        both(simple + (full ? "/full" : "/required"), command, type);
      }
    }
  }

  private void oddities() throws Exception {
    both("response/plain", RemotingCommand.createResponseCommand(0, null), null);
    both(
        "response/refused",
        RemotingCommand.createResponseCommand(17, "topic[T] not exist, \"quoted\" \\ \n\t<&>'"),
        null);
    both(
        "response/unicode-remark",
        RemotingCommand.createResponseCommand(1, "Grüße 消息 \ud83d\ude80 \u2028 end"),
        null);
    RemotingCommand oneway = RemotingCommand.createRequestCommand(15, null);
    oneway.addExtField("k", "v");
    oneway.markOnewayRPC();
    both("request/oneway", oneway, null);
    RemotingCommand odd = RemotingCommand.createRequestCommand(34, null);
    odd.addExtField("empty", "");
    odd.addExtField("unicode", "属性 \ud83d\ude80");
    odd.addExtField("separators", "a\u0001b\u0002c");
    odd.addExtField("quote", "\"\\/\b\f\n\r\t");
    odd.addExtField("long", "x".repeat(40_000).substring(0, 3000));
    both("request/odd-values", odd, null);
    for (LanguageCode language : LanguageCode.values()) {
      RemotingCommand command = RemotingCommand.createRequestCommand(34, null);
      command.setLanguage(language);
      both("language/" + language, command, null);
    }
    RemotingCommand negative = RemotingCommand.createRequestCommand(34, null);
    negative.setVersion(317);
    negative.setBody(new byte[0]);
    opaque = -7;
    both("request/negative-opaque", negative, null);
    RemotingCommand big = RemotingCommand.createRequestCommand(310, null);
    opaque = Integer.MAX_VALUE;
    both("request/max-opaque", big, null);
  }

  private void both(String name, RemotingCommand command, Class<?> header) throws Exception {
    int id = opaque++;
    for (SerializeType type : SerializeType.values()) {
      command.setOpaque(id);
      if (command.getVersion() != 317) {
        command.setVersion(VERSION);
      }
      command.setSerializeTypeCurrentRPC(type);
      byte[] frame = Fixture.bytes(command.encode());
      Map<String, Object> entry = fixture.add(name + (type == SerializeType.JSON ? "#json" : "#binary"), frame);
      entry.put("header", type == SerializeType.JSON ? 0 : 1);
      entry.put("code", command.getCode());
      // What the sixteen bits of the compact header keep of the code.
      entry.put("compactCode", (int) (short) command.getCode());
      entry.put("language", command.getLanguage().name());
      entry.put("languageCode", (int) command.getLanguage().getCode());
      entry.put("version", command.getVersion());
      entry.put("opaque", command.getOpaque());
      entry.put("flag", command.getFlag());
      entry.put("remark", command.getRemark());
      Map<String, String> ext = command.getExtFields();
      entry.put("ext", ext == null ? null : new TreeMap<>(ext));
      entry.put("body", command.getBody() == null ? null : Fixture.hex(command.getBody()));
      entry.put("class", header == null ? null : header.getSimpleName());
    }
  }

  private static String name(int code) throws Exception {
    for (Field field : RequestCode.class.getFields()) {
      if (field.getType() == int.class && field.getInt(null) == code) {
        return field.getName();
      }
    }
    throw new IllegalArgumentException("code " + code);
  }

  /** Every own field of the header with a value that tells fields apart, or the required ones. */
  private static CommandCustomHeader filled(Class<? extends CommandCustomHeader> type, boolean full)
      throws Exception {
    CommandCustomHeader header = type.getDeclaredConstructor().newInstance();
    int n = 1;
    for (Class<?> level = type; level != Object.class; level = level.getSuperclass()) {
      for (Field field : level.getDeclaredFields()) {
        n++;
        boolean own = level == type || field.isAnnotationPresent(CFNotNull.class);
        if (Modifier.isStatic(field.getModifiers()) || !own) {
          continue;
        }
        if (!full && !field.isAnnotationPresent(CFNotNull.class)) {
          continue;
        }
        field.setAccessible(true);
        field.set(header, value(field, n));
      }
    }
    return header;
  }

  private static Object value(Field field, int n) {
    Class<?> type = field.getType();
    if (type == String.class) {
      return "properties".equals(field.getName()) || "i".equals(field.getName())
          ? "KEYS\u0001k1 k2\u0002TAGS\u0001t\u0002"
          : field.getName() + "-" + n;
    }
    if (type == Integer.class || type == int.class) {
      return n;
    }
    if (type == Long.class || type == long.class) {
      return 1_700_000_000_000L + n;
    }
    if (type == Boolean.class || type == boolean.class) {
      return true;
    }
    if (type == Byte.class || type == byte.class) {
      return (byte) n;
    }
    if (type == Short.class || type == short.class) {
      return (short) n;
    }
    if (type == Double.class || type == double.class) {
      return n + 0.5;
    }
    if (type.isEnum()) {
      return type.getEnumConstants()[0];
    }
    return null;
  }

  private Frames() {}
}
