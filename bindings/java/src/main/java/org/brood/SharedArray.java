package org.brood;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.concurrent.locks.Lock;
import org.brood.low.Handle;
import org.brood.low.Low;
import org.brood.low.Out;

/**
 * An array in shared memory, for all processes and languages.
 *
 * <p>The buffers are the elements themselves, without a copy: what is written is seen by everybody at once. They may
 * be used after {@link #close}: the memory goes when the last of them is forgotten. {@link #getLong}, {@link #addLong}
 * and their kin are atomic between processes; what touches several elements is not, unless all use {@link #lock}.
 */
public final class SharedArray extends Shared {
  private final ElementType type;
  private final long length;
  private final Lock lock;

  /** Zeros, with a lock of its own. */
  public SharedArray(ElementType type, long length) {
    this(create(type, length, 0, true));
  }

  SharedArray(Handle handle) {
    super(handle);
    type = ElementType.of(Low.shared_type(handle));
    length = Low.shared_count(handle);
    lock =
        new LockView(
            ready,
            wait -> Low.shared_lock(handle, LockView.owner(), wait),
            () -> Low.shared_unlock(handle, LockView.owner()));
  }

  /** Elements of {@code size} bytes each. */
  public static SharedArray ofStructs(int size, long length) {
    return new SharedArray(create(ElementType.STRUCT, length, size, true));
  }

  /** Zeros, without a lock. */
  public static SharedArray withoutLock(ElementType type, long length) {
    return new SharedArray(create(type, length, 0, false));
  }

  private static Handle create(ElementType type, long length, int size, boolean lock) {
    Startup.start();
    Fields fields = new Fields("shared_options").set("element_size", size).set("no_lock", !lock);
    Out out = new Out();
    BroodException.check(Low.shared_create(type.number, length, fields.handle(), out));
    return out.take();
  }

  @Override
  public Handle waitHandle() {
    return handle.part(Low.shared_handle(handle));
  }

  public ElementType type() {
    return type;
  }

  public long length() {
    return length;
  }

  // ---- the elements themselves ----

  /** All elements, in the machine's byte order. For more than 2 GiB see {@link #bytes(long, long)}. */
  public ByteBuffer bytes() {
    return bytes(0, length);
  }

  /** Some elements, in the machine's byte order. */
  public ByteBuffer bytes(long first, long count) {
    return view(first, count, false);
  }

  /** Elements that cannot be written through this buffer: the kernel stops it. */
  public ByteBuffer readOnlyBytes() {
    return view(0, length, true).asReadOnlyBuffer().order(ByteOrder.nativeOrder());
  }

  private ByteBuffer view(long first, long count, boolean readOnly) {
    if (first < 0 || count < 0 || first > length - count) {
      throw new IndexOutOfBoundsException("elements " + first + " to " + (first + count) + " of " + length);
    }
    if (count * Low.shared_element_size(handle) > Integer.MAX_VALUE) {
      throw new UnsupportedOperationException("a ByteBuffer holds less than 2 GiB: take the elements in parts");
    }
    Runnable release = handle.hold();
    Out out = new Out();
    try {
      BroodException.check(Low.shared_part(handle, first, count, readOnly, out));
    } catch (RuntimeException error) {
      release.run();
      throw error;
    }
    // Slices and other views of the buffer refer to it, so that the memory stays until all are gone.
    Resources.CLEANER.register(out.view, release);
    return out.view.order(ByteOrder.nativeOrder());
  }

  public ShortBuffer shorts() {
    return as(2, ElementType.INT16, ElementType.UINT16).asShortBuffer();
  }

  public IntBuffer ints() {
    return as(4, ElementType.INT32, ElementType.UINT32).asIntBuffer();
  }

  public LongBuffer longs() {
    return as(8, ElementType.INT64, ElementType.UINT64).asLongBuffer();
  }

  public FloatBuffer floats() {
    return as(4, ElementType.FLOAT, ElementType.FLOAT).asFloatBuffer();
  }

  public DoubleBuffer doubles() {
    return as(8, ElementType.DOUBLE, ElementType.DOUBLE).asDoubleBuffer();
  }

  private ByteBuffer as(int size, ElementType first, ElementType second) {
    if (type != first && type != second) {
      throw new UnsupportedOperationException("the elements are " + type + ", not " + first);
    }
    return bytes();
  }

  // ---- single elements, atomically ----

  public long getLong(long index) {
    Out out = new Out();
    BroodException.check(Low.shared_get_int(handle, index, out));
    return out.number;
  }

  public void setLong(long index, long value) {
    BroodException.check(Low.shared_set_int(handle, index, value));
  }

  /** Adds, wrapping round; gives what was there before. */
  public long addLong(long index, long delta) {
    Out out = new Out();
    BroodException.check(Low.shared_add_int(handle, index, delta, out));
    return out.number;
  }

  /** Sets the element if it is {@code expected}; tells whether it was. */
  public boolean compareAndSet(long index, long expected, long desired) {
    Out out = new Out();
    out.number = expected;
    BroodException.check(Low.shared_compare_exchange(handle, index, out, desired, out));
    return out.flag;
  }

  public double getDouble(long index) {
    Out out = new Out();
    BroodException.check(Low.shared_get_float(handle, index, out));
    return out.real;
  }

  public void setDouble(long index, double value) {
    BroodException.check(Low.shared_set_float(handle, index, value));
  }

  /** Adds; gives what was there before. */
  public double addDouble(long index, double delta) {
    Out out = new Out();
    BroodException.check(Low.shared_add_float(handle, index, delta, out));
    return out.real;
  }

  // ---- its lock ----

  /** The array's own lock, which one thread may take again and again. */
  public Lock lock() {
    return lock;
  }

  /** Take the lock of a holder that died: put right what it guards, then unlock it. */
  public void recover() {
    BroodException.check(Low.shared_recover(handle, LockView.owner()));
  }

  @Override
  public String toString() {
    return "SharedArray of " + length + " " + type;
  }
}
