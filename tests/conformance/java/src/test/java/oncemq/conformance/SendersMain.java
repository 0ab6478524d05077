package oncemq.conformance;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Everything that an official producer can do, at the same time and for ever, until standard input
 * ends. No send is repeated, so that what is stored twice was doubled by the server.
 *
 * <p>Arguments: name server, prefix of the topics, name, folder of the history, and "hold": then
 * one local transaction never ends.
 */
public final class SendersMain {
  private static final int ASK_LIMIT_MS = 3_000;
  private static final int ALREADY_DELIVERED = 604;

  private final String prefix;
  private final String name;
  private final boolean holds;
  private final History history;
  private final DefaultMQProducer producer;
  private final TransactionMQProducer deciding;
  private volatile boolean over;

  public static void main(String[] args) throws Exception {
    new SendersMain(args[0], args[1], args[2], Path.of(args[3]), args[4].equals("hold")).run();
    System.exit(0);
  }

  private SendersMain(String namesrv, String prefix, String name, Path folder, boolean holds)
      throws Exception {
    this.prefix = prefix;
    this.name = name;
    this.holds = holds;
    history = new History(folder, name);
    producer = prepared(new DefaultMQProducer(prefix + "-senders"), namesrv);
    deciding = prepared(new TransactionMQProducer(prefix + "-deciders"), namesrv);
    deciding.setTransactionListener(new Verdicts());
  }

  private static <P extends DefaultMQProducer> P prepared(P producer, String namesrv) {
    producer.setNamesrvAddr(namesrv);
    producer.setSendMsgTimeout(3_000);
    producer.setRetryTimesWhenSendFailed(0);
    producer.setRetryTimesWhenSendAsyncFailed(0);
    producer.setHeartbeatBrokerInterval(1_000);
    return producer;
  }

  private void run() throws Exception {
    producer.start();
    deciding.start();
    List<Thread> lines = new ArrayList<>();
    for (String topic : List.of("plain", "pop", "lite", "broadcast")) {
      lines.add(line(topic, 25, id -> send(id, message(topic, id))));
    }
    lines.add(line("ordered", 25, this::ordered));
    lines.add(line("sql", 25, this::priced));
    lines.add(line("poison", 100, this::poison));
    lines.add(line("batch", 50, this::batch));
    lines.add(line("delay", 50, this::delayed));
    lines.add(line("timer", 50, this::timed));
    lines.add(line("recall", 100, this::recalled));
    lines.add(line("tx", 50, this::decided));
    lines.add(line("txheld", 50, this::decided));
    lines.add(line("ask", 50, this::ask));
    System.out.println("STARTED");
    while (System.in.read() >= 0) {
      // Nobody writes; the end is the sign.
    }
    over = true;
    for (Thread line : lines) {
      line.join();
    }
    // Until it is killed it answers what it is asked about open transactions.
    System.out.println("QUIET");
    Thread.sleep(Long.MAX_VALUE);
  }

  private interface Step {
    void go(String id) throws Exception;
  }

  private Thread line(String word, int pauseMs, Step step) {
    Thread thread =
        new Thread(
            () -> {
              for (int number = 0; !over; number++) {
                String id = name + "-" + word + "-" + number;
                try {
                  step.go(id);
                  Thread.sleep(pauseMs);
                } catch (Exception e) {
                  history.note("send_unk", "id", id);
                  pause(50);
                }
              }
            },
            word);
    thread.start();
    return thread;
  }

  private static int number(String id) {
    return Integer.parseInt(id.substring(id.lastIndexOf('-') + 1));
  }

  private String topic(String word) {
    return prefix + "-" + word;
  }

  private Message message(String topic, String id) {
    return new Message(topic(topic), "tag", id, History.body(id));
  }

  private void begin(String id, Message message, Object... more) {
    Object[] fields = new Object[6 + more.length];
    System.arraycopy(
        new Object[] {
          "id", id, "topic", message.getTopic(), "digest", History.digest(message.getBody())
        },
        0, fields, 0, 6);
    System.arraycopy(more, 0, fields, 6, more.length);
    history.note("send_inv", fields);
  }

  private void accepted(String id, SendResult result, int index) {
    if (result.getSendStatus() == SendStatus.SEND_OK) {
      history.note(
          "send_ok",
          "id", id,
          "queue", result.getMessageQueue().getQueueId(),
          "offset", result.getQueueOffset() + index);
    } else {
      history.note("send_unk", "id", id);
    }
  }

  /** Of a message that waits elsewhere: that place is not the one where it will be found. */
  private boolean accepted(String id, SendResult result) {
    boolean ok = result.getSendStatus() == SendStatus.SEND_OK;
    history.note(ok ? "send_ok" : "send_unk", "id", id);
    return ok;
  }

  private void send(String id, Message message, Object... more) throws Exception {
    begin(id, message, more);
    accepted(id, producer.send(message), 0);
  }

  private void ordered(String id) throws Exception {
    Message message = message("ordered", id);
    int key = number(id) % 4;
    begin(id, message, "key", name + "/" + key);
    accepted(
        id, producer.send(message, (queues, m, k) -> queues.get((int) k % queues.size()), key), 0);
  }

