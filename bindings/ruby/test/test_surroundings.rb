# frozen_string_literal: true

require_relative "helper"

# What a program does besides: children of its own, forks, the garbage collector, a sudden end.
class TestSurroundings < Minitest::Test
  include Helper

  def assert_own_children_work
    assert_equal "hi\n", `echo hi`
    assert system("exit 0")
    refute system("exit 3")
    assert_equal 3, $?.exitstatus
    pid = spawn("exit 4")
    assert_equal [pid, 4], Process.wait2(pid).then { |waited, status| [waited, status.exitstatus] }
    pid = fork { exit!(5) }
    assert_equal [pid, 5], Process.wait2(-1).then { |waited, status| [waited, status.exitstatus] }
    assert_equal "piped\n", IO.popen(%w[echo piped], &:read)
    assert_equal 6, Process.detach(spawn("exit 6")).value.exitstatus
    assert_raises(Errno::ECHILD) { Process.wait }
  end

  def test_own_children_during_and_after_a_pool
    text, = run_program(<<~RUBY, "-r#{__dir__}/helper.rb")
      Minitest.seed = 0
      class Children < Minitest::Test
        include Helper
        #{File.read(__FILE__)[/  def assert_own_children_work.*?^  end\n/m]}
        def test_them
          assert_own_children_work
          pool(2) do |pool|
            futures = Array.new(20) { |n| n % 5 == 4 ? pool.submit(:kill, "KILL") : pool.submit(:square, n) }
            assert_own_children_work
            assert_equal 4, futures.count(&:error)
            assert_equal ["from a child", 7], [pool.call(:backtick), pool.call(:fork_and_wait)]
          end
          assert_own_children_work
        end
      end
    RUBY
    assert_match(/1 runs, .* 0 failures, 0 errors/, text)
  end

  def test_a_forked_child_leaves_the_parents_things_alone
    text, status = run_program(<<~RUBY)
      require "brood"
      Brood.task(:square) { |n| n * n }
      Brood.main do
        Brood::Pool.open(2) do |pool|
          queue = Brood::Queue.new
          queue << 1
          future = pool.submit(:square, 3)
          future.on_complete { nil }
          array = Brood::SharedArray.new(:int64, [7])
          process = Brood::Process.spawn("sleep", "100")
          # One ends with its finalizers and at_exit, one without; one collects all that the parent has.
          child = fork do
            errors = [-> { pool.call(:square, 2) }, -> { queue.pop }, -> { queue << 2 }, -> { process.kill }].map do |call|
              call.call
              nil
            rescue Brood::ForkedError => e
              e.class
            end
            puts errors.inspect
            $stdout.flush
            pool = queue = future = array = process = nil
            GC.start
          end
          Process.wait(child)
          puts $?.exitstatus
          Process.wait(fork { exit!(0) })
          puts [pool.call(:square, 5), future.value, queue.pop, array[0], process.alive?].inspect
          process.kill
        end
      end
    RUBY
    assert_equal "[#{(['Brood::ForkedError'] * 4).join(', ')}]\n0\n[25, 9, 1, 7, true]\n", text
    assert status.success?
  end

  def test_garbage_collection
    text, status = run_program(<<~RUBY)
      require "brood"
      Brood.task(:echo) { |value| value }
      Brood.main do
        Brood::Pool.open(1) do |pool|
          pool.call(:echo, 1)
          GC.stress = true
          queue = Brood::Queue.new
          3.times do |i|
            raise unless pool.call(:echo, { "text" => "x" * 50, "list" => [i, 1.5, nil] })["list"][0] == i
            raise unless pool.map(:echo, ["a" * 100, i]) == ["a" * 100, i]
            queue.concat(["b" * 60, i])
            raise unless queue.pop_many == ["b" * 60, i]
            view = Brood::SharedArray.new(:int64, [i, 5]).view
            raise unless view.get_value(:s64, 8) == 5
            ours, theirs = Brood::Pipe.open
            ours << queue
            theirs.read << i
            raise unless queue.pop == i
            begin
              pool.call(:no_such_task)
            rescue Brood::NoFunction
              nil
            end
          end
          GC.stress = false
          GC.compact
          raise unless queue.empty? && pool.call(:echo, "y" * 100) == "y" * 100
        end
        puts "sound"
      end
    RUBY
    assert_match(/^sound$/, text)
    assert status.success?
  end

  # Their workers are no interpreters: starting a thousand of these would take minutes.
  def test_a_thousand_pools_leave_nothing_behind
    pool(1) { |pool| pool.call(:square, 2) }
    before = nil
    1000.times do |n|
      pool = Brood::Pool.open(1, command: ["true"])
      pool.terminate
      pool.join
      GC.start if (n % 100).zero?
      before = held if n == 300
    end
    GC.start
    assert_operator held[:files], :<=, before[:files] + 2
    assert_operator held[:threads], :<=, before[:threads] + 2
    assert_operator held[:bytes], :<=, before[:bytes] + (8 << 20)
  end

  def held
    status = File.read("/proc/self/status")
    { files: Dir.children("/proc/self/fd").size, threads: status[/Threads:\s*(\d+)/, 1].to_i,
      bytes: status[/VmRSS:\s*(\d+)/, 1].to_i * 1024 }
  end

  def test_a_host_that_is_killed_leaves_nothing_alive
    reader, writer = IO.pipe
    host = spawn(*RUBY, program(<<~RUBY), out: writer)
      require "brood"
      $stdout.sync = true
      Brood.task(:busy) { |queue| queue << [Process.pid, spawn("sleep", "100")]; loop { } }
      Brood.main do
        queue = Brood::Queue.new
        pool = Brood::Pool.open(2)
        2.times { pool.submit(:busy, queue) }
        puts [queue.pop, queue.pop].flatten.join(" ")
        sleep
      end
    RUBY
    writer.close
    pids = Timeout.timeout(PATIENCE) { reader.gets }.split.map(&:to_i)
    assert_equal [true] * 4, pids.map { |pid| alive?(pid) }
    Process.kill(:KILL, host)
    Process.wait(host)
    took = seconds { eventually { pids.none? { |pid| alive?(pid) } } }
    assert_operator took, :<, AT_ONCE
  end

  def test_the_terminals_interrupt_ends_a_program_at_once
    path = program(<<~RUBY)
      require "brood"
      $stdout.sync = true
      Brood.task(:hang) { |event| event.set; sleep }
      Brood.main do
        event = Brood::Event.new
        Brood::Pool.open(1) do |pool|
          Thread.new { event.wait; puts "ready" }
          pool.call(:hang, event)
        end
      end
    RUBY
    reader, writer = IO.pipe
    host = spawn(*RUBY, path, out: writer, err: File::NULL)
    writer.close
    assert_equal "ready\n", Timeout.timeout(PATIENCE) { reader.gets }
    took = seconds { Process.kill(:INT, host) && Process.wait(host) }
    assert_equal 2, $?.termsig
    assert_operator took, :<, AT_ONCE
  end
end
