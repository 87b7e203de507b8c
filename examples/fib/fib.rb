# frozen_string_literal: true

# The classic first example: two Fibonacci numbers in two processes, then many with a pool.
require "brood"

def fib(n)
  n < 2 ? n : fib(n - 1) + fib(n - 2)
end

Brood.task(:fib, &method(:fib))
# A process of its own has no caller to reply to: it prints.
Brood.task(:print_fib) { |n| print "fib(#{n}) = #{fib(n)}" }

# Only the program that the user started comes into this block; workers serve tasks instead.
Brood.main do
  processes = [27, 28].map { |n| Brood::Process.start(:print_fib, n, stdout: :pipe) }
  processes.each.with_index(1) { |process, i| puts "process #{i} says: #{process.read}" }

  Brood::Pool.open do |pool| # as many workers as CPUs
    pool.map(:fib, 0...25).each_with_index { |value, n| puts "fib(#{n}) = #{value}" }
  end
end
