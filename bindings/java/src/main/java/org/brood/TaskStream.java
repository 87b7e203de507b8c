package org.brood;

import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;
import org.brood.low.Wait;

/**
 * Results of a task on many inputs, as they come. Inputs are drawn by the thread that takes results, as far ahead as
 * the window lets, so that they may be without end.
 *
 * <p>{@link #next} throws an item's failure in its place, and the iteration goes on. Not for several threads at once.
 *
 * @param <R> the results
 */
public final class TaskStream<R> implements Iterator<R>, AutoCloseable, Waitable {
  private final Handle stream;
  private final Type type;
  private final Codec codec;
  private final Iterator<byte[]> inputs;
  private final Out out = new Out();
  private final Shared.Ready ready;
  private byte[] drawn; // and not pushed yet: the window was full
  private boolean drawnAll;
  private Handle result; // of the item that hasNext() has seen
  private RuntimeException failure; // of that item
  private boolean ended;
  private long index;

  TaskStream(Handle stream, Type type, Codec codec, Iterator<byte[]> inputs) {
    this.stream = stream;
    this.type = type;
    this.codec = codec;
    this.inputs = inputs;
    ready = new Shared.Ready(this::waitHandle);
    Resources.CLEANER.register(this, stream.closer());
    push();
  }

  @Override
  public Handle waitHandle() {
    return stream.part(Low.stream_handle(stream));
  }

  private void push() {
    while (!drawnAll) {
      if (drawn == null) {
        if (!inputs.hasNext()) {
          drawnAll = true;
          BroodException.check(Low.stream_finish(stream));
          return;
        }
        drawn = inputs.next();
      }
      int status = Low.stream_push(stream, drawn, new Wait(0));
      if (status == Low.E_TIMEOUT) return;
      BroodException.check(status);
      drawn = null;
    }
  }

  /** Waits for a result, until all were taken. Throws a {@link WaitInterruptedException} when interrupted. */
  @Override
  public boolean hasNext() {
    if (result != null || failure != null) return true;
    if (ended) return false;
    push();
    try {
      int status = Waits.await(Waits.FOREVER, ready, wait -> Low.stream_next(stream, wait, out, out));
      if (status == Low.E_CLOSED) {
        ended = true;
        stream.close();
        return false;
      }
      if (status == Low.E_CANCELED) {
        failure = new BroodException("the item was cancelled");
      } else {
        BroodException.check(status);
        result = out.take();
      }
    } catch (InterruptedException error) {
      throw WaitInterruptedException.here();
    } catch (RuntimeException error) {
      failure = error;
    }
    index = out.number;
    return true;
  }

  @Override
  @SuppressWarnings("unchecked")
  public R next() {
    if (!hasNext()) throw new NoSuchElementException();
    if (failure != null) {
      RuntimeException thrown = failure;
      failure = null;
      throw thrown;
    }
    try (Handle msg = result) {
      result = null;
      return (R) Message.decode(msg, type, codec);
    }
  }

  /** The number of the input, from 0, to which the latest {@link #next} belongs, or what it threw. */
  public long index() {
    return index;
  }

  /** Results as a stream, which closes this one with it. */
  public Stream<R> stream() {
    Spliterator<R> items = Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED);
    return StreamSupport.stream(items, false).onClose(this::close);
  }

  /** Cancels what is left. */
  @Override
  public void close() {
    ended = true;
    if (result != null) result.close();
    result = null;
    stream.close();
  }
}
