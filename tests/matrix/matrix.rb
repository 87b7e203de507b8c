# frozen_string_literal: true

# Ruby's part of the matrix: the tasks as a worker, the checks as a host. See README.md beside this file.
#
# usage: matrix.rb COMMAND...   (the workers' program)

require "brood"

Brood.task(:square) { |n| n * n }
Brood.task(:echo) { |value| value }
Brood.task(:fail) { |text| raise KeyError, text }
Brood.task(:crash) { Process.kill(:KILL, Process.pid) }

Brood.task(:hang) do |queue|
  queue << "running"
  sleep
end

Brood.task(:fill) do |queue, count|
  count.times { |i| queue << i }
  nil
end

Brood.task(:locked_add) do |lock, array, queue|
  free = lock.try_lock
  queue << free
  lock.lock unless free
  array[0] += 1
  lock.unlock
  nil
end

Brood.task(:scale) do |array, factor|
  array.each_with_index { |value, i| array[i] = value * factor }
  nil
end

# ---- the host ------------------------------------------------------------------------------------

# One method for each check; what it expects and does not get, it raises.
class Checks
  LONG = 60 # seconds: whoever waits so long waits for nothing
  VALUES = [
    nil, true, false, -1, 2**63 - 1, -(2**63), 1.5, -0.1, "", "Größe 日本語 🐦", "\x00\xFF\x80".b, [],
    [1, [2.5, ["x", nil]]], { "Maß" => { "deep" => [1, { "a" => "\x01".b }] } }, Time.at(1_700_000_000, 250, :millisecond)
  ].freeze

  def initialize(pool)
    @pool = pool
  end

  def map
    squares = @pool.map(:square, 0...100)
    expect squares == (0...100).map { |n| n * n }, "got #{squares}"
  end

  def values
    VALUES.each do |value|
      back = @pool.call(:echo, value)
      same = back == value && back.class == value.class && (!value.is_a?(String) || back.encoding == value.encoding)
      expect same, "#{value.inspect} came back as #{back.inspect}"
    end
  end

  def error
    error = raised(Brood::RemoteError) { @pool.call(:fail, "Größe 7 fehlt") }
    expect error.message.include?("Größe 7 fehlt"), "its message is #{error.message}"
    expect !error.kind.empty?, "its kind is empty"
    expect ![0, Process.pid].include?(error.pid), "its pid is #{error.pid}"
  end

  def crash
    error = raised(Brood::WorkerLost) { @pool.call(:crash) }
    expect error.signal == 9 && error.pid != 0, "got signal #{error.signal}, pid #{error.pid}"
    goes_on
  end

  def timeout
    raised(Brood::TaskTimeout) { @pool.with(run_limit: 0.2).call(:hang, Brood::Queue.new) }
    goes_on
  end

  def cancel
    queue = Brood::Queue.new
    future = @pool.submit(:hang, queue)
    expect queue.pop(timeout: LONG) == "running", "it does not run"
    expect future.cancel, "it was done already"
    raised(Brood::CanceledError) { future.value }
    goes_on
  end

  def queue
    queue = Brood::Queue.new
    future = @pool.submit(:fill, queue, 1000)
    numbers = Array.new(1000) { queue.pop(timeout: LONG) }
    future.value
    expect numbers == (0...1000).to_a && queue.empty?, "got #{numbers}"
  end

  def lock
    lock = Brood::Lock.new
    array = Brood::SharedArray.new(:int64, 1)
    queue = Brood::Queue.new
    future = lock.synchronize do
      future = @pool.submit(:locked_add, lock, array, queue)
      expect queue.pop(timeout: LONG) == false, "the worker got the lock"
      expect !future.done? && array[0].zero?, "the worker did not wait for the lock"
      future
    end
    future.value
    expect array[0] == 1, "the element is #{array[0]}"
  end

  def array
    array = Brood::SharedArray.new(:double, (0...1000).map { |i| i + 0.5 })
    @pool.call(:scale, array, 2.5)
    expect array.to_a == (0...1000).map { |i| (i + 0.5) * 2.5 }, "its elements are wrong"
  end

  private

  def expect(condition, why)
    raise why unless condition
  end

  def raised(type)
    yield
  rescue type => e
    e
  else
    raise "it did not fail"
  end

  def goes_on
    expect @pool.call(:square, 9) == 81, "the next task fails"
  end
end

Brood.main do
  names = %i[map values error crash timeout cancel queue lock array]
  failed = 0
  $stdout.sync = true
  Brood::Pool.open(1, command: ARGV) do |pool|
    checks = Checks.new(pool)
    names.each do |name|
      checks.public_send(name)
      puts "ok #{name}"
    rescue StandardError => e
      puts "failed #{name}: #{e.class}: #{e.message}"
      failed += 1
    end
  end
  puts "#{names.size} checks, #{failed} failed"
  exit failed.zero?
end
