# frozen_string_literal: true

# The tasks of the tests' workers.
require "brood"

Brood.task(:echo) { |value| value }
Brood.task(:square) { |n| n * n }
Brood.task(:add) { |a, b| a + b }
Brood.task(:none) { 42 }
Brood.task(:keywords) { |a, base: 10| a + base }
Brood.task(:optional, ->(a, b = :none) { [a, b] })
Brood.task(:pid) { Process.pid }
Brood.task(:fail) { |text| raise ArgumentError, text }
Brood.task(:kill) { |signal| Process.kill(signal, Process.pid) && sleep }
Brood.task(:exit) { |code| exit(code) }
Brood.task(:hang) { sleep }
# Dies in its first run only, by a counter that both sides see.
Brood.task(:die_once) { |counter| counter.increment == 1 ? Process.kill(:KILL, Process.pid) && sleep : :survived }
Brood.task(:announce_and_hang) { |event| event.set && sleep }
Brood.task(:environment) { |name| ENV.fetch(name, nil) }
Brood.task(:folder) { Dir.pwd }
Brood.task(:open_files) { Process.getrlimit(:NOFILE).first }
Brood.task(:prepare) { |value| $prepared = value }
Brood.task(:prepared) { $prepared }
Brood.task(:finish) { |_| File.write(ENV.fetch("FINISHED_FILE"), "finished") }
Brood.task(:backtick) { `echo from a child`.chomp }
Brood.task(:fork_and_wait) { Process.wait2(fork { exit!(7) }).last.exitstatus }

Brood.task(:put) { |queue, count| count.times { |i| queue << i } && nil }
Brood.task(:take) { |queue| queue.pop }
Brood.task(:take_and_hang) { |queue, event| queue.pop && event.set && sleep }
Brood.task(:lease_and_hang) { |queue, event| queue.lease { event.set && sleep } }
Brood.task(:double_all) { |from, to| from.each { |n| to << (n * 2) } && nil }
Brood.task(:answer) { |pipe| pipe.write([pipe.read, "was read"]) && nil }
Brood.task(:fill) { |array, value| array.size.times { |i| array[i] = value } && array.to_a }
Brood.task(:count_up) { |value, times| times.times { value.synchronize { value.value += 1 } } && nil }
Brood.task(:lock_and_die) { |lock, event| lock.lock && event.set && Process.kill(:KILL, Process.pid) && sleep }
Brood.task(:try_lock) { |lock| lock.try_lock }
Brood.task(:meet) { |barrier| barrier.wait }
Brood.task(:set_and_signal) { |condition, value| condition.synchronize { (value.value = 5) && condition.broadcast } && nil }
Brood.task(:wait_for) { |event| event.wait(60) }
Brood.task(:permit) { |semaphore| semaphore.synchronize { semaphore.available_permits } }
Brood.task(:write_under) { |lock, array| lock.with_write_lock { array[0] += 1 } && nil }
Brood.task(:wrapped) { |hash| hash["queue"].pop + hash["list"].first.value }
Brood.task(:hash_of) { |hash| hash }
Brood.task(:print) { |text| print text }
Brood.task(:print_name) { print Brood::Low.current_name }
Brood.task(:copy_input) { print $stdin.read.upcase }
Brood.task(:nested) { |n| Brood::Pool.open(1) { |pool| pool.call(:square, n) } }

Brood.main
