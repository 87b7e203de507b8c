# frozen_string_literal: true

# SHA-256 of every regular file below a directory, hashed by a pool of processes: the same lines in the
# same order as `find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum`.
#
# Paths go to the workers through a stream, so neither the tree nor its digests are ever held in memory,
# and a file that crashes its worker would cost that file's line and no other.
require "brood"
require "digest"
require "optparse"

# A file's digest, or why there is none, and how many bytes it has. A path is binary: it need not be UTF-8.
Brood.task(:sha256) do |path|
  [Digest::SHA256.file(path).hexdigest, File.size(path)]
rescue SystemCallError => e
  [nil, SystemCallError.new(nil, e.errno).message]
end

# Every regular file below a directory, in the order of the paths' bytes.
def walk(path, &block)
  entries = Dir.children(path.b).map do |name|
    full = path.end_with?("/") ? path.b + name.b : "#{path}/".b + name.b
    stat = File.lstat(full)
    stat.directory? ? "#{full}/" : (full if stat.file?)
  rescue Errno::ENOENT
    nil # it is gone meanwhile
  end
  entries.compact.sort.each { |entry| entry.end_with?("/") ? walk(entry, &block) : yield(entry) }
rescue SystemCallError => e
  complain(path.delete_suffix("/"), SystemCallError.new(nil, e.errno).message)
end

def complain(path, why)
  $failures = true
  warn "hash_tree: #{path}: #{why}"
end

# As sha256sum does: a backslash first, when a name has to be escaped.
def line(digest, path)
  escaped = path.gsub(/[\\\n\r]/n, "\\" => "\\\\", "\n" => "\\n", "\r" => "\\r")
  "#{'\\' unless escaped == path}#{digest}  #{escaped}\n".b
end

def hash_tree(pool, root)
  underway = []
  paths = Enumerator.new do |found|
    keep = lambda do |path|
      underway << path
      found << path
    end
    File.file?(root) ? keep.call(root.b) : walk(root, &keep)
  end
  files = bytes = 0
  pool.stream(:sha256, paths, window: 1024, on_error: :collect).each do |result|
    path = underway.shift
    next complain(path, result.message) if result.is_a?(Brood::Error)

    digest, size = result
    next complain(path, size) unless digest

    $stdout.write(line(digest, path))
    files += 1
    bytes += size
  end
  [files, bytes]
end

Brood.main do
  workers = nil
  directory, = OptionParser.new do |options|
    options.banner = "usage: hash_tree.rb [--workers N] [DIRECTORY]"
    options.on("--workers N", Integer, "0: one for each usable CPU") { |n| workers = n.zero? ? nil : n }
  end.parse(ARGV)
  $failures = false
  $stdout.binmode
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  files, bytes = Brood::Pool.open(workers) { |pool| hash_tree(pool, directory || "/usr/share/doc") }
  seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
  warn format("%d files, %.1f MB in %.2f s: %.0f MB/s", files, bytes / 1e6, seconds, bytes / 1e6 / seconds)
  exit(1) if $failures
rescue Interrupt
  $stdout.flush
  warn "hash_tree: interrupted"
  exit(130)
end
