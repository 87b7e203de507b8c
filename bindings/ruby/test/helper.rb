# frozen_string_literal: true

require "minitest/autorun"
require "open3"
require "rbconfig"
require "tempfile"
require "tmpdir"
require "timeout"
require "brood"

# What the tests share: their workers' file, and running programs of their own.
module Helper
  TASKS = File.expand_path("tasks.rb", __dir__)
  LIBRARY = $LOAD_PATH.select { |folder| File.exist?(File.join(folder, "brood.rb")) || File.exist?(File.join(folder, "brood")) }
  RUBY = [RbConfig.ruby, "-w", *LIBRARY.map { |folder| "-I#{folder}" }].freeze
  # How long anything may take before it counts as hanging.
  PATIENCE = 60
  # An interrupt that is noticed at once ends a wait within this time, on a busy machine too.
  AT_ONCE = 2

  def pool(workers = 2, **options, &block)
    Brood::Pool.open(workers, script: TASKS, **options, &block)
  end

  # A file with a program in it.
  def program(text)
    file = Tempfile.new(["program", ".rb"])
    file.write(text)
    file.close
    (@programs ||= []) << file
    file.path
  end

  # Runs a program. Gives what it printed on both streams, and its status.
  def run_program(text, *options, **spawn_options)
    Timeout.timeout(PATIENCE) { Open3.capture2e(*RUBY, *options, program(text), **spawn_options) }
  end

  def seconds
    before = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    yield
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - before
  end

  # Looks again and again until the block gives something true.
  def eventually
    limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
    until (result = yield)
      flunk "it did not come to pass" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit
      IO.select(nil, nil, nil, 0.01)
    end
    result
  end

  # Lets a thread get as far as its wait.
  def waiting_thread(&block)
    thread = Thread.new(&block)
    thread.report_on_exception = false
    eventually { thread.native_thread_id && state_of("self/task/#{thread.native_thread_id}") == "S" }
    thread
  end

  def alive?(pid)
    state_of(pid) != "Z"
  rescue Errno::ESRCH, Errno::ENOENT
    false
  end

  # The letter by which the kernel tells what a process or thread does.
  def state_of(process)
    File.read("/proc/#{process}/stat").split(") ").last[0]
  end
end
