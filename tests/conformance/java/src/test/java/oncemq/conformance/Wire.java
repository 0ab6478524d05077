package oncemq.conformance;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.SerializeType;

/** One plain connection for tests that look at single frames. Confined to the test's thread. */
public final class Wire implements Closeable {
  private final Socket socket = new Socket();
  private final DataInputStream in;

  public Wire(String address) throws IOException {
    int colon = address.lastIndexOf(':');
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(20_000);
    socket.connect(
        new InetSocketAddress(
            address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))),
        3_000);
    in = new DataInputStream(socket.getInputStream());
  }

  public static RemotingCommand request(int code, CommandCustomHeader header) {
    return RemotingCommand.createRequestCommand(code, header);
  }

  public void write(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  public void send(RemotingCommand command) throws IOException {
    ByteBuffer frame = command.encode();
    byte[] bytes = new byte[frame.remaining()];
    frame.get(bytes);
    write(bytes);
  }

  /** The next frame from the server, an answer or a request of its own. */
  public RemotingCommand read() throws Exception {
    byte[] frame = new byte[in.readInt()];
    in.readFully(frame);
    return RemotingCommand.decode(ByteBuffer.wrap(frame));
  }

  /** Sends and waits for the answer; frames that answer something else are passed over. */
  public RemotingCommand call(RemotingCommand command) throws Exception {
    send(command);
    while (true) {
      RemotingCommand frame = read();
      if (frame.isResponseType() && frame.getOpaque() == command.getOpaque()) {
        return frame;
      }
    }
  }

  public RemotingCommand call(RemotingCommand command, SerializeType type) throws Exception {
    command.setSerializeTypeCurrentRPC(type);
    return call(command);
  }

  /** True when the server ends the connection within the socket's patience. */
  public boolean closedByPeer() {
    try {
      while (in.read() >= 0) {
        // Whatever it still says does not matter.
      }
      return true;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  public void patience(int ms) throws IOException {
    socket.setSoTimeout(ms);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
