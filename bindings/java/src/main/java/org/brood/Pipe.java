package org.brood;

import java.lang.reflect.Type;
import java.time.Duration;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * One end of a pipe for values. When nobody holds an end any more the other end gets what was sent, and then a {@link
 * ClosedException}.
 *
 * @param <T> the values
 */
public final class Pipe<T> extends Shared {
  private final Type type;

  Pipe(Handle handle, Type type) {
    super(handle);
    this.type = type;
  }

  private Pipe(Pipe<?> origin, Type type) {
    super(origin);
    this.type = type;
  }

  /** The two ends of a pipe. */
  public record Ends<T>(Pipe<T> first, Pipe<T> second) implements AutoCloseable {
    @Override
    public void close() {
      first.close();
      second.close();
    }
  }

  /** A pipe in both directions. */
  public static <T> Ends<T> duplex(Class<T> type) {
    return create(type, true);
  }

  /** A pipe in one direction: the first end receives, the second one sends. */
  public static <T> Ends<T> oneWay(Class<T> type) {
    return create(type, false);
  }

  private static <T> Ends<T> create(Type type, boolean duplex) {
    Startup.start();
    Out out = new Out();
    BroodException.check(Low.pipe_create(duplex, out, out));
    // The second handle is freed as the first one is: both are of one kind.
    Handle second = out.takeSecond();
    return new Ends<>(new Pipe<>(out.take(), type), new Pipe<>(second, type));
  }

  Pipe<?> as(Type other) {
    return new Pipe<>(this, other);
  }

  /** This end, with values of that type: for one that came out of a message. */
  public <U> Pipe<U> as(Class<U> other) {
    return new Pipe<>(this, other);
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.pipe_handle(handle));
  }

  /** Send a value; waits while much is on its way already. */
  public void send(T value) throws InterruptedException {
    send(value, null);
  }

  /** Send a value. False: there was no room in time. */
  public boolean send(T value, Duration timeout) throws InterruptedException {
    Message.Encoded encoded = Message.encode(value, Codec.MESSAGE_PACK);
    long millis = Waits.millis(timeout);
    int status;
    if (encoded.handles().isEmpty()) {
      status = Waits.await(millis, null, wait -> Low.pipe_send(handle, encoded.bytes(), encoded.tag(), wait));
    } else {
      try (Handle msg = encoded.toMessage()) {
        status = Waits.await(millis, null, wait -> Low.pipe_send_msg(handle, msg, wait));
        if (status == Low.OK) msg.disarm();
      }
    }
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  /** Receive the next value. */
  public T receive() throws InterruptedException {
    return receive(null);
  }

  /** Receive the next value. A {@link WaitTimeoutException}: none came in time. */
  @SuppressWarnings("unchecked")
  public T receive(Duration timeout) throws InterruptedException {
    Out out = new Out();
    BroodException.check(
        Waits.await(Waits.millis(timeout), ready, wait -> Low.pipe_recv(handle, wait, out)));
    try (Handle msg = out.take()) {
      return (T) Message.decode(msg, type, Codec.MESSAGE_PACK);
    }
  }

  /** Wait until {@link #receive} has an answer. False: the time ran out. */
  public boolean poll(Duration timeout) throws InterruptedException {
    int status = Waits.await(Waits.millis(timeout), ready, wait -> Low.pipe_poll(handle, wait));
    if (status == Low.E_TIMEOUT) return false;
    BroodException.check(status);
    return true;
  }

  /** End both directions for everyone; what was sent can be received. */
  public void shutdown() {
    BroodException.check(Low.pipe_shutdown(handle));
  }
}
