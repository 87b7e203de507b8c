# frozen_string_literal: true

module Brood
  # A worker's life: the program runs up to Brood.main, which serves tasks until the host has no more.
  # @private
  module Worker
    @process = ENV.key?("BROOD_HANDOFF")
    @pid = ::Process.pid
    @serving = false
    @marshal = ENV.key?("BROOD_RUBY_MARSHAL")

    class << self
      # Did brood start this process?
      def process?
        @process
      end

      def serve
        begin_serving
        failed = false
        while (task = next_task)
          failed = true unless run(task)
        end
        # A pool's worker ends well whatever its tasks reported; a process is its one task.
        exit(failed && Low.worker_id.negative? ? 1 : 0)
      end

      # The program ended, or failed, before Brood.main: so does the first task, with the reason.
      def report_unusable(error)
        return if @serving || @pid != ::Process.pid

        error = nil if error.is_a?(SystemExit)
        warn error.full_message(highlight: false) if error
        begin_serving
        task = Low.worker_next(Low::FOREVER)
        why = error ? "the worker could not load its program: #{error.message}" : "the worker's program ended without Brood.main"
        Low.task_fail(task, error ? error.class.name : "", why, error ? trace_of(error) : "")
        exit!(1)
      rescue Error
        exit!(1)
      end

      private

      def begin_serving
        @serving = true
        Runtime.start!(0, worker: true)
      end

      def next_task
        Low.worker_next(Low::FOREVER)
      rescue ClosedError
        nil
      end

      # Runs one task to its answer.
      def run(task)
        value = Codec.decode(Low.task_args(task), marshal: @marshal)
        answer(task, Tasks.fetch(Low.task_function(task)).run(value))
        true
      rescue SystemExit, SignalException
        # This process ends: nobody gets an answer, not even an empty one.
        Low.forget_handle(task)
        raise
      rescue Exception => e # rubocop:disable Lint/RescueException
        fail_task(task, e)
        false
      ensure
        Low.release_handle(task)
      end

      def answer(task, result)
        data, tag, handles = Codec.encode(result, @marshal ? :marshal : :msgpack)
        if handles.empty?
          Low.task_reply(task, data, tag)
        else
          Low.task_reply_msg(task, Codec.message(data, tag, handles))
        end
      end

      def fail_task(task, error)
        warn "Process #{Low.current_name}: #{error.full_message(highlight: false)}" if Low.worker_id.negative?
        Low.task_fail(task, error.class.name, error.message.encode(Encoding::UTF_8, invalid: :replace, undef: :replace), trace_of(error))
      rescue Error
        nil # it was answered already, or nobody is left to hear it
      end

      # The task's own part of the stack, one line for each frame.
      def trace_of(error)
        own = error.backtrace&.take_while { |line| !line.start_with?(__FILE__) } || []
        own.reject { |line| line.include?("/brood/tasks.rb:") }.join("\n")
      end
    end
  end

  # The guard of a program: runs the block in the program that the user started; in a worker it serves
  # tasks and does not return. The `if $0 == __FILE__` of programs that are run again.
  #
  # Without a block it is the last line of a file that holds tasks for other programs' pools.
  def self.main
    Worker.serve if Worker.process?
    yield if block_given?
  end

  at_exit { Worker.report_unusable($!) } if Worker.process?

  # The initializer of pools: its argument has no codec tag on its way.
  Tasks.add("brood.initialize", lambda do |data|
    name, value = Codec.unpack(data)
    Tasks.fetch(name).run(value)
  end)
end
