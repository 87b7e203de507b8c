package org.brood;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Objects;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/** A child's piped streams as Java's. */
final class ProcessStreams {
  private ProcessStreams() {}

  static final class Input extends InputStream {
    private final Handle process;
    private final int stream;

    Input(Handle process, int stream) {
      this.process = process;
      this.stream = stream;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      Objects.checkFromIndexSize(from, length, bytes.length);
      if (length == 0) return 0;
      byte[] part = new byte[Math.min(length, 65536)];
      Out out = new Out();
      int status = await(wait -> Low.process_read(process, stream, part, wait, out));
      if (status == Low.E_CLOSED) return -1;
      BroodException.check(status);
      System.arraycopy(part, 0, bytes, from, (int) out.number);
      return (int) out.number;
    }
  }

  static final class Output extends OutputStream {
    private final Handle process;

    Output(Handle process) {
      this.process = process;
    }

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      byte[] part = Arrays.copyOfRange(bytes, from, from + length);
      Out out = new Out();
      // A write that timed out has written some: it must not be tried with no time first.
      int status = awaitWhole(wait -> Low.process_write(process, part, wait, out));
      if (status == Low.E_CLOSED) throw new IOException("nobody reads it any more");
      BroodException.check(status);
    }

    /** The child reads end of file. */
    @Override
    public void close() {
      BroodException.check(Low.process_close_input(process));
    }
  }

  private static int await(Waits.Call call) throws IOException {
    try {
      return Waits.await(Waits.FOREVER, null, call);
    } catch (InterruptedException error) {
      throw interrupted();
    }
  }

  private static int awaitWhole(Waits.Call call) throws IOException {
    try {
      return Waits.awaitWhole(Waits.FOREVER, null, call);
    } catch (InterruptedException error) {
      throw interrupted();
    }
  }

  private static IOException interrupted() {
    Thread.currentThread().interrupt();
    return new InterruptedIOException("the wait was interrupted");
  }
}
