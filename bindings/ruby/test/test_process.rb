# frozen_string_literal: true

require_relative "helper"

class TestProcess < Minitest::Test
  include Helper

  def start(task, *arguments, **options)
    Brood::Process.start(task, *arguments, script: TASKS, **options)
  end

  def test_a_task_in_a_process
    process = start(:print, "héllo", stdout: :pipe)
    assert_equal "héllo", process.read
    assert_same process, process.join
    assert_equal [0, nil, true, false], [process.exit_code, process.signal, process.success?, process.alive?]
    assert_same process, process.check!
    assert_equal "reporter", start(:print_name, stdout: :pipe, name: "reporter").read
  end

  def test_how_it_ends
    failed = start(:fail, "no", stderr: :pipe)
    assert_match(/ArgumentError/, failed.read(:stderr))
    assert_equal 1, failed.join.exitstatus
    assert_equal "ArgumentError: no", assert_raises(Brood::RemoteError) { failed.check! }.message
    assert_equal 3, start(:exit, 3).join.exit_code
    killed = start(:hang)
    assert_nil killed.join(0.01)
    assert_nil killed.success?
    killed.kill.join
    assert_equal [9, nil, false], [killed.termsig, killed.exit_code, killed.success?]
    assert_includes [9, 15], start(:hang).stop(terminate: 10).termsig
    assert_raises(Brood::StateError) { killed.kill_with(:TERM) }
    assert_operator killed.usage[:max_resident_bytes], :>, 0
  end

  def test_handles_as_arguments
    queue = Brood::Queue.new
    start(:put, queue, 3).join
    assert_equal [0, 1, 2], queue.pop_many
  end

  def test_any_program
    process = Brood::Process.spawn("sh", "-c", "cat; echo $COLOUR >&2", stdin: :pipe, stdout: :pipe, stderr: :pipe,
                                                                        env: { "COLOUR" => "red" })
    assert_equal 10, process.write("one\ntwo\nx")+1
    process.close_write
    assert_equal %W[one\n two\n x], process.each_line.to_a
    assert_equal "red\n", process.read(:stderr)
    assert_nil process.read_partial
    process.join
    error = assert_raises(Brood::OSError) { Brood::Process.spawn("/no/such/program") }
    assert_equal Errno::ENOENT::Errno, error.errno
  end

  def test_files
    file = Tempfile.new("output")
    Brood::Process.spawn("echo", "one", stdout: file.path).join
    Brood::Process.spawn("echo", "two", stdout: [file.path, :append]).join
    assert_equal "one\ntwo\n", file.read
    assert_equal "ONE\nTWO\n", start(:copy_input, stdin: file.path, stdout: :pipe).read
    assert_raises(ArgumentError) { Brood::Process.spawn("true", stdout: :nowhere) }
  end

  def test_children
    process = Brood::Process.spawn("sleep", "100")
    assert_includes Brood::Process.active_children, process.pid
    event = Brood::Event.new
    assert_nil Brood.wait(event, process, timeout: 0.01)
    process.kill
    assert_same process, Brood.wait(event, process)
    process.join
    refute_includes Brood::Process.active_children, process.pid
  end
end
