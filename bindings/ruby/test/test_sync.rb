# frozen_string_literal: true

require_relative "helper"

class TestSync < Minitest::Test
  include Helper

  def test_lock
    lock = Brood::Lock.new
    assert_same lock, lock.lock
    assert lock.locked?
    refute lock.try_lock
    assert_nil lock.lock(timeout: 0.01)
    pool(1) do |pool|
      refute pool.call(:try_lock, lock)
      lock.unlock
      assert pool.call(:try_lock, lock)
    end
    assert_raises(Brood::StateError) { Brood::Lock.new.unlock }
    assert_equal 5, Brood::Lock.new.synchronize { 5 }
  end

  def test_a_holder_that_dies
    lock = Brood::Lock.new
    event = Brood::Event.new
    pool(1) { |pool| assert_instance_of Brood::WorkerLost, pool.submit(:lock_and_die, lock, event).error }
    assert_raises(Brood::OwnerDied) { lock.lock }
    lock.recover
    lock.unlock
    assert lock.try_lock
  end

  def test_recursive_lock
    lock = Brood::RLock.new
    lock.synchronize do
      lock.enter
      lock.exit
      refute(Thread.new { lock.try_enter }.value)
    end
    assert(Thread.new { lock.try_lock }.value)
  end

  def test_semaphores
    semaphore = Brood::Semaphore.new(2)
    semaphore.acquire
    assert_equal 1, semaphore.available_permits
    pool(1) { |pool| assert_equal 0, pool.call(:permit, semaphore) }
    assert semaphore.try_acquire
    refute semaphore.try_acquire
    assert_nil semaphore.acquire(timeout: 0.01)
    semaphore.release(3)
    assert_equal 3, semaphore.available_permits
    assert_raises(Brood::StateError) { Brood::BoundedSemaphore.new(1).release }
    assert_equal :held, Brood::Semaphore.new(1, owned: true).synchronize { :held }
  end

  def test_condition
    condition = Brood::Condition.new
    value = Brood::SharedValue.new(:int64)
    pool(1) do |pool|
      future = nil
      condition.synchronize do
        future = pool.submit(:set_and_signal, condition, value)
        assert condition.wait_until(timeout: PATIENCE) { value.value == 5 }
        assert condition.wait_while(timeout: PATIENCE) { value.value == 4 }
        refute condition.wait_while(timeout: 0.01) { true }
        assert_nil condition.wait(0.01)
      end
      future.value
    end
    assert_raises(Brood::StateError) { condition.wait(0) }
    assert_equal 0, condition.synchronize { condition.signal }
  end

  def test_event
    event = Brood::Event.new
    refute event.wait(0.01)
    pool(1) do |pool|
      future = pool.submit(:wait_for, event)
      event.set
      assert future.value
    end
    assert event.set?
    refute event.clear.set?
  end

  def test_barrier
    rounds = Brood::SharedValue.new(:int64)
    barrier = Brood::Barrier.new(3) { rounds.increment }
    pool(2) do |pool|
      futures = Array.new(2) { pool.submit(:meet, barrier) }
      mine = barrier.wait(PATIENCE)
      assert_equal [0, 1, 2], (futures.map(&:value) << mine).sort
    end
    assert_equal [3, 0], [barrier.parties, barrier.waiting]
    barrier = Brood::Barrier.new(2)
    assert_raises(Brood::BrokenError) { barrier.wait(0.01) }
    assert barrier.broken?
    assert_raises(Brood::BrokenError) { barrier.wait }
    refute barrier.reset.broken?
    one = Brood::Barrier.new(1) { raise "in the action" }
    assert_raises(RuntimeError) { Thread.new { one.wait }.tap { |thread| thread.report_on_exception = false }.value }
    assert one.broken?
  end

  def test_read_write_lock
    lock = Brood::RWLock.new
    array = Brood::SharedArray.new(:int64, 1)
    pool(2) { |pool| Array.new(20) { pool.submit(:write_under, lock, array) }.each(&:value) }
    assert_equal 20, lock.with_read_lock { array[0] }
    lock.with_read_lock { assert_nil lock.acquire_write_lock(timeout: 0.01) }
    lock.with_write_lock { assert_nil lock.acquire_read_lock(timeout: 0.01) }
    assert_raises(Brood::StateError) { lock.release_write_lock }
  end

  def test_they_travel_in_brood_only
    error = assert_raises(TypeError) { Marshal.dump(Brood::Lock.new) }
    assert_match(/inside brood's messages only/, error.message)
    assert_raises(Brood::ProtocolError) { Brood::Codec.unpack("\xd4\x01\x00".b) }
  end
end
