# frozen_string_literal: true

module Brood
  # Starting brood in this process, and what all classes share.
  # @private
  module Runtime
    @mutex = Thread::Mutex.new
    @started = false
    @children = []

    class << self
      # Starts brood, unless it was started before. Every constructor calls this.
      def start
        start!(0) unless @started
      end

      def start!(arena_bytes, worker: false)
        @mutex.synchronize do
          return if @started

          if Worker.process? && !worker
            raise StateError, "brood is used while a worker still loads the program. Put what the program does into " \
                              "Brood.main { ... }, so that only what defines its tasks runs in workers."
          end
          # A program that cannot be run again can still have pools of other programs.
          command = worker || !runnable? ? nil : Program.command
          Low.start(record("start_options", manual_worker: true, arena_bytes: arena_bytes, command: command))
          @started = true
          owner = ::Process.pid
          at_exit { stop if ::Process.pid == owner }
        end
      end

      def started?
        @started
      end

      # Children that are joined at the end of the program.
      def remember(process)
        @mutex.synchronize do
          @children.select!(&:alive?)
          @children << process
        end
      end

      # A native struct filled by name; nil leaves a field at its default. `limits` is a hash.
      def record(type, **fields)
        made = Low.record_create(type)
        fields.each do |name, value|
          if value.is_a?(Hash)
            value.each { |inner, number| set(made, "#{name}.#{inner}", number) unless number.nil? }
          elsif !value.nil?
            set(made, name.to_s, value)
          end
        end
        made
      end

      # A record's numbers by name.
      def values(record)
        Array.new(Low.record_field_count(record)) do |index|
          name = Low.record_field_name(record, index)
          [name.to_sym, Low.record_get_int(record, name)]
        end.to_h
      end

      # How long to wait, as C wants it: nil is for ever, and any positive time is at least 1 ms.
      def milliseconds(seconds)
        return Low::FOREVER if seconds.nil?
        return 0 if seconds <= 0

        (seconds * 1000).round.clamp(1, 1 << 62)
      end

      # Who holds a recursive lock: this thread, by a number that no other thread ever has.
      def owner
        Thread.current.object_id
      end

      # @return [Float] seconds on the monotonic clock
      def now
        ::Process.clock_gettime(::Process::CLOCK_MONOTONIC)
      end

      # NAME=value, as C wants it.
      def environment(env)
        env&.map { |name, value| "#{name}=#{value}" }
      end

      private

      def runnable?
        Program.command
        true
      rescue StateError
        false
      end

      # The end of the program: an interrupt ends the wait for children, and the children.
      def stop
        @children.each(&:join)
      rescue Exception # rubocop:disable Lint/RescueException
        @children.each(&:kill)
        raise
      ensure
        Low.shutdown
      end

      def set(record, name, value)
        done = case value
               when true, false then Low.record_set_int(record, name, value ? 1 : 0)
               when Integer then Low.record_set_int(record, name, value)
               when Symbol then Low.record_set_text(record, name, value.name)
               when String then set_string(record, name, value)
               when Array then value.all? { |item| add(record, name, item) }
               when Low::Handle then Low.record_set_cancel(record, name, value)
               end
        raise ArgumentError, "#{name}: #{value.inspect} is no option, or out of its range" unless done
      end

      def set_string(record, name, value)
        binary = value.encoding == Encoding::BINARY
        binary ? Low.record_set_bytes(record, name, value) : Low.record_set_text(record, name, value)
      end

      def add(record, name, item)
        item.is_a?(Integer) ? Low.record_add_int(record, name, item) : Low.record_add_text(record, name, item.to_s)
      end
    end
  end

  class << self
    # Starts brood with other than the defaults, before anything else of it is used.
    # @param arena_bytes [Integer] address space of the shared memory; it takes memory only as it is used
    def init(arena_bytes: 0)
      raise StateError, "brood has been started already: call init first" if Runtime.started?

      Runtime.start!(arena_bytes)
    end

    # @return [Integer] CPUs that this process may use: its affinity, cut by the control group's quota
    def cpu_count
      Low.cpu_count
    end

    # @return [Boolean] whether brood started this process
    def worker?
      Worker.process?
    end
  end
end
