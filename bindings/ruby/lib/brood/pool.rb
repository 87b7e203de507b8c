# frozen_string_literal: true

module Brood
  # Worker processes that run tasks.
  #
  # A worker that crashes costs the task it was running (a {WorkerLost}), and nothing else: a new one starts.
  #
  # @example
  #   Brood::Pool.open(4) do |pool|
  #     pool.call(:fib, 30)                      # one task, here and now
  #     future = pool.submit(:fib, 31)           # one task, later: future.value
  #     pool.map(:fib, 0..20)                    # => an array, in order
  #     pool.stream(:fib, 0..).first(3)          # a lazy enumerator over an endless input
  #   end
  class Pool
    STATES = {
      Low::WORKER_STARTING => :starting, Low::WORKER_IDLE => :idle, Low::WORKER_BUSY => :busy,
      Low::WORKER_ENDING => :ending
    }.freeze
    private_constant :STATES

    # One worker: its number, :starting, :idle, :busy or :ending, its pid, how many results it gave.
    WorkerInfo = Struct.new(:id, :state, :pid, :tasks)

    # Makes a pool for a block, and closes it after the block: what was submitted is finished, unless the
    # block raised. After the block the pool cannot be used, as a file after File.open. Without a block it is
    # {#initialize}.
    def self.open(workers = nil, **options)
      pool = new(workers, **options)
      return pool unless block_given?

      begin
        result = yield pool
      rescue Exception # rubocop:disable Lint/RescueException
        pool.abandon
        raise
      end
      pool.close
      pool.release
      result
    end

    # @param workers [Integer, nil] how many; nil is one for each usable CPU
    # @param script [String, nil] a file of Ruby that the workers run instead of this program
    # @param command [Array<String>, nil] the workers' program, of any language
    # @param initializer [Symbol, Task, nil] a task that is run once in each new worker
    # @param initializer_arguments [Array] its arguments
    # @param finalizer [Symbol, Task, nil] a task that is run when a worker ends in good order
    # @param max_tasks_per_worker [Integer] then a fresh worker replaces it; 0: never
    # @param max_pending [Integer] tasks submitted and not done, then submit waits; 0: no limit
    # @param retries [Integer] how often a task whose worker died is run again
    # @param env [Hash, nil] added to the workers' environment
    # @param cwd [String, nil] the workers' folder
    # @param limits [Hash, nil] of each worker: memory_bytes, cpu_seconds, open_files, core_bytes, nice, cpus
    # @param codec [:msgpack, :marshal, :raw] :marshal lets anything travel that Marshal knows, between this program and
    #   its own workers; :raw sends Strings as they are
    def initialize(workers = nil, script: nil, command: nil, initializer: nil, initializer_arguments: [],
                   finalizer: nil, max_tasks_per_worker: 0, max_pending: 0, retries: 0, name: nil, env: nil, cwd: nil,
                   limits: nil, codec: :msgpack)
      raise ArgumentError, "a pool needs at least 1 worker" if workers && workers < 1

      Runtime.start
      @marshal = codec == :marshal
      @codec = codec
      env = (env || {}).merge("BROOD_RUBY_MARSHAL" => "1") if @marshal
      first, data = pack_initializer(initializer, initializer_arguments, foreign: !command.nil?)
      @low = Low.pool_create(
        Runtime.record("pool_options", workers: workers, max_tasks_per_worker: max_tasks_per_worker,
                                       max_pending: max_pending, retries: retries, name: name, initializer: first,
                                       initializer_data: data, finalizer: finalizer && Tasks.find(finalizer).name,
                                       command: command || (script ? Program.command_for(script) : Program.command),
                                       env: Runtime.environment(env), cwd: cwd, limits: limits)
      )
      options(nil, nil, nil)
    end

    # This same pool, for calls with other options.
    # @param run_limit [Numeric, nil] seconds that a task may run, then its worker is killed
    # @param retries [Integer, nil] instead of the pool's
    # @param wait [Numeric, nil] seconds to wait for room in a pool with max_pending; nil is for ever
    # @return [Pool]
    def with(run_limit: nil, retries: nil, wait: nil)
      raise ArgumentError, "run_limit is a number of seconds above 0" if run_limit && run_limit <= 0

      dup.tap { |other| other.send(:options, run_limit, retries, wait) }
    end

    # Has a worker run a task.
    # @return [Future]
    # @raise [TimeoutError] if the pool stayed full, {ClosedError} after {#shutdown}
    def submit(task, *arguments, **keywords)
      Future.new(start_task(task, arguments, keywords), @marshal)
    end

    # Runs a task in a worker and waits for its result. When the wait ends early, by an interrupt too, the task is
    # cancelled.
    # @param timeout [Numeric, nil] seconds, then the task is cancelled: use {#submit} for keywords named so
    def call(task, *arguments, timeout: nil, **keywords)
      low = start_task(task, arguments, keywords)
      msg = Low.future_result(low, Runtime.milliseconds(timeout))
      raise TimeoutError, "the task was not done within #{timeout} seconds" unless msg

      Codec.decode(msg, marshal: @marshal)
    ensure
      msg ? Low.release_handle(msg) : give_up(low)
      Low.release_handle(low) if low
    end

    # Runs a task on each item; the results are in the items' order.
    # @param items [Enumerable]
    # @param chunk [Integer] items sent together; 0: chosen by their number
    # @param on_error [:raise, :collect] the first failure is raised and the rest cancelled, or each failure
    #   stands in its item's place
    # @param progress [#call, nil] called with (done, total) as results come
    # @return [Array]
    def map(task, items, chunk: 0, on_error: :raise, progress: nil)
      task = Tasks.find(task)
      values = items.map { |item| task.pack([item], {}) }
      return [] if values.empty?

      packed = pack_all(values)
      return map_messages(task, values, on_error) unless packed

      low = Low.pool_map(@low, task.name, packed, stream_options(chunk: chunk, on_error: on_error))
      collect(Stream.new(low, nil, @marshal), values.size, on_error, progress)
    end

    # A lazy enumerator over the results of a task on each item; the input may be endless.
    # @param window [Integer] most items drawn ahead of the results taken; 0 chooses
    # @param ordered [Boolean] false: results as they come
    # @param on_error [:raise, :collect]
    # @return [Enumerator::Lazy]
    def stream(task, items, window: 0, ordered: true, on_error: :raise)
      task = Tasks.find(task)
      native = stream_options(window: window, unordered: !ordered, on_error: :collect)
      Enumerator.new do |results|
        inputs = Enumerator.new { |y| items.each { |item| y << pack_plain(task.pack([item], {})) } }
        Stream.new(Low.stream_create(@low, task.name, native), inputs, @marshal).each do |_, value, error|
          raise error if error && on_error == :raise

          results << (error || value)
        end
      end.lazy
    end

    # Accepts no more tasks; what was submitted is finished, then the workers end.
    def shutdown
      Low.pool_shutdown(@low)
    end

    # Cancels everything and kills the workers; does not wait.
    def terminate
      Low.pool_terminate(@low)
    end

    # Waits until the last worker has ended, after {#shutdown} or {#terminate}.
    # @return [Pool, nil] nil when the time ran out
    # @raise [Error] the first failure of a task that nobody saw
    def join(timeout = nil)
      Low.pool_join(@low, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # {#shutdown} and {#join}. Interrupted, it terminates the pool.
    # @raise [Error] as {#join}
    def close
      shutdown
      over = join
      nil
    rescue Error
      over = true
      raise
    ensure
      terminate unless over
    end

    # Terminates it and waits, whatever its tasks were at.
    # @private
    def abandon
      terminate
      join
    rescue Error
      nil # somebody else's failure is on its way
    ensure
      release
    end

    # Gives its thread back, for which the collector may take long.
    # @private
    def release
      Low.release_handle(@low)
    end

    # @return [Hash{Symbol => Integer}] workers, idle, starting, pending, done, failed, canceled, lost, timed_out,
    #   retried, moved, workers_started
    def stats
      record = Low.record_create("pool_stats")
      Low.pool_get_stats(@low, record)
      Runtime.values(record)
    end

    # @return [Array<WorkerInfo>] who works here right now
    def workers
      numbers = Low.pool_worker_list(@low)
      Array.new(Low.numbers_count(numbers)) { |i| Low.numbers_at(numbers, i) }.each_slice(4).map do |id, state, pid, tasks|
        WorkerInfo.new(id, STATES[state], pid, tasks)
      end
    end

    def inspect
      counts = stats
      "#<#{self.class.name} of #{counts[:workers]} workers, #{counts[:pending]} tasks pending>"
    end

    private

    # Cancels a task that may be done already.
    def give_up(low)
      Low.future_cancel(low) if low
    rescue StateError
      nil
    end

    def options(run_limit, retries, wait)
      @common = { run_limit_ms: run_limit && Runtime.milliseconds(run_limit),
                  retries: retries && (retries.zero? ? Low::NO_RETRIES : retries),
                  codec: Codec.tag(@codec) }
      @submit_options = Runtime.record("submit_options", **@common)
      @wait = wait
    end

    def stream_options(on_error:, **fields)
      raise ArgumentError, "on_error is :raise or :collect" unless %i[raise collect].include?(on_error)

      on_error = on_error == :collect ? Low::ON_ERROR_COLLECT : Low::ON_ERROR_FIRST
      Runtime.record("stream_options", on_error: on_error, **fields, **@common)
    end

    def start_task(task, arguments, keywords)
      task = Tasks.find(task)
      start_value(task.name, task.pack(arguments, keywords))
    end

    def start_value(name, value)
      data, tag, handles = Codec.encode(value, @codec)
      low = submit_native(name, data, tag, handles, @submit_options)
      low == false ? wait_for_room(name, data, tag, handles) : low
    end

    def submit_native(name, data, tag, handles, options)
      return Low.pool_submit(@low, name, data, options) if handles.empty?

      Low.pool_submit_msg(@low, name, Codec.message(data, tag, handles), options)
    end

    # The wait for room has a token of its own, so that an interrupt can end it.
    def wait_for_room(name, data, tag, handles)
      limit = @wait && (Runtime.now + @wait)
      token = Low.cancel_create
      begin
        left = limit ? [limit - Runtime.now, 0].max : nil
        options = Runtime.record("submit_options", wait_ms: Runtime.milliseconds(left), cancel: token, **@common)
        low = submit_native(name, data, tag, handles, options)
      rescue CanceledError
        Low.cancel_reset(token)
        retry # the interrupt, if it raises something, has done so
      end
      raise TimeoutError, "the pool had no room for another task within #{@wait} seconds" if low == false

      low
    end

    # nil when objects of brood are among them: those need messages of their own.
    def pack_all(values)
      values.map do |value|
        data, _, handles = Codec.encode(value, @codec)
        return nil unless handles.empty?

        data
      end
    end

    def pack_plain(value)
      data, _, handles = Codec.encode(value, @codec)
      raise ArgumentError, "objects of brood cannot be items of a stream: use map or submit" unless handles.empty?

      data
    end

    def map_messages(task, values, on_error)
      futures = values.map { |value| Future.new(start_value(task.name, value), @marshal) }
      futures.map { |future| on_error == :collect ? future.error || future.value : future.value }
    end

    def collect(stream, count, on_error, progress)
      results = Array.new(count)
      done = 0
      stream.each do |index, value, error|
        raise error if error && on_error == :raise

        results[index] = error || value
        done += 1
        progress&.call(done, count)
      end
      results
    end

    # A Ruby worker is told the initializer and its arguments in one value.
    def pack_initializer(task, arguments, foreign:)
      return [nil, nil] unless task

      task = Tasks.find(task)
      value = task.pack(arguments, {})
      name, value = foreign ? [task.name, value] : ["brood.initialize", [task.name, value]]
      [name, pack_plain_msgpack(value)]
    end

    def pack_plain_msgpack(value)
      data, _, handles = Codec.encode(value)
      raise ArgumentError, "objects of brood cannot be arguments of an initializer: hand them to a task" unless handles.empty?

      data
    end
  end
end
