# frozen_string_literal: true

module Brood
  # A lock between threads and processes of any language, with the methods of Thread::Mutex.
  #
  # It belongs to the process that took it. When that process dies, taking it raises {OwnerDied} until somebody has
  # called {#recover} and put right what it guards.
  class Lock < Shared
    def initialize
      Runtime.start
      @low = Low.lock_create(Runtime.record("lock_options", recursive: recursive?))
    end

    # Takes the lock.
    # @param timeout [Numeric, nil] seconds
    # @return [Lock, nil] nil when the time ran out
    def lock(timeout: nil)
      Low.lock_acquire(@low, owner, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # Takes the lock if nobody has it.
    # @return [Boolean]
    def try_lock
      Low.lock_acquire(@low, owner, 0) != false
    end

    # Gives the lock back.
    # @raise [StateError] when this process does not hold it
    def unlock
      Low.lock_release(@low, owner)
      self
    end

    # Holds the lock for a block.
    def synchronize
      lock
      begin
        yield
      ensure
        unlock
      end
    end

    # True while somebody holds it, dead holders included.
    def locked?
      Low.lock_locked(@low)
    end

    # Takes the lock of a holder that died.
    def recover
      Low.lock_recover(@low, owner)
      self
    end

    # @private
    def handles
      [Low.lock_handle(@low)]
    end

    # @private
    attr_reader :low

    # @private
    def owner
      Runtime.owner
    end

    private

    def recursive?
      false
    end
  end

  # A lock that the thread which holds it may take again, with the methods of Monitor.
  class RLock < Lock
    alias enter lock
    alias exit unlock
    alias try_enter try_lock
    alias mon_synchronize synchronize

    private

    def recursive?
      true
    end
  end

  # Threads wait, giving up a lock meanwhile, until somebody signals.
  #
  # @example
  #   condition = Brood::Condition.new
  #   condition.synchronize { condition.wait_until { array[0] > 0 } }
  #   condition.synchronize { array[0] = 1; condition.signal }
  class Condition < Shared
    # @return [Lock] it travels together with the condition
    attr_reader :lock

    # @param lock [Lock]
    # @param max_waiters [Integer] at once; 0 is 128
    def initialize(lock = Lock.new, max_waiters: 0)
      Runtime.start
      @lock = lock
      @low = Low.condition_create(Runtime.record("condition_options", max_waiters: max_waiters))
    end

    # Holds the lock for a block.
    def synchronize(&block)
      @lock.synchronize(&block)
    end

    # Gives up the lock, waits for a signal, and takes the lock again. Check what you wait for in a loop: it may return
    # without a signal.
    # @return [Condition, nil] nil when the time ran out
    def wait(timeout = nil)
      Low.condition_wait(@low, @lock.low, @lock.owner, Runtime.milliseconds(timeout)) == false ? nil : self
    rescue CanceledError
      self # an interrupt that raised nothing
    end

    # Waits until the block gives something true.
    # @return what it gave; nil or false when the time ran out
    def wait_until(timeout: nil)
      limit = timeout && (Runtime.now + timeout)
      until (result = yield)
        left = limit && (limit - Runtime.now)
        return result if left && left <= 0

        wait(left)
      end
      result
    end

    # Waits while the block gives something true.
    # @return [Boolean] false when the time ran out
    def wait_while(timeout: nil)
      wait_until(timeout: timeout) { !yield } ? true : false
    end

    # Wakes `count` of those who wait: those who wait longest.
    # @return [Integer] how many were woken
    def signal(count = 1)
      Low.condition_signal(@low, count)
    end

    # Wakes all who wait.
    def broadcast
      Low.condition_broadcast(@low)
      self
    end

    # @private
    def handles
      [Low.condition_handle(@low), *@lock.handles]
    end

    # @private
    def self.take(msg, indexes)
      raise ProtocolError, "a condition travels with its lock: two indexes" unless indexes.bytesize == 2

      low = Low.msg_take_condition(msg, indexes.getbyte(0))
      lock = Codec::TAKERS[Low::HANDLE_LOCK].call(msg, indexes.byteslice(1, 1))
      allocate.tap { |condition| condition.send(:adopt, low, lock) }
    end

    private

    def adopt(low, lock)
      @low = low
      @lock = lock
    end
  end

  # Many may read, or one may write; who wants to write goes first.
  class RWLock < Shared
    # @param max_readers [Integer] at once, more wait; 0 is 128
    def initialize(max_readers: 0)
      Runtime.start
      @low = Low.rwlock_create(Runtime.record("rwlock_options", max_readers: max_readers))
    end

    # @return [RWLock, nil] nil when the time ran out
    def acquire_read_lock(timeout: nil)
      Low.rwlock_acquire_read(@low, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # @return [RWLock, nil] nil when the time ran out
    def acquire_write_lock(timeout: nil)
      Low.rwlock_acquire_write(@low, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    def release_read_lock
      Low.rwlock_release_read(@low)
      self
    end

    def release_write_lock
      Low.rwlock_release_write(@low)
      self
    end

    # Holds it for reading, for a block.
    def with_read_lock
      acquire_read_lock
      begin
        yield
      ensure
        release_read_lock
      end
    end

    # Holds it for writing, for a block.
    def with_write_lock
      acquire_write_lock
      begin
        yield
      ensure
        release_write_lock
      end
    end

    # Takes a lock whose writer died, for writing.
    def recover
      Low.rwlock_recover(@low)
      self
    end

    # @private
    def handles
      [Low.rwlock_handle(@low)]
    end
  end
end
