# frozen_string_literal: true

module Brood
  # A queue that any number of processes, of any language, put values in and take them out of.
  #
  # It has the methods of Thread::Queue and Thread::SizedQueue, and travels: as an argument of a task, inside a value.
  # What was put is there even if its process ends at once; a process may be killed at any moment, and the others go
  # on.
  #
  # Like those of Thread::Queue, `push` after {#close} raises ClosedQueueError, `pop` without waiting raises ThreadError
  # when the queue is empty, and `pop` gives nil when the queue is closed and empty.
  class Queue < Shared
    include Enumerable

    # @return [Integer, nil] how many items fit; nil is no limit, or the queue was made elsewhere
    attr_reader :max

    # @param max [Integer, nil] a push waits while so many items are in it
    # @param max_bytes [Integer, nil] the same for the bytes of all of them
    # @param joinable [Boolean] count what is finished, for {#join}
    # @param codec [:msgpack, :marshal, :raw] how values are put in
    def initialize(max = nil, max_bytes: nil, joinable: false, codec: :msgpack)
      Runtime.start
      @max = max
      @codec = codec
      @low = Low.queue_create(
        Runtime.record("queue_options", capacity_items: max, capacity_bytes: max_bytes, joinable: joinable)
      )
    end

    # Puts a value in, waiting for room.
    # @param non_block [Boolean] raise ThreadError instead of waiting
    # @param timeout [Numeric, nil] seconds
    # @return [Queue, nil] nil when the time ran out
    def push(value, non_block = false, timeout: nil)
      data, tag, handles = Codec.encode(value, @codec)
      wait = non_block ? 0 : Runtime.milliseconds(timeout)
      put = if handles.empty?
              Low.queue_put(@low, data, tag, wait)
            else
              Low.queue_put_msg(@low, Codec.message(data, tag, handles), wait)
            end
      return self unless put == false
      raise ThreadError, "queue full" if non_block
    rescue ClosedError
      raise ClosedQueueError, "queue closed"
    end
    alias << push
    alias enq push

    # Puts many values in, which costs less than one by one.
    # @return [Queue]
    def concat(values)
      packed = values.map do |value|
        data, _, handles = Codec.encode(value, @codec)
        raise ArgumentError, "objects of brood cannot be among many: push them one by one" unless handles.empty?

        data
      end
      packed.shift(Low.queue_put_many(@low, packed, Codec.tag(@codec), Low::FOREVER)) until packed.empty?
      self
    rescue ClosedError
      raise ClosedQueueError, "queue closed"
    end

    # Takes the next value, waiting for one.
    # @param non_block [Boolean] raise ThreadError instead of waiting
    # @param timeout [Numeric, nil] seconds
    # @return [Object, nil] nil when the time ran out, or the queue is closed and empty
    def pop(non_block = false, timeout: nil)
      msg = Low.queue_get(@low, non_block ? 0 : Runtime.milliseconds(timeout))
      return decode(msg) unless msg == false
      raise ThreadError, "queue empty" if non_block
    rescue ClosedError
      raise ThreadError, "queue empty" if non_block
    end
    alias shift pop
    alias deq pop

    # Takes the next value, and with it as many more as are there.
    # @return [Array] empty when the time ran out, or the queue is closed and empty
    def pop_many(most = 256, timeout: nil)
      batch = Low.batch_create(most)
      return [] if Low.queue_get_batch(@low, batch, Runtime.milliseconds(timeout)) == false

      Array.new(Low.batch_count(batch)) { |i| decode(Low.batch_take(batch, i)) }
    rescue ClosedError
      []
    end

    # Yields values until the queue is closed and empty.
    def each
      return enum_for(:each) unless block_given?

      loop do
        begin
          msg = Low.queue_get(@low, Low::FOREVER)
        rescue ClosedError
          return self
        end
        yield decode(msg)
      end
    end

    # Yields the next value, which is finished when the block ends well. If the block raises, or this process dies in
    # it, the value is delivered again, to whoever asks next.
    # @return [Object, nil] what the block gives; nil when there was no value
    def lease(timeout: nil)
      low = begin
        Low.queue_get_lease(@low, Runtime.milliseconds(timeout))
      rescue ClosedError
        false
      end
      return nil if low == false

      begin
        result = yield Codec.decode(Low.lease_msg(low), marshal: @codec == :marshal)
        Low.lease_ack(low)
        result
      ensure
        Low.release_handle(low)
      end
    end

    # The oldest value that this object took and that was not finished is.
    def task_done
      Low.queue_task_done(@low)
      self
    end

    # Waits until every value that was put in a joinable queue is finished.
    # @return [Queue, nil] nil when the time ran out
    def join(timeout = nil)
      Low.queue_join(@low, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # @return [Integer]
    def length
      Low.queue_length(@low)
    end
    alias size length

    def empty?
      length.zero?
    end

    # Takes out whatever is in it.
    def clear
      while (msg = Low.queue_get(@low, 0))
        Low.release_handle(msg)
      end
      self
    rescue ClosedError
      self
    end

    # Ends it for everyone: nothing more can be put, what is in it can still be taken.
    def close
      Low.queue_shutdown(@low)
      self
    end

    # @return [Hash{Symbol => Integer}] length, put, taken, finished, lost
    def stats
      record = Low.record_create("queue_stats")
      Low.queue_get_stats(@low, record)
      Runtime.values(record)
    end

    # For IO.select: readable while there is something to take.
    def to_io
      Wait.io(self)
    end

    def inspect
      "#<#{self.class.name} with #{length} items>"
    end

    # @private
    def handles
      [Low.queue_handle(@low)]
    end

    # @private
    def self.take(msg, index)
      allocate.tap { |queue| queue.send(:adopt, Low.msg_take_queue(msg, index)) }
    end

    private

    def adopt(low)
      @low = low
      @codec = :msgpack
    end

    def decode(msg)
      value = Codec.decode(msg, marshal: @codec == :marshal)
      Low.release_handle(msg)
      value
    end
  end

  Codec::TAKERS[Low::HANDLE_QUEUE] = ->(msg, indexes) { Queue.take(msg, indexes.getbyte(0)) }
end