  private void priced(String id) throws Exception {
    Message message = message("sql", id);
    int price = number(id) % 10;
    message.putUserProperty("price", String.valueOf(price));
    if (price > 4) {
      send(id, message);
    } else {
      send(id, message, "hidden", true);
    }
  }

  private void poison(String id) throws Exception {
    Message message = message("poison", id);
    if (number(id) % 4 == 0) {
      message.setTags("poison");
      send(id, message, "poison", ReceiversMain.MAX_RECONSUME);
    } else {
      send(id, message);
    }
  }

  private void batch(String id) throws Exception {
    List<Message> members = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Message member = message("batch", id + "." + i);
      members.add(member);
      begin(id + "." + i, member, "batch", id);
    }
    SendResult result = producer.send(members);
    for (int i = 0; i < 3; i++) {
      accepted(id + "." + i, result, i);
    }
  }

  /** Levels 1 and 2 are one and two seconds. */
  private void delayed(String id) throws Exception {
    Message message = message("delay", id);
    int level = 1 + number(id) % 2;
    message.setDelayTimeLevel(level);
    begin(id, message, "due_ms", System.currentTimeMillis() + level * 1_000L);
    accepted(id, producer.send(message));
  }

  private void timed(String id) throws Exception {
    Message message = message("timer", id);
    long delayMs = 200 + number(id) % 20 * 100;
    message.setDelayTimeMs(delayMs);
    begin(id, message, "due_ms", System.currentTimeMillis() + delayMs);
    accepted(id, producer.send(message));
  }

  /** A recall is to a timer what a rollback is to a transaction. Half of them race the due time. */
  private void recalled(String id) throws Exception {
    Message message = message("timer", id);
    long delayMs = number(id) % 2 == 0 ? 5_000 : 100;
    message.setDelayTimeMs(delayMs);
    begin(id, message, "tx", true);
    history.note("tx_end", "id", id, "verdict", "commit", "result", "unk");
    SendResult sent = producer.send(message);
    if (!accepted(id, sent)) {
      return;
    }
    if (delayMs == 100) {
      Thread.sleep(90);
    }
    try {
      producer.recallMessage(message.getTopic(), sent.getRecallHandle());
      history.note("tx_end", "id", id, "verdict", "rollback", "result", "ok");
    } catch (MQBrokerException e) {
      if (e.getResponseCode() == ALREADY_DELIVERED) {
        history.note("tx_end", "id", id, "verdict", "commit", "result", "ok");
      }
    } catch (Exception e) {
      history.note("tx_end", "id", id, "verdict", "rollback", "result", "unk");
    }
  }

  private void decided(String id) throws Exception {
    Message message = message("tx", id);
    begin(id, message, "tx", true, "fate", commits(id) ? "commit" : "rollback");
    deciding.sendMessageInTransaction(message, null);
  }

  /** Two of four are decided at once, the others when the broker asks. */
  private static boolean commits(String id) {
    return number(id) % 2 == 0;
  }

  private final class Verdicts implements TransactionListener {
    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
      String id = History.id(message.getBody());
      // The half message is accepted, or this were not called.
      history.note("send_ok", "id", id);
      if (holds && id.contains("-txheld-") && number(id) == 8) {
        history.note("held", "line", "tx");
        pause(Integer.MAX_VALUE);
      }
      return number(id) % 4 < 2 ? say(id) : LocalTransactionState.UNKNOW;
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
      return say(History.id(message.getBody()));
    }

    private LocalTransactionState say(String id) {
      history.note(
          "tx_end", "id", id, "verdict", commits(id) ? "commit" : "rollback", "result", "unk");
      return commits(id)
          ? LocalTransactionState.COMMIT_MESSAGE
          : LocalTransactionState.ROLLBACK_MESSAGE;
    }
  }

  private void ask(String id) throws Exception {
    Message message = message("ask", id);
    begin(id, message);
    history.note("send_unk", "id", id);
    history.note("ask", "id", id, "client", name);
    CompletableFuture<String> answer = new CompletableFuture<>();
    try {
      producer.request(
          message,
          new RequestCallback() {
            @Override
            public void onSuccess(Message reply) {
              // Clients 5.3.1 to 5.3.3 call it with nothing when the request is sent.
              if (reply != null) {
                answer.complete(History.id(reply.getBody()).equals(id) ? "ok" : "wrong");
              }
            }

            @Override
            public void onException(Throwable e) {
              answer.completeExceptionally(e);
            }
          },
          ASK_LIMIT_MS);
      history.note("told", "id", id, "result", answer.get(60, TimeUnit.SECONDS));
    } catch (TimeoutException e) {
      history.note("told", "id", id, "result", "never");
    } catch (ExecutionException e) {
      boolean late = e.getCause() instanceof RequestTimeoutException;
      history.note("told", "id", id, "result", late ? "timeout" : "failed");
    } catch (Exception e) {
      history.note("told", "id", id, "result", "failed");
    }
  }

  private static void pause(int ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
