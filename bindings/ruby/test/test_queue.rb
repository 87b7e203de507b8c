# frozen_string_literal: true

require_relative "helper"

class TestQueue < Minitest::Test
  include Helper

  def test_the_methods_of_thread_queue
    queue = Brood::Queue.new
    assert_same queue, queue.push(1)
    queue << "two"
    queue.enq([3])
    assert_equal [3, 3, false], [queue.size, queue.length, queue.empty?]
    assert_equal [1, "two", [3]], [queue.pop, queue.shift, queue.deq]
    assert_raises(ThreadError) { queue.pop(true) }
    assert_nil queue.pop(timeout: 0.01)
    queue.concat([1, 2, 3]).clear
    assert queue.empty?
    queue << 4
    queue.close
    assert_raises(ClosedQueueError) { queue << 5 }
    assert_equal [4, nil], [queue.pop, queue.pop]
  end

  def test_limits
    queue = Brood::Queue.new(2)
    2.times { |n| queue << n }
    assert_equal 2, queue.max
    assert_raises(ThreadError) { queue.push(3, true) }
    assert_nil queue.push(3, timeout: 0.01)
    pusher = waiting_thread { queue << 3 }
    queue.pop
    assert_same queue, pusher.value
    assert_raises(Brood::TooBig) { Brood::Queue.new(max_bytes: 100) << ("x" * 1000) }
  end

  def test_between_processes
    pool do |pool|
      queue = Brood::Queue.new
      pool.call(:put, queue, 100)
      assert_equal (0...100).to_a, queue.pop_many
      from = Brood::Queue.new
      to = Brood::Queue.new
      workers = Array.new(2) { pool.submit(:double_all, from, to) }
      from.concat(1..500)
      from.close
      workers.each(&:value)
      assert_equal (1..500).map { |n| n * 2 }, to.pop_many(500).sort
      assert_empty to.pop_many(timeout: 0)
    end
  end

  def test_each_ends_with_the_queue
    queue = Brood::Queue.new.concat(1..5).close
    assert_equal [2, 4, 6, 8, 10], queue.each.map { |n| n * 2 }
  end

  def test_join
    queue = Brood::Queue.new(joinable: true)
    3.times { |n| queue << n }
    assert_nil queue.join(0.01)
    3.times { queue.pop && queue.task_done }
    assert_same queue, queue.join
    assert_raises(Brood::StateError) { queue.task_done }
  end

  def test_a_lease_comes_back
    queue = Brood::Queue.new
    queue << "job"
    assert_raises(RuntimeError) { queue.lease { raise "no" } }
    assert_equal "JOB", queue.lease(&:upcase)
    assert_nil(queue.lease(timeout: 0.01) { flunk })
    queue << "again"
    event = Brood::Event.new
    pool(1) do |pool|
      future = pool.submit(:lease_and_hang, queue, event)
      assert event.wait(PATIENCE)
      future.cancel
      assert_equal("again", queue.lease(timeout: PATIENCE) { |value| value })
    end
    assert_equal 0, queue.stats[:lost]
  end

  def test_handles_inside_values
    inner = Brood::Queue.new
    inner << 40
    value = Brood::SharedValue.new(:int64, 2)
    pool(1) { |pool| assert_equal 42, pool.call(:wrapped, { queue: inner, list: [value] }) }
    outer = Brood::Queue.new
    outer << { "inner" => inner }
    back = outer.pop.fetch("inner")
    inner << "through"
    assert_equal "through", back.pop
  end

  def test_select
    queue = Brood::Queue.new
    assert_nil IO.select([queue], nil, nil, 0)
    queue << 1
    assert_equal [queue], IO.select([queue], nil, nil, PATIENCE).first
    event = Brood::Event.new
    assert_same queue, Brood.wait(event, queue)
    queue.pop
    assert_nil Brood.wait(event, queue, timeout: 0.01)
  end
end

class TestPipe < Minitest::Test
  include Helper

  def test_both_directions
    ours, theirs = Brood::Pipe.open
    ours.write({ "n" => 1 })
    assert_equal({ "n" => 1 }, theirs.read)
    theirs << "back"
    assert ours.ready?
    assert_equal "back", ours.read
    refute ours.ready?
    assert_raises(Brood::TimeoutError) { ours.read(timeout: 0.01) }
    pool(1) do |pool|
      future = pool.submit(:answer, theirs)
      ours << "question"
      assert_equal ["question", "was read"], ours.read
      future.value
    end
  end

  def test_one_direction
    reader, writer = Brood::Pipe.open(duplex: false)
    3.times { |n| writer << n }
    writer.close
    assert writer.closed?
    assert_equal [0, 1, 2], reader.to_a
    assert_raises(EOFError) { reader.read }
    assert_raises(IOError) { writer.write(1) }
    other, writer = Brood::Pipe.open(duplex: false)
    other.close
    assert_raises(Brood::ClosedError) { writer.write(1) }
  end

  def test_bytes
    a, b = Brood::Pipe.open
    a.write_bytes("raw \xff".b)
    assert_equal "raw \xff".b, b.read_bytes
    buffer = IO::Buffer.new(16)
    a.write_bytes("12345")
    assert_equal 5, b.read_into(buffer)
    assert_equal "12345", buffer.get_string(0, 5)
    a.write_bytes("x" * 17)
    assert_raises(Brood::TooBig) { b.read_into(buffer) }
    assert_equal 17, b.read_bytes.size
  end

  def test_closing_during_a_wait_is_safe
    a, = Brood::Pipe.open
    reader = waiting_thread { a.read }
    a.close
    a.closed?
    reader.kill.join
    assert_raises(IOError) { a.read }
  end
end
