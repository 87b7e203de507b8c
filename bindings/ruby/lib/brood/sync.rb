# frozen_string_literal: true

module Brood
  # A number of permits. Whoever takes one need not be the one who gives it back.
  class Semaphore < Shared
    # @param permits [Integer]
    # @param owned [Boolean] permits belong to the process that took them: when it dies they are there again
    def initialize(permits = 1, owned: false)
      Runtime.start
      @low = Low.semaphore_create(permits, Runtime.record("semaphore_options", bounded: bounded? || owned, owned: owned))
    end

    # Takes a permit.
    # @param timeout [Numeric, nil] seconds
    # @return [Semaphore, nil] nil when the time ran out
    def acquire(timeout: nil)
      Low.semaphore_acquire(@low, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # Takes a permit if there is one.
    # @return [Boolean]
    def try_acquire
      Low.semaphore_acquire(@low, 0) != false
    end

    # Gives back permits, all or none.
    def release(count = 1)
      Low.semaphore_release(@low, count)
      self
    end

    # Holds a permit for a block.
    def synchronize
      acquire
      begin
        yield
      ensure
        release
      end
    end

    # @return [Integer] the permits that are there right now
    def available_permits
      Low.semaphore_value(@low)
    end

    # @private
    def handles
      [Low.semaphore_handle(@low)]
    end

    private

    def bounded?
      false
    end
  end

  # A semaphore that never has more permits than at first: giving back too many is a {StateError}.
  class BoundedSemaphore < Semaphore
    private

    def bounded?
      true
    end
  end

  # A flag to wait for.
  class Event < Shared
    def initialize
      Runtime.start
      @low = Low.event_create
    end

    # Wakes all who wait.
    def set
      Low.event_set(@low)
      self
    end

    # Unsets it; who waits, waits on.
    def clear
      Low.event_clear(@low)
      self
    end
    alias reset clear

    def set?
      Low.event_is_set(@low)
    end

    # Waits until it is set.
    # @return [Boolean] false when the time ran out
    def wait(timeout = nil)
      Low.event_wait(@low, Runtime.milliseconds(timeout)) != false
    end

    # @private
    def handles
      [Low.event_handle(@low)]
    end
  end

  # A number of parties that wait for each other, round after round.
  #
  # It breaks ({BrokenError}) when one of them gives up, or a process that has a handle to it is killed. The block is
  # called once a round by the last to arrive, if that one is in the process that made the barrier.
  class Barrier < Shared
    def initialize(parties, &action)
      Runtime.start
      @low = Low.barrier_create(parties)
      @action = action
    end

    # Waits for all parties.
    # @param timeout [Numeric, nil] seconds; when they run out the barrier breaks
    # @return [Integer] another number for each party, from 0
    def wait(timeout = nil)
      index = uninterrupted { @action ? arrive(timeout) : pass(timeout) }
      raise BrokenError, "the barrier broke: not all parties came within #{timeout} seconds" if index == false

      index
    end

    # Breaks it for all.
    def abort
      Low.barrier_abort(@low)
      self
    end

    # Makes it new.
    def reset
      Low.barrier_reset(@low)
      self
    end

    # @return [Integer] for how many it was made
    def parties
      Low.barrier_parties(@low)
    end

    # @return [Integer] how many wait in this round
    def waiting
      Low.barrier_waiting(@low)
    end

    def broken?
      Low.barrier_broken(@low)
    end

    # @private
    def handles
      [Low.barrier_handle(@low)]
    end

    private

    # A wait at a barrier cannot be begun again, and signals' handlers run in the main thread: there another thread
    # waits, so that a handler which raises nothing does not break the barrier.
    def uninterrupted(&wait)
      return yield unless Thread.current == Thread.main

      thread = Thread.new(&wait)
      thread.report_on_exception = false
      begin
        thread.value
      ensure
        thread.kill
      end
    end

    def pass(timeout)
      Low.barrier_wait(@low, Runtime.milliseconds(timeout))
    end

    def arrive(timeout)
      index = Low.barrier_arrive(@low, Runtime.milliseconds(timeout))
      return index unless index == parties - 1

      begin
        @action.call
      rescue Exception # rubocop:disable Lint/RescueException
        abort
        raise
      end
      Low.barrier_open(@low)
      index
    end
  end

  # @private
  module Taken
    # What makes an object of a native handle that a message brought.
    def self.as(type, function)
      lambda do |msg, indexes|
        type.allocate.tap { |object| object.instance_variable_set(:@low, Low.public_send(function, msg, indexes.getbyte(0))) }
      end
    end
  end

  # What another process sends as a lock may be a recursive one: taken here, it knows its owners all the same.
  Codec::TAKERS[Low::HANDLE_LOCK] = Taken.as(Lock, :msg_take_lock)
  Codec::TAKERS[Low::HANDLE_SEMAPHORE] = Taken.as(Semaphore, :msg_take_semaphore)
  Codec::TAKERS[Low::HANDLE_CONDITION] = ->(msg, indexes) { Condition.take(msg, indexes) }
  Codec::TAKERS[Low::HANDLE_EVENT] = Taken.as(Event, :msg_take_event)
  Codec::TAKERS[Low::HANDLE_BARRIER] = Taken.as(Barrier, :msg_take_barrier)
  Codec::TAKERS[Low::HANDLE_RWLOCK] = Taken.as(RWLock, :msg_take_rwlock)
end
