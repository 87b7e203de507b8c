# frozen_string_literal: true

require_relative "helper"

# Workers of other languages. Each is a program that was built, or is there, where this test runs.
class TestLanguages < Minitest::Test
  include Helper

  C_WORKER = ENV.fetch("BROOD_C_WORKER") { File.expand_path("../../../build/bindings/ruby/test/c_worker", __dir__) }
  PYTHON_FOLDER = File.join(ENV.fetch("BROOD_BUILD") { File.expand_path("../../../build", __dir__) }, "bindings/python")

  def test_bytes_and_failures_with_c
    Brood::Pool.open(1, command: [C_WORKER], codec: :raw) do |pool|
      assert_equal "\xfdoorb".b, pool.call(:reverse, "broo\xfd".b)
      assert_equal %w[cba fed], pool.map(:reverse, %w[abc def])
      error = assert_raises(Brood::RemoteError) { pool.call(:refuse, "") }
      assert_equal ["c.Refusal", "c.Refusal: not in the mood"], [error.kind, error.message]
      assert_equal ["c_worker.c:26", "c_worker.c:40"], error.cause.backtrace
      assert_equal 11, assert_raises(Brood::WorkerLost) { pool.call(:crash, "") }.signal
      assert_raises(Brood::NoFunction) { pool.call(:no_such_function, "") }
    end
  end

  def test_shared_things_with_c
    Brood::Pool.open(1, command: [C_WORKER]) do |pool|
      queue = Brood::Queue.new
      pool.call(:produce, queue)
      assert_equal ["text", 42], [queue.pop, queue.pop]
      array = Brood::SharedArray.new(:int64, [1, 2, 3])
      pool.call(:twice, array)
      assert_equal [2, 4, 6], array.to_a
    end
  end

  def test_python
    skip "Python's package is not built" unless File.exist?(File.join(PYTHON_FOLDER, "brood/__init__.py"))
    command = ["/usr/bin/python3", File.join(__dir__, "python_worker.py")]
    Brood::Pool.open(1, command: command, env: { "PYTHONPATH" => PYTHON_FOLDER }) do |pool|
      assert_equal 5, pool.call(:add, 2, 3)
      assert_equal [3, 7], pool.map(:add, [[1, 2], [3, 4]])
      error = assert_raises(Brood::RemoteError) { pool.call(:fail, "nothing here") }
      assert_equal ["LookupError", "LookupError: nothing here"], [error.kind, error.message]
      assert_match(/python_worker\.py/, error.cause.backtrace.join("\n"))
      assert_equal 9, assert_raises(Brood::WorkerLost) { pool.call(:crash) }.signal
      source = Brood::Queue.new
      target = Brood::Queue.new
      source << { "time" => Time.at(5, 7_000, :nsec) }
      pool.call(:relay, source, target)
      back = target.pop
      assert_equal [Time.at(5, 7_000, :nsec), "\xff".b], [back["got"]["time"], back["binary"]]
      array = Brood::SharedArray.new(:int64, [1, 2, 3])
      pool.call(:twice, array)
      assert_equal [2, 4, 6], array.to_a
    end
  end
end
