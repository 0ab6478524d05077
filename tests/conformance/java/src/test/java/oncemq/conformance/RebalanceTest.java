package oncemq.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.store.OffsetStore;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.body.LockBatchRequestBody;
import org.apache.rocketmq.remoting.protocol.body.LockBatchResponseBody;
import org.apache.rocketmq.remoting.protocol.body.UnlockBatchRequestBody;
import org.apache.rocketmq.remoting.protocol.header.GetConsumerListByGroupRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.GetConsumerListByGroupResponseBody;
import org.apache.rocketmq.remoting.protocol.header.UnlockBatchMqRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.LockBatchMqRequestHeader;
import org.junit.jupiter.api.Test;

class RebalanceTest extends ClientTest {
  /** Well under the client's own period of 20 s: it must be the broker's notice that did it. */
  private static final long NOTICE_MS = 18_000;

  @Test
  void queuesAreSharedOnJoinAndLeave() throws Exception {
    String topic = topic("join", 4);
    String group = fresh("group");
    DefaultMQPushConsumer one = started(consumer(group, topic, new Inbox()));
    await("all queues", PATIENCE_MS, () -> owned(one, topic).size() == 4);
    DefaultMQPushConsumer two = consumer(group, topic, new Inbox());
    two.start();
    await(
        "half the queues",
        NOTICE_MS,
        () -> owned(one, topic).size() == 2 && owned(two, topic).size() == 2);
    Set<Integer> together = new HashSet<>(owned(one, topic));
    together.addAll(owned(two, topic));
    assertEquals(Set.of(0, 1, 2, 3), together);
    assertEquals(2, consumerIds(group).size());
    two.shutdown();
    await("all queues again", NOTICE_MS, () -> owned(one, topic).size() == 4);
    assertEquals(1, consumerIds(group).size());
  }

  @Test
  void nothingIsLostWhileConsumersComeAndGo() throws Exception {
    String topic = topic("come-go", 4);
    String group = fresh("group");
    Inbox inbox = new Inbox();
    started(consumer(group, topic, inbox));
    DefaultMQProducer producer = producer();
    for (int round = 0; round < 3; round++) {
      DefaultMQPushConsumer guest = consumer(group, topic, inbox);
      guest.start();
      for (int i = 0; i < 40; i++) {
        producer.send(message(topic, round + "/" + i));
        Thread.sleep(10);
      }
      guest.shutdown();
    }
    await(
        "120 bodies", PATIENCE_MS, () -> new HashSet<>(inbox.bodies()).size() == 120);
  }

  @Test
  void killedConsumersQueuesAndMessagesGoToTheOthers() throws Exception {
    String topic = topic("crash", 4);
    String group = fresh("group");
    Inbox inbox = new Inbox();
    try (Child child = Child.start(List.of(), "hang", server().namesrv(), topic, group)) {
      DefaultMQProducer producer = producer();
      for (int i = 0; i < 8; i++) {
        producer.send(message(topic, "body " + i));
      }
      child.await("GOT", 1, PATIENCE_MS);
      DefaultMQPushConsumer heir = started(consumer(group, topic, inbox));
      await("half the queues", PATIENCE_MS, () -> owned(heir, topic).size() == 2);
      child.kill();
      await("all queues", NOTICE_MS, () -> owned(heir, topic).size() == 4);
    }
    // What the killed one had taken but not confirmed comes again.
    await("8 bodies", PATIENCE_MS, () -> new HashSet<>(inbox.bodies()).size() == 8);
  }

  @Test
  void orderlyQueuesAreHandedOverWithoutAGap() throws Exception {
    String topic = topic("handover", 2);
    String group = fresh("group");
    DefaultMQProducer producer = producer();
    for (int i = 0; i < 20; i++) {
      producer.send(message(topic, String.valueOf(i)), queue(topic, i % 2));
    }
    Inbox first = new Inbox();
    DefaultMQPushConsumer one = orderly(group, topic, first);
    one.start();
    first.await(20, PATIENCE_MS);
    // The last message is counted inside its listener; its offset moves after the listener.
    OffsetStore offsets = one.getDefaultMQPushConsumerImpl().getOffsetStore();
    await(
        "offsets",
        PATIENCE_MS,
        () ->
            offsets.readOffset(queue(topic, 0), ReadOffsetType.READ_FROM_MEMORY) == 10
                && offsets.readOffset(queue(topic, 1), ReadOffsetType.READ_FROM_MEMORY) == 10);
    one.shutdown();
    for (int i = 20; i < 40; i++) {
      producer.send(message(topic, String.valueOf(i)), queue(topic, i % 2));
    }
    Inbox second = new Inbox();
    started(orderly(group, topic, second));
    List<MessageExt> got = second.awaitExactly(20, PATIENCE_MS);
    for (int id = 0; id < 2; id++) {
      int queue = id;
      List<Long> taken =
          got.stream().filter(m -> m.getQueueId() == queue).map(MessageExt::getQueueOffset).toList();
      assertEquals(List.of(10L, 11L, 12L, 13L, 14L, 15L, 16L, 17L, 18L, 19L), taken);
    }
  }

