package org.brood;

/** Limits of a child process, or of each worker of a pool. What is not set is as this process has it. */
public final class Limits {
  private long memoryBytes;
  private int cpuSeconds;
  private int openFiles;
  private long coreBytes;
  private int nice;
  private int[] cpus = {};

  /** Memory of the process and all its children; who needs more is killed. */
  public Limits memoryBytes(long bytes) {
    memoryBytes = bytes;
    return this;
  }

  /** CPU time. */
  public Limits cpuSeconds(int seconds) {
    cpuSeconds = seconds;
    return this;
  }

  /** Files that are open at once. */
  public Limits openFiles(int count) {
    openFiles = count;
    return this;
  }

  /** Size of core dumps; -1: none. */
  public Limits coreBytes(long bytes) {
    coreBytes = bytes;
    return this;
  }

  /** Added to this process's own niceness. */
  public Limits nice(int added) {
    nice = added;
    return this;
  }

  /** CPU numbers that may be used. */
  public Limits cpus(int... numbers) {
    cpus = numbers.clone();
    return this;
  }

  void fill(Fields fields) {
    fields.set("limits.memory_bytes", memoryBytes).set("limits.cpu_seconds", cpuSeconds);
    fields.set("limits.open_files", openFiles).set("limits.core_bytes", coreBytes).set("limits.nice", nice);
    fields.addNumbers("limits.cpus", cpus);
  }
}
