# frozen_string_literal: true

# Process pools, queues, pipes, locks and shared memory, for all languages at once.
#
#   require "brood"
#
#   Brood.task(:fib) { |n| n < 2 ? n : Brood.task(:fib).call(n - 1) + Brood.task(:fib).call(n - 2) }
#
#   Brood.main do
#     Brood::Pool.open(4) { |pool| p pool.map(:fib, 0..20) }
#   end
#
# A worker is this same program, run again: what stands outside of {Brood.main} runs there too, and
# defines the tasks; what stands inside runs in the program that the user started.
module Brood
end

require "brood/low"
require "brood/version"
require "brood/errors"
require "brood/program"
require "brood/runtime"
require "brood/codec"
require "brood/tasks"
require "brood/worker"
require "brood/future"
require "brood/stream"
require "brood/pool"
require "brood/process"
require "brood/queue"
require "brood/pipe"
require "brood/shared"
require "brood/lock"
require "brood/sync"
require "brood/wait"