  @Test
  void queueLockHasOneOwner() throws Exception {
    String topic = topic("lock", 3);
    String group = fresh("group");
    Set<MessageQueue> all = Set.of(queue(topic, 0), queue(topic, 1), queue(topic, 2));
    Set<MessageQueue> some = Set.of(queue(topic, 0), queue(topic, 1));
    assertEquals(some, lock(group, "client-1", some));
    assertEquals(Set.of(queue(topic, 2)), lock(group, "client-2", all));
    // Asking again renews; asking as another group is another lock.
    assertEquals(some, lock(group, "client-1", all));
    assertEquals(all, lock(fresh("group"), "client-2", all));
    unlock(group, "client-2", some);
    assertEquals(some, lock(group, "client-1", all));
    unlock(group, "client-1", Set.of(queue(topic, 0)));
    assertEquals(Set.of(queue(topic, 0), queue(topic, 2)), lock(group, "client-2", all));
  }

  private Set<MessageQueue> lock(String group, String client, Set<MessageQueue> queues)
      throws Exception {
    LockBatchRequestBody body = new LockBatchRequestBody();
    body.setConsumerGroup(group);
    body.setClientId(client);
    body.setMqSet(queues);
    RemotingCommand request = Wire.request(RequestCode.LOCK_BATCH_MQ, new LockBatchMqRequestHeader());
    request.setBody(body.encode());
    RemotingCommand answer = wire().call(request);
    assertEquals(0, answer.getCode(), answer.getRemark());
    return RemotingSerializable.decode(answer.getBody(), LockBatchResponseBody.class)
        .getLockOKMQSet();
  }

  private void unlock(String group, String client, Set<MessageQueue> queues) throws Exception {
    UnlockBatchRequestBody body = new UnlockBatchRequestBody();
    body.setConsumerGroup(group);
    body.setClientId(client);
    body.setMqSet(queues);
    RemotingCommand request =
        Wire.request(RequestCode.UNLOCK_BATCH_MQ, new UnlockBatchMqRequestHeader());
    request.setBody(body.encode());
    assertEquals(0, wire().call(request).getCode());
  }

  @Test
  void groupWithoutClientsHasNoIds() throws Exception {
    GetConsumerListByGroupRequestHeader header = new GetConsumerListByGroupRequestHeader();
    header.setConsumerGroup(fresh("nobody"));
    RemotingCommand answer =
        wire().call(Wire.request(RequestCode.GET_CONSUMER_LIST_BY_GROUP, header));
    assertEquals(1, answer.getCode());
  }

  private List<String> consumerIds(String group) throws Exception {
    GetConsumerListByGroupRequestHeader header = new GetConsumerListByGroupRequestHeader();
    header.setConsumerGroup(group);
    RemotingCommand answer =
        wire().call(Wire.request(RequestCode.GET_CONSUMER_LIST_BY_GROUP, header));
    return RemotingSerializable.decode(answer.getBody(), GetConsumerListByGroupResponseBody.class)
        .getConsumerIdList();
  }

  private DefaultMQPushConsumer consumer(String group, String topic, Inbox inbox)
      throws Exception {
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.accepting());
    return consumer;
  }

  private DefaultMQPushConsumer orderly(String group, String topic, Inbox inbox) throws Exception {
    DefaultMQPushConsumer consumer = newConsumer(group);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(inbox.orderly(message -> ConsumeOrderlyStatus.SUCCESS));
    return consumer;
  }

  private static Set<Integer> owned(DefaultMQPushConsumer consumer, String topic) {
    return consumer
        .getDefaultMQPushConsumerImpl()
        .getRebalanceImpl()
        .getProcessQueueTable()
        .keySet()
        .stream()
        .filter(queue -> queue.getTopic().equals(topic))
        .map(MessageQueue::getQueueId)
        .collect(Collectors.toSet());
  }
}
