# frozen_string_literal: true

require_relative "helper"

class TestFailures < Minitest::Test
  include Helper

  def test_a_remote_failure_has_the_remote_trace_as_its_cause
    pool(1) do |pool|
      error = assert_raises(Brood::RemoteError) { pool.call(:fail, "went wrong") }
      assert_equal ["ArgumentError: went wrong", "ArgumentError"], [error.message, error.kind]
      assert_instance_of Brood::RemoteTrace, error.cause
      assert_match(/tasks\.rb:\d+:in/, error.cause.backtrace.first)
      assert_match(/test_failures\.rb/, error.backtrace.join)
      assert_match(/tasks\.rb:\d+/, error.full_message(highlight: false))
    end
  end

  def test_a_killed_worker
    pool(1) do |pool|
      error = assert_raises(Brood::WorkerLost) { pool.call(:kill, "KILL") }
      assert_equal [9, nil], [error.signal, error.exit_code]
      assert_operator error.pid, :>, 0
      assert_equal 15, assert_raises(Brood::WorkerLost) { pool.call(:kill, "TERM") }.termsig
      assert_equal 4, pool.call(:square, 2)
    end
  end

  def test_a_worker_that_exits_gives_no_answer
    pool(1) do |pool|
      error = assert_raises(Brood::WorkerLost) { pool.call(:exit, 3) }
      assert_equal [3, nil], [error.exitstatus, error.signal]
      assert_raises(Brood::WorkerLost) { pool.call(:exit, 0) }
    end
  end

  def test_a_crash_costs_its_own_task_only
    pool do |pool|
      futures = (0...40).map { |n| n == 20 ? pool.submit(:kill, "SEGV") : pool.submit(:square, n) }
      lost, done = futures.partition(&:error)
      assert_equal [1, 39], [lost.size, done.size]
      assert_instance_of Brood::WorkerLost, lost.first.error
    end
  end

  def test_retries
    counter = Brood::SharedValue.new(:int64)
    pool(1, retries: 2) { |pool| assert_equal "survived", pool.call(:die_once, counter) }
    assert_equal 2, counter.value
    pool(1, retries: 2) do |pool|
      assert_raises(Brood::WorkerLost) { pool.with(retries: 0).call(:die_once, Brood::SharedValue.new(:int64)) }
    end
  end

  def test_an_unknown_task
    pool(1) do |pool|
      error = assert_raises(Brood::NoFunction) { pool.call(:no_such_task) }
      assert_match(/no task no_such_task is registered in this worker; registered: .*square/, error.message)
    end
  end

  def test_the_tree
    assert_operator Brood::TaskTimeout, :<, Brood::WorkerLost
    [Brood::RemoteError, Brood::WorkerLost, Brood::TimeoutError, Brood::ClosedError].each do |type|
      assert_operator type, :<, Brood::Error
    end
    assert_operator Brood::Error, :<, StandardError
  end

  def test_wrong_arguments
    assert_raises(ArgumentError) { Brood.task("") { nil } }
    assert_raises(Brood::NoFunction) { Brood.task(:not_there) }
    Brood.task(:here_once) { nil }
    assert_raises(ArgumentError) { Brood.task(:here_once) { nil } }
    lock = Brood::Lock.new # starts brood, whichever test comes first
    assert_raises(TypeError) { Brood::Low.queue_get(lock.low, 0) }
    assert_raises(Brood::InvalidArgument) { Brood::Low.wait_any([nil], 0) }
    assert_raises(Brood::InvalidArgument) { Brood::Barrier.new(0) }
  end
end
