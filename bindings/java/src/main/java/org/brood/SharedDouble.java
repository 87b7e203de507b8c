package org.brood;

/**
 * A real number in shared memory, for all processes.
 *
 * @param array where it is: an array of one
 */
public record SharedDouble(SharedArray array) implements AutoCloseable {
  public SharedDouble(double value) {
    this(new SharedArray(ElementType.DOUBLE, 1));
    set(value);
  }

  public double get() {
    return array.getDouble(0);
  }

  public void set(double value) {
    array.setDouble(0, value);
  }

  public double getAndAdd(double delta) {
    return array.addDouble(0, delta);
  }

  @Override
  public void close() {
    array.close();
  }
}
