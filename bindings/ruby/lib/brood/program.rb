# frozen_string_literal: true

require "rbconfig"

module Brood
  # How this program was started, so that workers can be started in the same way.
  #
  # The kernel tells: `$0` and `ARGV` may be changed by the program, and do not have the interpreter's own
  # options. All of it is noted when brood is required, with the paths that depend on the working folder.
  # @private
  module Program
    @words = File.binread("/proc/self/cmdline").split("\0").map { |word| word.force_encoding(Encoding::UTF_8) }
    @script = $PROGRAM_NAME.dup
    @arguments = ARGV.dup
    @folder = Dir.pwd

    class << self
      # @return [Array<String>] the command line that runs this program again
      # @raise [StateError] when there is no file to run again
      def command
        @command ||= build
      end

      # The interpreter with its options, and another file to run.
      # @return [Array<String>]
      def command_for(script, arguments = [])
        [RbConfig.ruby, *options, File.expand_path(script), *arguments]
      end

      private

      def build
        if @script == "-" || (!inline? && !File.file?(File.expand_path(@script, @folder)))
          raise StateError, "this program was not read from a file, so workers cannot run it again: put its tasks into " \
                            "a file of their own and give it to the pool, as Brood::Pool.open(script: \"tasks.rb\")"
        end
        return [RbConfig.ruby, *@words.drop(1)] if inline?

        [RbConfig.ruby, *options, File.expand_path(@script, @folder), *@arguments]
      end

      # `ruby -e CODE`: the words as they are.
      def inline?
        @script == "-e" && @words.any? { |word| word.start_with?("-") && word.include?("e") }
      end

      # What stands before the script, with absolute paths. A change of folder (-C) has taken place.
      def options
        words = @words[1...script_index] || []
        found = []
        until words.empty?
          word = words.shift
          case word
          when "-C", "-X" then words.shift
          when /\A-[CX]./ then next
          when "-I" then found << "-I" << absolute_list(words.shift.to_s)
          when /\A-I(.+)/m then found << "-I#{absolute_list($1)}"
          when "-r" then found << "-r" << required(words.shift.to_s)
          when /\A-r(.+)/m then found << "-r#{required($1)}"
          when "-e" then words.shift
          else found << word
          end
        end
        found
      end

      def script_index
        last = @words.size - @arguments.size - 1
        @words[last] == @script ? last : (@words.index(@script) || 1)
      end

      def absolute_list(paths)
        paths.split(":").map { |path| File.expand_path(path, @folder) }.join(":")
      end

      def required(feature)
        feature.start_with?("./", "../") ? File.expand_path(feature, @folder) : feature
      end
    end
  end
end
