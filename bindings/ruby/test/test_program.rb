# frozen_string_literal: true

require_relative "helper"

# Programs that are their own workers, in every way in which Ruby can be started.
class TestProgram < Minitest::Test
  include Helper

  PROGRAM = <<~RUBY
    require "brood"
    Brood.task(:square) { |n| n * n }
    Brood.task(:where) { [Dir.pwd, ARGV, $0] }
    Brood.main { Brood::Pool.open(1) { |pool| p pool.map(:square, 1..3) } }
  RUBY

  def test_a_file
    assert_equal ["[1, 4, 9]\n", 0], run_program(PROGRAM).then { |text, status| [text, status.exitstatus] }
  end

  def test_code_on_the_command_line
    text, = Open3.capture2e(*RUBY, "-e", PROGRAM)
    assert_equal "[1, 4, 9]\n", text
  end

  def test_a_file_by_a_relative_path_from_another_folder
    Dir.mktmpdir do |folder|
      folder = File.realpath(folder)
      File.write(File.join(folder, "lib.rb"), "THREE = 3")
      File.write(File.join(folder, "main.rb"), <<~RUBY)
        require "lib"
        require "brood"
        Brood.task(:three) { [THREE, Dir.pwd, ARGV] }
        Brood.main do
          $0 = "another name"
          Dir.chdir("/")
          ARGV.clear
          Brood::Pool.open(1) { |pool| p pool.call(:three) }
        end
      RUBY
      text, = Open3.capture2e(*RUBY, "-I.", "main.rb", "a b", "-x", chdir: folder)
      assert_equal "[3, \"/\", [\"a b\", \"-x\"]]\n", text
      text, = Open3.capture2e(*RUBY, "-C", folder, "-I", ".", "main.rb", "c", chdir: "/")
      assert_equal "[3, \"/\", [\"c\"]]\n", text
    end
  end

  def test_a_script_that_is_executable
    path = program("#!/usr/bin/env -S ruby -w #{LIBRARY.map { |folder| "-I#{folder}" }.join(' ')}\n#{PROGRAM}")
    File.chmod(0o755, path)
    assert_equal "[1, 4, 9]\n", Open3.capture2e(path).first
  end

  def test_a_program_from_standard_input_asks_for_a_file
    text, status = Open3.capture2e(*RUBY, "-", stdin_data: PROGRAM)
    refute status.success?
    assert_match(/not read from a file, so workers cannot run it again: .*script: "tasks\.rb"/, text)
    text, = Open3.capture2e(*RUBY, "-", stdin_data: <<~RUBY)
      require "brood"
      Brood::Pool.open(1, script: #{TASKS.inspect}) { |pool| p pool.call(:square, 5) }
    RUBY
    assert_equal "25\n", text
  end

  def test_a_program_without_the_guard
    text, status = run_program(<<~RUBY)
      require "brood"
      Brood.task(:square) { |n| n * n }
      Brood::Pool.open(1) { |pool| p pool.map(:square, 1..3) }
    RUBY
    refute status.success?
    assert_match(/while a worker still loads the program\. Put what the program does into Brood\.main/, text)
    text, = run_program(<<~RUBY)
      require "brood"
      Brood::Pool.open(1) { |pool| pool.call(:square, 3) } unless Brood.worker?
    RUBY
    assert_match(/the worker's program ended without Brood\.main/, text)
  end

  def test_a_program_that_cannot_be_loaded
    text, = run_program(<<~RUBY)
      require "brood"
      raise "not today" if Brood.worker?
      Brood.main { Brood::Pool.open(1) { |pool| pool.call(:square, 3) } }
    RUBY
    assert_match(/the worker could not load its program: not today/, text)
  end

  # A program without a block is one for others' pools only.
  def test_a_file_of_tasks_may_be_run_by_hand
    text, status = Open3.capture2e(*RUBY, TASKS)
    assert_equal ["", true], [text, status.success?]
  end

  def test_start_options
    text, = run_program(<<~RUBY)
      require "brood"
      Brood.main do
        Brood.init(arena_bytes: 64 << 20)
        begin
          Brood::SharedArray.new(:uint8, 128 << 20)
        rescue Brood::NoMemory
          puts "no more than that"
        end
        begin
          Brood.init
        rescue Brood::StateError => e
          puts e.message
        end
        p Brood.cpu_count > 0, Brood.worker?
      end
    RUBY
    assert_equal "no more than that\nbrood has been started already: call init first\ntrue\nfalse\n", text
  end

  def test_children_are_joined_at_the_end
    text, = run_program(<<~RUBY)
      require "brood"
      Brood.task(:speak) { sleep 0.3; puts "spoken" }
      Brood.task(:linger) { sleep }
      Brood.main do
        Brood::Process.start(:speak)
        Brood::Process.start(:linger, daemon: true)
      end
    RUBY
    assert_equal "spoken\n", text
  end
end
