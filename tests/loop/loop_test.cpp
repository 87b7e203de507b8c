// The loop: one thread, callbacks one at a time and in order, nothing after it was let go.
#include "loop/loop.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;

namespace {

std::unique_ptr<Loop> start() {
  auto loop = Loop::start();
  assert_true(loop.ok());
  return std::move(*loop);
}

// Runs `body` on the loop thread and waits for it, and for what was posted before.
void run_on(Loop& loop, const std::function<void()>& body) {
  std::promise<void> done;
  loop.post([&] {
    body();
    done.set_value();
  });
  done.get_future().wait();
}

void posted_functions_run_in_order(void**) {
  auto loop = start();
  assert_false(loop->on_loop_thread());
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) loop->post([&seen, i] { seen.push_back(i); });
  // Posted from a callback: behind everything, and not in place.
  run_on(*loop, [&] {
    assert_true(loop->on_loop_thread());
    loop->post([&] { seen.push_back(1001); });
    seen.push_back(1000);
  });
  run_on(*loop, [] {});
  assert_int_equal(seen.size(), 1002);
  for (int i = 0; i < 1002; ++i) assert_int_equal(seen[static_cast<size_t>(i)], i);
}

void many_threads_may_post(void**) {
  auto loop = start();
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 500; ++k) loop->post([&count] { ++count; });
    });
  }
  for (auto& thread : threads) thread.join();
  run_on(*loop, [] {});
  assert_int_equal(count, 2000);
}

void what_was_posted_runs_before_the_end(void**) {
  std::atomic<int> count{0};
  {
    auto loop = start();
    for (int i = 0; i < 100; ++i) loop->post([&count] { ++count; });
  }
  assert_int_equal(count.load(), 100);
}

void a_watch_tells_of_bytes_and_of_the_end(void**) {
  auto loop = start();
  auto pipe = platform::make_pipe();
  assert_true(pipe.ok());
  std::promise<void> got_byte, got_end;
  std::unique_ptr<Watch> watch;
  run_on(*loop, [&] {
    auto made = loop->watch(pipe->first.get(), true, false, [&](Readiness readiness) {
      assert_true(readiness.readable);
      char byte;
      const auto got = platform::read_some(pipe->first.get(), &byte, 1);
      if (got && *got == 1) return got_byte.set_value();
      // A callback may take away what it was called for.
      watch.reset();
      got_end.set_value();
    });
    assert_true(made.ok());
    watch = std::move(*made);
  });
  assert_true(platform::write_some(pipe->second.get(), "x", 1).ok());
  got_byte.get_future().wait();
  pipe->second.reset();
  got_end.get_future().wait();
}

void a_watch_let_go_is_silent_and_its_fd_can_be_watched_again(void**) {
  auto loop = start();
  auto pipe = platform::make_pipe();
  assert_true(pipe.ok());
  std::promise<void> second_called;
  std::unique_ptr<Watch> watch;
  run_on(*loop, [&] {
    auto first = loop->watch(pipe->first.get(), true, false, [](Readiness) { fail(); });
    assert_true(first.ok());
    first->reset();
    auto second = loop->watch(pipe->first.get(), true, false, [&](Readiness) {
      watch->set(false, false);
      second_called.set_value();
    });
    assert_true(second.ok());
    watch = std::move(*second);
  });
  assert_true(platform::write_some(pipe->second.get(), "x", 1).ok());
  second_called.get_future().wait();
  // Readable still, but not asked for: it would set the promise a second time, and throw.
  run_on(*loop, [] {});
  run_on(*loop, [&] { watch.reset(); });
}

void timers_come_in_order_never_early_and_can_be_stopped(void**) {
  auto loop = start();
  std::promise<void> last;
  std::vector<int> order;
  std::unique_ptr<Timer> early, late, stopped;
  const auto begin = Clock::now();
  const auto late_at = begin + std::chrono::milliseconds(20);
  bool too_early = false;
  run_on(*loop, [&] {
    late = loop->timer([&] {
      too_early = Clock::now() < late_at;
      order.push_back(2);
      last.set_value();
    });
    early = loop->timer([&] { order.push_back(1); });
    stopped = loop->timer([&] { order.push_back(3); });
    late->start_at(late_at);
    early->start_at(begin + std::chrono::milliseconds(5));
    stopped->start_at(begin + std::chrono::milliseconds(10));
    stopped->stop();
  });
  last.get_future().wait();
  assert_false(too_early);
  assert_int_equal(order.size(), 2);
  assert_int_equal(order[0], 1);
  run_on(*loop, [&] {
    early.reset();
    late.reset();
    stopped.reset();
  });
}

// The program's handlers never run there.
void its_thread_blocks_all_signals(void**) {
  auto loop = start();
  sigset_t blocked;
  run_on(*loop, [&] { pthread_sigmask(SIG_SETMASK, nullptr, &blocked); });
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGALRM, SIGPIPE}) {
    assert_int_equal(sigismember(&blocked, signal), 1);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(posted_functions_run_in_order),
      cmocka_unit_test(many_threads_may_post),
      cmocka_unit_test(what_was_posted_runs_before_the_end),
      cmocka_unit_test(a_watch_tells_of_bytes_and_of_the_end),
      cmocka_unit_test(a_watch_let_go_is_silent_and_its_fd_can_be_watched_again),
      cmocka_unit_test(timers_come_in_order_never_early_and_can_be_stopped),
      cmocka_unit_test(its_thread_blocks_all_signals),
  };
  return cmocka_run_group_tests_name("loop", tests, nullptr, nullptr);
}
