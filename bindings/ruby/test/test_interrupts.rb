# frozen_string_literal: true

require_relative "helper"

# Whatever waits ends at once by Ruby's own means, and other threads run meanwhile.
class TestInterrupts < Minitest::Test
  include Helper

  def waits
    queue = Brood::Queue.new(1)
    full = Brood::Queue.new(1)
    full << 1
    joinable = Brood::Queue.new(joinable: true)
    joinable << 1
    pipe, = Brood::Pipe.open
    lock = Brood::Lock.new.lock
    condition = Brood::Condition.new
    writer = Brood::RWLock.new.acquire_write_lock
    shared = Brood::SharedValue.new(:int64)
    Thread.new { shared.lock }.join
    {
      "Queue#pop" => -> { queue.pop }, "Queue#push" => -> { full << 2 }, "Queue#join" => -> { joinable.join },
      "Queue#lease" => -> { queue.lease { nil } }, "Pipe#read" => -> { pipe.read }, "Lock#lock" => -> { lock.lock },
      "Event#wait" => -> { Brood::Event.new.wait }, "Barrier#wait" => -> { Brood::Barrier.new(2).wait },
      "Semaphore#acquire" => -> { Brood::Semaphore.new(0).acquire }, "Brood.wait" => -> { Brood.wait(queue) },
      "Condition#wait" => -> { condition.synchronize { condition.wait } },
      "RWLock" => -> { writer.acquire_read_lock }, "SharedValue#lock" => -> { shared.lock }
    }
  end

  def test_timeout_ends_every_wait
    waits.each do |name, wait|
      took = seconds { assert_raises(Timeout::Error, name) { Timeout.timeout(0.02) { wait.call } } }
      assert_operator took, :<, AT_ONCE, name
    end
  end

  def test_kill_ends_every_wait
    waits.each do |name, wait|
      thread = waiting_thread(&wait)
      assert thread.kill.join(PATIENCE), name
    end
  end

  def test_waits_for_tasks_and_processes
    pool(1) do |pool|
      future = pool.submit(:hang)
      process = Brood::Process.spawn("sleep", "100")
      [-> { future.value }, -> { pool.call(:hang) }, -> { pool.map(:hang, [1]) }, -> { process.join }].each do |wait|
        assert_raises(Timeout::Error) { Timeout.timeout(0.05) { wait.call } }
      end
      process.kill
      pool.terminate
    end
  rescue Brood::CanceledError
    nil # of the tasks that hung
  end

  def test_an_interrupted_call_cancels_its_task
    pool(1) do |pool|
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { pool.call(:hang) } }
      assert_equal 4, pool.call(:square, 2)
    end
  end

  # With other threads and without, a signal reaches the main thread, whose wait ends or goes on.
  [true, false].each do |others|
    define_method(:"test_signals_#{others ? 'beside other threads' : 'alone'}") do
      text, status = run_program(<<~PROGRAM)
        require "brood"
        $stdout.sync = true
        queue = Brood::Queue.new
        Thread.new { queue.pop } if #{others}
        trap(:USR1) { puts "handled" }
        child = spawn("kill -USR1 \#{Process.pid}; sleep 0.3; kill -INT \#{Process.pid}")
        begin
          queue.each { flunk }
        rescue Interrupt
          puts "interrupted"
        end
        Process.wait(child)
        barrier = Brood::Barrier.new(2)
        Thread.new { queue.pop && barrier.wait }
        trap(:USR1) { puts "handled again"; queue << 1; queue << 1 }
        spawn("kill -USR1 \#{Process.pid}")
        puts "passed" if barrier.wait < 2
      PROGRAM
      assert_equal "handled\ninterrupted\nhandled again\npassed\n", text
      assert status.success?
    end
  end

  def test_other_threads_run_during_a_wait
    queue = Brood::Queue.new
    ticks = 0
    ticker = Thread.new { loop { (ticks += 1) && Thread.pass } }
    reader = Thread.new { queue.pop }
    eventually { ticks > 1000 }
    queue << :done
    assert_equal "done", reader.value
  ensure
    ticker.kill
  end

  def test_a_masked_interrupt_waits
    queue = Brood::Queue.new
    order = []
    thread = Thread.new do
      Thread.handle_interrupt(Object => :never) { order << queue.pop }
      Thread.pass
      order << :not_reached
    end
    eventually { thread.native_thread_id && state_of("self/task/#{thread.native_thread_id}") == "S" }
    thread.kill
    queue << 1
    thread.join
    assert_equal [1], order
  end
end
