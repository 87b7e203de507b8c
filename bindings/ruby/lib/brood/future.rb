# frozen_string_literal: true

module Brood
  # The outcome of one task.
  #
  # @example
  #   future = pool.submit(:fib, 30)
  #   future.value            # waits; raises what the task raised, as a RemoteError
  class Future
    # @private
    def initialize(low, marshal)
      @low = low
      @marshal = marshal
      @mutex = Thread::Mutex.new
      @done = false
    end

    # The task's result; waits for it.
    # @param timeout [Numeric, nil] seconds
    # @raise [TimeoutError] when it takes longer; ask again
    # @raise [RemoteError, WorkerLost, TaskTimeout, CanceledError] as the task ended
    def value(timeout: nil)
      raise TimeoutError, "the task was not done within #{timeout} seconds" unless wait(timeout)
      raise @error if @error

      @value
    end

    # Waits until the task is done, however it ended.
    # @return [Future, nil] nil when the time ran out, as Thread#join
    def wait(timeout = nil)
      return self if @done
      return nil if Low.future_wait(@low, Runtime.milliseconds(timeout)) == false

      @mutex.synchronize { take unless @done }
      self
    end

    # What the task failed with; nil if it succeeded. Waits for it.
    # @return [Error, nil]
    def error(timeout: nil)
      raise TimeoutError, "the task was not done within #{timeout} seconds" unless wait(timeout)

      @error
    end

    def done?
      @done || Low.future_done(@low)
    end

    # Gives the task up: queued, it is dropped; running, its worker is killed, and a new one starts.
    # @return [Boolean] false if it was done already
    def cancel
      Low.future_cancel(@low)
      true
    rescue StateError
      false
    end

    # Calls the block with this future once it is done, in a thread of brood's; at once if it is.
    # @return [self]
    def on_complete(&block)
      Completions.add(self, handle, block)
      self
    end

    # @private
    def handle
      Low.future_handle(@low)
    end

    def inspect
      state = if @error then "failed"
              else
                done? ? "done" : "pending"
              end
      "#<#{self.class.name} #{state}>"
    end

    private

    # The native result can be taken once.
    def take
      @msg ||= Low.future_result(@low, 0)
      @value = Codec.decode(@msg, marshal: @marshal)
      Low.release_handle(@msg)
      @done = true
    rescue Error => e
      @error = e
      @done = true
    end
  end

  # The one thread that calls what waits for completions, made with the first of them.
  # @private
  module Completions
    @mutex = Thread::Mutex.new
    @pending = {}
    @tags = 0

    class << self
      def add(object, handle, block)
        tag = @mutex.synchronize do
          start unless @pid == ::Process.pid
          @pending[@tags += 1] = [object, block]
          @tags
        end
        Low.completions_add(@low, handle, tag)
      end

      private

      def start
        @pending.clear # in a forked child: nobody there finishes them
        @low = Low.completions_create
        # Registered, so that there is always something to wait for.
        @keep = Low.cancel_create
        Low.completions_add(@low, Low.cancel_handle(@keep), 0)
        @pid = ::Process.pid
        Thread.new { run(@low) }.name = "brood-completions"
      end

      def run(low)
        loop do
          tag = Low.completions_next(low, Low::FOREVER)
          object, block = @mutex.synchronize { @pending.delete(tag) }
          call(object, block) if block
        end
      rescue Error
        nil # brood was shut down
      end

      def call(object, block)
        block.call(object)
      rescue StandardError => e
        warn "#{self.class}: a block of on_complete raised #{e.full_message(highlight: false)}"
      end
    end
  end
end
