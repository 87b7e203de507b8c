# frozen_string_literal: true

require_relative "helper"

class TestPool < Minitest::Test
  include Helper

  def test_call_and_submit
    pool do |pool|
      assert_equal 49, pool.call(:square, 7)
      assert_equal 3, pool.submit(:add, 1, 2).value
      assert_equal 42, pool.call(:none)
      assert_equal 15, pool.call(:keywords, 5)
      assert_equal 7, pool.call(:keywords, 5, base: 2)
    end
  end

  def test_arguments_arrive_as_they_were_given
    pool(1) do |pool|
      assert_equal [1, 2], pool.call(:echo, [1, 2])
      assert_nil pool.call(:echo, nil)
      assert_equal ["a", "none"], pool.call(:optional, "a")
      assert_equal ["a", "b"], pool.call(:optional, "a", "b")
      value = { "a" => [1, 2.5, nil, true], "é" => "ü".encode("UTF-8"), 7 => 2**63 }
      assert_equal value, pool.call(:echo, value)
      time = Time.at(1_700_000_000, 123_456_789, :nsec)
      assert_equal time, pool.call(:echo, time)
      bytes = (0..255).to_a.pack("C*")
      assert_equal [bytes, Encoding::BINARY], pool.call(:echo, bytes).then { |back| [back, back.encoding] }
    end
  end

  # A single array stays one argument where the task is known here, too.
  def test_a_task_of_this_program_is_known_by_its_arguments
    task = Brood::Task.new("t", ->(a, b = :none) { [a, b] })
    assert_equal [[1, 2], :none], task.run(Brood::Codec.unpack(Brood::Codec.encode(task.pack([[1, 2]], {})).first))
    assert_equal [1, 2], task.run(Brood::Codec.unpack(Brood::Codec.encode(task.pack([1, 2], {})).first))
  end

  def test_map
    pool do |pool|
      assert_equal (0...1000).map { |n| n * n }, pool.map(:square, 0...1000)
      assert_equal [], pool.map(:square, [])
      seen = []
      pool.map(:square, 1..20, chunk: 3, progress: ->(done, total) { seen << [done, total] })
      assert_equal (1..20).map { |n| [n, 20] }, seen
    end
  end

  def test_map_with_failures
    pool do |pool|
      error = assert_raises(Brood::RemoteError) { pool.map(:fail, %w[a b]) }
      assert_equal "ArgumentError: a", error.message
      collected = pool.map(:optional, [1, [], 3], on_error: :collect)
      assert_equal [1, "none"], collected.first
      mixed = pool.map(:square, [2, "x", 3], on_error: :collect)
      assert_equal [4, 9], mixed.values_at(0, 2)
      assert_instance_of Brood::RemoteError, mixed[1]
    end
  end

  def test_stream_over_an_endless_input
    pool do |pool|
      drawn = 0
      inputs = Enumerator.produce(0) { |n| (drawn = n) + 1 }
      lazy = pool.stream(:square, inputs, window: 16)
      assert_instance_of Enumerator::Lazy, lazy
      assert_equal [0, 4, 16], lazy.select(&:even?).first(3)
      assert_operator drawn, :<, 200
    end
  end

  def test_stream_options
    pool do |pool|
      assert_equal (1..300).sum { |n| n * n }, pool.stream(:square, 1..300, ordered: false).sum
      assert_raises(Brood::RemoteError) { pool.stream(:fail, %w[a b]).to_a }
      errors = pool.stream(:fail, %w[a b], on_error: :collect).to_a
      assert_equal ["ArgumentError: a", "ArgumentError: b"], errors.map(&:message)
    end
  end

  def test_futures
    pool do |pool|
      future = pool.submit(:square, 9)
      assert_same future, future.wait
      assert future.done?
      assert_equal [81, 81], [future.value, future.value]
      assert_nil future.error
      assert_equal [16] * 4, Array.new(4) { future_value_in_thread(pool.submit(:square, 4)) }
      failed = pool.submit(:fail, "text")
      assert_equal "ArgumentError: text", failed.error.message
      assert_raises(Brood::RemoteError) { failed.value }
    end
  end

  def future_value_in_thread(future)
    threads = Array.new(3) { Thread.new { future.value } }
    threads.map(&:value).uniq.first
  end

  def test_on_complete
    pool do |pool|
      done = Thread::Queue.new
      20.times { |n| pool.submit(:square, n).on_complete { |future| done << future.value } }
      assert_equal (0...20).map { |n| n * n }, Array.new(20) { done.pop }.sort
      assert_equal 1, Thread.list.count { |thread| thread.name == "brood-completions" }
    end
  end

  def test_cancel
    pool(1) do |pool|
      running = pool.submit(:hang)
      queued = pool.submit(:square, 2)
      assert queued.cancel
      assert running.cancel
      assert_raises(Brood::CanceledError) { running.value }
      assert_raises(Brood::CanceledError) { queued.value }
      done = pool.submit(:square, 2)
      done.value
      refute done.cancel
    end
  end

  def test_timeouts
    pool(1) do |pool|
      assert_raises(Brood::TaskTimeout) { pool.with(run_limit: 0.05).call(:hang) }
      assert_raises(Brood::TimeoutError) { pool.call(:hang, timeout: 0.05) }
      future = pool.submit(:hang)
      assert_nil future.wait(0.01)
      assert_raises(Brood::TimeoutError) { future.value(timeout: 0) }
      future.cancel
    end
  end

  def test_a_full_pool
    pool(1, max_pending: 2) do |pool|
      2.times { pool.submit(:hang) }
      assert_raises(Brood::TimeoutError) { pool.with(wait: 0.05).submit(:square, 1) }
      assert_raises(Timeout::Error) { Timeout.timeout(0.05) { pool.submit(:square, 1) } }
      pool.terminate
    end
  rescue Brood::Error => e
    assert_instance_of Brood::CanceledError, e # of the two that hung
  end

  def test_initializer_and_finalizer
    file = Tempfile.new("finished")
    pool(1, initializer: :prepare, initializer_arguments: ["ready"], finalizer: :finish, env: { "FINISHED_FILE" => file.path }) do |pool|
      assert_equal "ready", pool.call(:prepared)
    end
    assert_equal "finished", file.read
    assert_raises(Brood::InitializerFailed) { pool(1, initializer: :fail, initializer_arguments: ["no"]) { |pool| pool.call(:none) } }
  end

  def test_workers_surroundings
    folder = File.realpath(Dir.mktmpdir)
    pool(1, env: { "COLOUR" => "red" }, cwd: folder, limits: { open_files: 100 }) do |pool|
      assert_equal ["red", folder, 100], [pool.call(:environment, "COLOUR"), pool.call(:folder), pool.call(:open_files)]
    end
    pool(1, max_tasks_per_worker: 1) { |pool| assert_equal 3, Array.new(3) { pool.call(:pid) }.uniq.size }
  ensure
    Dir.rmdir(folder)
  end

  def test_stats_and_workers
    pool(2) do |pool|
      pool.map(:square, 1..10)
      stats = pool.stats
      assert_equal [10, 0], stats.values_at(:done, :failed)
      assert_equal 2, pool.workers.size
      assert(pool.workers.all? { |worker| worker.is_a?(Brood::Pool::WorkerInfo) })
    end
  end

  def test_the_end_of_a_pool
    pool = pool(1)
    pool.close
    assert_raises(Brood::ClosedError) { pool.submit(:square, 1) }
    error = assert_raises(RuntimeError) { pool(1) { raise "in the block" } }
    assert_equal "in the block", error.message
    left = nil
    threads = Dir.children("/proc/self/task").size
    10.times { pool(1) { |open| left = open } }
    assert_operator Dir.children("/proc/self/task").size, :<, threads + 10
    assert_raises(IOError) { left.call(:square, 1) }
    assert_raises(ArgumentError) { pool(0) }
    assert_raises(ArgumentError) { Brood::Pool.open(1, limits: { no_such_limit: 1 }) }
  end

  def test_marshal_is_opt_in
    pool(1, codec: :marshal) { |pool| assert_equal 1..3, pool.call(:echo, 1..3) }
    error = assert_raises(TypeError) { pool(1) { |pool| pool.call(:echo, 1..3) } }
    assert_match(/codec: :marshal/, error.message)
    # A worker that was not told so refuses it.
    queue = Brood::Queue.new(codec: :marshal)
    queue << (1..3)
    error = assert_raises(Brood::RemoteError) { pool(1) { |pool| pool.call(:take, queue) } }
    assert_match(/Brood::ProtocolError: .*enable_marshal/, error.message)
  end

  def test_pools_in_workers
    pool(1) { |pool| assert_equal 25, pool.call(:nested, 5) }
  end
end
