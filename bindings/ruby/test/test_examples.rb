# frozen_string_literal: true

require_relative "helper"

# The examples print what the ones in C and C++ print.
class TestExamples < Minitest::Test
  include Helper

  EXAMPLES = File.expand_path("../../../examples", __dir__)
  # find, sort and sha256sum have the last word about order and format.
  REFERENCE = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum 2>/dev/null'
  ODD_NAMES = ["plain", "with space", " leading", "-n", "back\\slash", "new\nline", "return\rhere", "a", "a.b/c", "a-b/c",
               "a b/c", "aa/b/c", "a!/x", "é/ü", "'quote'", "*", "$(x)", "\xff"].freeze

  def test_fib
    text, status = Open3.capture2e(*RUBY, File.join(EXAMPLES, "fib/fib.rb"))
    assert_equal [File.read(File.join(EXAMPLES, "expected/fib.txt")), true], [text, status.success?]
  end

  def hash_tree(folder)
    Open3.capture3(*RUBY, File.join(EXAMPLES, "hash_tree/hash_tree.rb"), folder, binmode: true)
  end

  def test_hash_tree
    Dir.mktmpdir do |folder|
      ODD_NAMES.each_with_index do |name, number|
        path = File.join(folder.b, name.b)
        FileUtils.mkdir_p(File.dirname(path))
        File.write(path, "x" * number * 10_000)
      end
      200.times { |number| File.write(File.join(folder, "#{number}.txt"), number.to_s) }
      File.symlink("plain", File.join(folder, "link"))
      printed, told, status = hash_tree(folder)
      assert_equal Open3.capture2("sh", "-c", REFERENCE, "sh", folder, binmode: true).first, printed
      assert_match(/\A218 files, /, told)
      assert status.success?
    end
  end

  def test_hash_tree_of_nothing
    printed, told, status = hash_tree("/no/such/folder")
    assert_equal ["", 1], [printed, status.exitstatus]
    assert_match(%r{^hash_tree: /no/such/folder: No such file or directory$}, told)
  end
end
