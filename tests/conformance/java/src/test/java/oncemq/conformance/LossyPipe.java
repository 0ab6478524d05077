package oncemq.conformance;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;

/**
 * Stands between clients and a broker and loses answers: the request goes through, and when the
 * broker has answered, the connection ends instead. Safe for all threads.
 */
final class LossyPipe implements AutoCloseable {
  private final ServerSocket listener = new ServerSocket();
  private final InetSocketAddress broker;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final Set<Integer> codes;
  private final AtomicInteger toLose = new AtomicInteger();
  private final AtomicInteger lost = new AtomicInteger();

  /** Listens on {@code listen}; answers to requests with these codes may be lost. */
  LossyPipe(InetSocketAddress listen, InetSocketAddress broker, Set<Integer> codes)
      throws IOException {
    this.broker = broker;
    this.codes = codes;
    listener.setReuseAddress(true);
    listener.bind(listen);
    thread("pipe-accept", this::accept);
  }

  /** The next so many answers get lost. */
  void lose(int answers) {
    toLose.set(answers);
  }

  int lost() {
    return lost.get();
  }

  private static void thread(String name, Runnable body) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        Socket server = new Socket();
        sockets.add(client);
        sockets.add(server);
        server.connect(broker, 3_000);
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        Set<Integer> watched = ConcurrentHashMap.newKeySet();
        thread("pipe-out", () -> copy(client, server, watched, true));
        thread("pipe-in", () -> copy(server, client, watched, false));
      } catch (IOException e) {
        // The listener was closed, or one connection could not be made: clients try again.
      }
    }
  }

  private void copy(Socket from, Socket to, Set<Integer> watched, boolean requests) {
    try {
      DataInputStream in = new DataInputStream(from.getInputStream());
      DataOutputStream out = new DataOutputStream(to.getOutputStream());
      while (true) {
        byte[] frame = new byte[in.readInt()];
        in.readFully(frame);
        RemotingCommand command = RemotingCommand.decode(ByteBuffer.wrap(frame));
        if (requests && codes.contains(command.getCode())) {
          watched.add(command.getOpaque());
        }
        boolean answer = !requests && command.isResponseType();
        if (answer
            && watched.remove(command.getOpaque())
            && toLose.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
          lost.incrementAndGet();
          break;
        }
        byte[] whole = ByteBuffer.allocate(4 + frame.length).putInt(frame.length).put(frame).array();
        out.write(whole);
        out.flush();
      }
    } catch (Exception e) {
      // One side has ended.
    }
    end(from);
    end(to);
  }

  private void end(Socket socket) {
    sockets.remove(socket);
    try {
      socket.close();
    } catch (IOException e) {
      // It is gone either way.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    sockets.forEach(this::end);
  }

  /** The address that routes show while the broker listens on 127.0.0.1. */
  static InetSocketAddress shown(int port) throws IOException {
    return new InetSocketAddress(InetAddress.getByName("127.0.0.2"), port);
  }
}
