package org.brood.low;

import java.nio.ByteBuffer;

/** What a native call delivers besides its status. One of them serves any number of calls of one thread. */
public final class Out {
  private long handle;
  private long second;
  private long free;
  /** Any integer. */
  public long number;
  public int codec;
  public double real;
  public boolean flag;
  public ByteBuffer view;

  /** The object that was made; null if there is none. It belongs to the caller. */
  public Handle take() {
    Handle taken = Handle.owned(handle, free);
    handle = 0;
    return taken;
  }

  /** The second object that was made: a pipe's other end. */
  public Handle takeSecond() {
    Handle taken = Handle.owned(second, free);
    second = 0;
    return taken;
  }
}
