# frozen_string_literal: true

require_relative "helper"

class TestShared < Minitest::Test
  include Helper

  LIMITS = { int8: [-128, 127], uint8: [0, 255], int16: [-2**15, 2**15 - 1], uint16: [0, 2**16 - 1],
             int32: [-2**31, 2**31 - 1], uint32: [0, 2**32 - 1], int64: [-2**63, 2**63 - 1], uint64: [0, 2**64 - 1],
             float: [-0.5, 1.5], double: [-1e300, 0.1], bool: [false, true], char: [0, 255], wchar: [0, 0x10ffff] }.freeze

  def test_every_type
    assert_equal Brood::SharedArray::TYPES.keys.sort, LIMITS.keys.sort
    LIMITS.each do |type, (low, high)|
      array = Brood::SharedArray.new(type, [low, high])
      assert_equal [low, high], array.to_a, type
      array[0] = high
      array[-1] = low
      assert_equal [high, low], [array[0], array[1]], type
    end
    assert_raises(Brood::InvalidArgument) { Brood::SharedArray.new(:int8, 1)[0] = 128 }
    assert_raises(RangeError) { Brood::SharedArray.new(:uint64, 1)[0] = -1 }
  end

  def test_slices
    array = Brood::SharedArray.new(:int32, 0..9)
    assert_equal [[2, 3, 4], [7, 8, 9], [0, 1], [8, 9]], [array[2, 3], array[7..], array[...2], array[-2, 2]]
    array[1, 2] = [10, 20]
    array[8..] = [80, 90]
    assert_equal [0, 10, 20, 3, 4, 5, 6, 7, 80, 90], array.to_a
    assert_raises(IndexError) { array[10] }
    assert_raises(IndexError) { array[8, 3] }
    assert_raises(ArgumentError) { array[0, 2] = [1] }
    assert_equal 225, array.sum
  end

  def test_between_processes
    array = Brood::SharedArray.new(:double, 1000)
    pool(1) { |pool| pool.call(:fill, array, 1.5) }
    assert_equal [1.5] * 1000, array.to_a
  end

  def test_views_are_the_memory_itself
    array = Brood::SharedArray.new(:int64, 4)
    view = array.view
    view.set_value(:s64, 8, 77)
    assert_equal 77, array[1]
    array[0] = 5
    read_only = array.view(read_only: true)
    assert_equal 5, read_only.get_value(:s64, 0)
    assert read_only.readonly?
    assert_raises(IO::Buffer::AccessError) { read_only.set_value(:s64, 0, 1) }
    array = nil
    4.times { GC.start }
    assert_equal 77, view.get_value(:s64, 8)
  end

  def test_a_large_array_is_not_copied
    array = Brood::SharedArray.new(:uint8, 64 << 20)
    array.view.set_string("end", (64 << 20) - 3)
    pool(1) do |pool|
      queue = Brood::Queue.new
      queue << array
      assert_equal [101, 110, 100], queue.pop[-3, 3]
      assert_same true, pool.call(:hash_of, { "array" => array }).fetch("array").is_a?(Brood::SharedArray)
    end
  end

  def test_atomic_operations
    value = Brood::SharedValue.new(:uint64, 2**64 - 1)
    assert_equal 2**64 - 1, value.value
    assert_equal 2**64 - 1, value.add(0, -1)
    assert value.compare_and_set(2**64 - 2, 5)
    refute value.compare_and_set(4, 6)
    assert_equal [false, 5], value.compare_exchange(0, 4, 6)
    assert_equal 6, value.increment
    assert_equal 12, value.update { |n| n * 2 }
    float = Brood::SharedValue.new(:double, 0.5)
    assert_equal [0.5, 2.0], [float.add(0, 1.0), float.increment(0.5)]
  end

  def test_counting_together
    counter = Brood::SharedValue.new(:int64)
    pool(2) { |pool| Array.new(2) { pool.submit(:count_up, counter, 500) }.each(&:value) }
    assert_equal 1000, counter.value
  end

  def test_its_lock
    value = Brood::SharedValue.new(:int64)
    value.synchronize do
      value.synchronize { assert value.locked? }
      assert_nil(Thread.new { value.lock(timeout: 0.01) }.value)
    end
    refute value.locked?
    assert_raises(Brood::StateError) { value.unlock }
    assert_raises(Brood::StateError) { Brood::SharedValue.new(:int64, lock: false).lock }
  end
end
