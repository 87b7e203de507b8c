# frozen_string_literal: true

module Brood
  # A child process: a task in a process of its own, or any program. Its whole process tree ends with it, and with this
  # program.
  #
  # @example
  #   process = Brood::Process.start(:report, "today", stdout: :pipe)
  #   process.read          # => "..."
  #   process.join
  #   process.exit_code     # => 0
  class Process
    STREAMS = { stdout: 1, stderr: 2 }.freeze
    KINDS = { inherit: Low::STDIO_INHERIT, null: Low::STDIO_NULL, pipe: Low::STDIO_PIPE }.freeze
    private_constant :STREAMS, :KINDS

    # @return [String]
    attr_reader :name

    # Runs a task in a new process, which exits with 0 when it returns and with 1 when it raises.
    # @param keywords [Hash] the task's own keyword arguments
    # @param script [String, nil] a file of Ruby to run instead of this program
    # @param command [Array<String>, nil] another program, of any language
    # @param options see {.spawn}
    # @return [Process]
    def self.start(task, *arguments, keywords: {}, script: nil, command: nil, **options)
      Runtime.start
      task = Tasks.find(task)
      command ||= script ? Program.command_for(script) : Program.command
      record = record_of(command: command, **options)
      message = Codec.message(*Codec.encode(task.pack(arguments, keywords)))
      new(Low.process_start_msg(task.name, message, record), options[:daemon])
    end

    # Runs any program.
    # @param stdin,stdout,stderr [Symbol, String, Array] :inherit, :null, :pipe, a file's path, [path, :append]
    # @param daemon [Boolean] ended, not joined, at the end of this program
    # @param env [Hash, nil] added to the environment
    # @param clear_env [Boolean] start from an empty one
    # @param cwd [String, nil]
    # @param name [String, nil] for people
    # @param limits [Hash, nil] memory_bytes, cpu_seconds, open_files, core_bytes, nice, cpus
    # @return [Process]
    def self.spawn(*command, **options)
      Runtime.start
      new(Low.process_spawn(record_of(command: command, **options)), options[:daemon])
    end

    # @return [Array<Integer>] the pids of children that still run, pool workers excepted
    def self.active_children
      numbers = Low.active_children_list
      Array.new(Low.numbers_count(numbers)) { |i| Low.numbers_at(numbers, i) }
    end

    # @private
    def self.record_of(command:, stdin: nil, stdout: nil, stderr: nil, daemon: nil, env: nil, clear_env: nil, cwd: nil,
                       name: nil, limits: nil)
      Runtime.record("process_options", command: command, daemon: daemon, env: Runtime.environment(env),
                                        clear_env: clear_env, cwd: cwd, name: name, limits: limits,
                                        standard_input: stdio(stdin), standard_output: stdio(stdout),
                                        standard_error: stdio(stderr))
    end

    def self.stdio(target)
      case target
      when nil then nil
      when Symbol then { kind: KINDS.fetch(target) { raise ArgumentError, "#{target.inspect} is no stream" } }
      when ::Array then { kind: Low::STDIO_FILE, path: target.first.to_s, append: target.include?(:append) }
      else { kind: Low::STDIO_FILE, path: target.to_s }
      end
    end
    private_class_method :new, :record_of, :stdio

    # @private
    def initialize(low, daemon)
      @low = low
      @name = Low.process_name(low)
      Runtime.remember(self) unless daemon
    end

    # @return [Integer]
    def pid
      Low.process_pid(@low)
    end

    def alive?
      Low.process_alive(@low)
    end

    # Waits until the process and its whole tree have ended.
    # @return [Process, nil] nil when the time ran out
    def join(timeout = nil)
      Low.process_join(@low, Runtime.milliseconds(timeout)) == false ? nil : self
    end

    # @return [Integer, nil] nil while it runs, and when a signal ended it
    def exit_code
      return nil if alive?

      code = Low.process_exit_code(@low)
      code.negative? ? nil : code
    end
    alias exitstatus exit_code

    # @return [Integer, nil] the signal that ended it
    def signal
      return nil if alive?

      number = Low.process_exit_signal(@low)
      number.zero? ? nil : number
    end
    alias termsig signal

    # @return [Boolean, nil] nil while it runs
    def success?
      alive? ? nil : exit_code == 0
    end

    # Raises what the task raised, if it did.
    # @return [self]
    def check!
      Low.process_outcome(@low)
      self
    end

    # Sends a signal to every process of the tree.
    # @param signal [Integer, String, Symbol]
    def kill_with(signal)
      number = signal.is_a?(Integer) ? signal : Signal.list.fetch(signal.to_s.delete_prefix("SIG"))
      Low.process_signal(@low, number)
      self
    end

    # SIGTERM to the tree.
    def terminate
      Low.process_terminate(@low)
      self
    end

    # SIGKILL to the tree, until nothing of it is left.
    def kill
      Low.process_kill(@low)
      self
    end

    # Ends the tree step by step: waits for its own end, then SIGTERM and waits, then SIGKILL.
    # @param wait [Numeric, nil] seconds for the first step
    # @param terminate [Numeric, nil] seconds for the second
    def stop(wait: 0, terminate: 5)
      return self if join(wait)

      terminate()
      return self if join(terminate)

      kill.join
    end

    # @return [Hash{Symbol => Integer}] user_us, system_us, max_resident_bytes, minor_faults, major_faults
    def usage
      record = Low.record_create("usage")
      Low.process_usage(@low, record)
      Runtime.values(record)
    end

    # Writes to a piped stdin.
    # @return [Integer, nil] how many bytes; nil when the time ran out
    def write(bytes, timeout: nil)
      written = Low.process_write(@low, bytes, Runtime.milliseconds(timeout))
      written == false ? nil : written
    end

    # Ends a piped stdin: the child reads the end of its input.
    def close_write
      Low.process_close_input(@low)
      self
    end

    # Reads all of a piped stream, up to its end.
    # @param stream [:stdout, :stderr]
    # @return [String]
    def read(stream = :stdout)
      text = +""
      while (part = read_partial(stream))
        text << part
      end
      text
    end

    # Reads what is there, waiting for some.
    # @return [String, nil] nil at the end
    # @raise [TimeoutError]
    def read_partial(stream = :stdout, size: 65_536, timeout: nil)
      buffer = "\0".b * size
      count = Low.process_read(@low, STREAMS.fetch(stream), buffer, Runtime.milliseconds(timeout))
      raise TimeoutError, "nothing came within #{timeout} seconds" if count == false

      buffer.byteslice(0, count).force_encoding(Encoding.default_external)
    rescue ClosedError
      nil
    end

    # Yields the lines of a piped stream as they come.
    def each_line(stream = :stdout)
      return enum_for(:each_line, stream) unless block_given?

      rest = "".b
      while (part = read_partial(stream))
        rest << part.b
        while (line = rest.slice!(/\A[^\n]*\n/n))
          yield line.force_encoding(Encoding.default_external)
        end
      end
      yield rest.force_encoding(Encoding.default_external) unless rest.empty?
    end

    def inspect
      "#<#{self.class.name} #{name} #{pid}#{alive? ? '' : ' ended'}>"
    end

    # @private
    def handle
      Low.process_handle(@low)
    end
  end
end
