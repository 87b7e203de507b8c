// The C++ layer's locks and shared values: types, owners, and the standard library's guards.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <brood/brood.hpp>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>
// After the standard headers, since it defines macros; it does not know of C++ by itself.
extern "C" {
#include <cmocka.h>
}

using namespace std::chrono_literals;

namespace {

struct Point {
  double x, y;
  bool operator==(const Point&) const = default;
};

// handles: numbers, a lock, a condition
const auto count_up = brood::bytes_function("count_up", [](brood::Task& task) {
  auto numbers = task.take<brood::Shared<int64_t>>(0);
  auto lock = task.take<brood::Lock>(1);
  auto condition = task.take<brood::Condition>(2);
  for (int turn = 0; turn < 1000; ++turn) {
    {
      const std::unique_lock held(lock);
      ++numbers[0];
    }
    {
      const std::unique_lock held(numbers);
      ++numbers[1];
    }
    ++numbers.atomic(2);
  }
  const std::unique_lock held(lock);
  ++numbers[3];
  condition.broadcast();
});

// handles: a barrier, a semaphore, an event, a read-write lock
const auto use_the_rest = brood::bytes_function("use_the_rest", [](brood::Task& task) {
  auto barrier = task.take<brood::Barrier>(0);
  auto semaphore = task.take<brood::Semaphore>(1);
  auto event = task.take<brood::Event>(2);
  auto rw_lock = task.take<brood::RwLock>(3);
  barrier.wait(20s);
  if (!event.wait(20s)) throw std::runtime_error("the event was not set");
  const std::shared_lock held(rw_lock);
  semaphore.release();
});

template <class... Objects>
brood::Message message_with(Objects&... objects) {
  brood::Message message(brood::Bytes{});
  (message.attach(objects), ...);
  return message;
}

template <class Exception, class Function>
void throws(Function function) {
  try {
    function();
  } catch (const Exception&) {
    return;
  }
  fail_msg("nothing, or something else, was thrown");
}

void locks_and_values_between_processes(void**) {
  brood::Shared<int64_t> numbers(4);
  brood::Lock lock;
  brood::Condition condition;
  std::vector<brood::Process> processes;
  for (int count = 0; count < 2; ++count) {
    processes.push_back(
        brood::Process::start_message({}, "count_up", message_with(numbers, lock, condition)));
  }
  std::unique_lock held(lock);
  assert_true(condition.wait_for(
      held, [&] { return numbers[3] == 2; }, 20s));
  held.unlock();
  for (brood::Process& process : processes) assert_true(process.join(20s));
  for (int index = 0; index < 3; ++index) assert_int_equal(numbers[index], 2000);
  held.lock();
  assert_false(condition.wait_for(
      held, [] { return false; }, 20ms));
  assert_true(held.owns_lock());
}

void all_of_them_travel(void**) {
  brood::Barrier barrier(2);
  brood::Semaphore semaphore(0);
  brood::Event event;
  brood::RwLock rw_lock;
  brood::Pool pool({.workers = 1});
  auto done = pool.submit_message("use_the_rest", message_with(barrier, semaphore, event, rw_lock));
  barrier.wait(20s);
  event.set();
  assert_true(semaphore.acquire(20s));
  assert_false(semaphore.try_acquire());
  done.get();
  const std::unique_lock held(rw_lock);
  assert_false(rw_lock.try_lock_shared());
}

void values_have_their_types(void**) {
  brood::Shared<double> real;
  *real = 1.5;
  real.atomic().fetch_add(2);
  assert_true(real[0] == 3.5);
  brood::Shared<Point> points(3);
  points[1] = {1, 2};
  assert_true(points.view()[1] == (Point{1, 2}));
  assert_int_equal(points.size(), 3);
  brood::Shared<uint8_t> bytes(100);
  for (const uint8_t byte : bytes) assert_int_equal(byte, 0);
  brood::Message message = message_with(real);
  throws<brood::InvalidArgument>([&] { message.take<brood::Lock>(0); });
  throws<brood::InvalidArgument>([&] {
    brood::Message other = message_with(real);
    other.take<brood::Shared<float>>(0);
  });
  assert_true(*message.take<brood::Shared<double>>(0) == 3.5);
  throws<brood::BadState>([&] { message.take<brood::Shared<double>>(0); });
}

void guards_and_misuse(void**) {
  brood::Lock lock;
  {
    const std::scoped_lock held(lock);
    assert_true(lock.locked());
    assert_false(lock.try_lock());
    assert_false(lock.try_lock_for(1ms));
  }
  throws<brood::BadState>([&] { lock.unlock(); });
  throws<brood::BadState>([&] { lock.recover(); });
  brood::Lock recursive(true);
  const std::scoped_lock once(recursive);
  const std::scoped_lock twice(recursive);
  std::thread([&] { assert_false(recursive.try_lock()); }).join();
  brood::Semaphore bounded(1, brood::Semaphore::Kind::bounded);
  throws<brood::BadState>([&] { bounded.release(); });
}

void a_barriers_action_runs_before_the_others_go(void**) {
  brood::Barrier barrier(3);
  std::atomic<int> actions{0};
  const auto round = [&] {
    barrier.wait([&] { ++actions; }, 20s);
    assert_int_equal(actions.load(), 1);
  };
  std::thread first(round);
  std::thread second(round);
  round();
  first.join();
  second.join();
  brood::Barrier alone(1);
  throws<std::logic_error>([&] { alone.wait([] { throw std::logic_error("no"); }); });
  assert_true(alone.broken());
  throws<brood::Broken>([&] { alone.wait(); });
}

}  // namespace

int main(int argc, char** argv) {
  brood::init(argc, argv);
  const CMUnitTest tests[] = {
      cmocka_unit_test(locks_and_values_between_processes),
      cmocka_unit_test(all_of_them_travel),
      cmocka_unit_test(values_have_their_types),
      cmocka_unit_test(guards_and_misuse),
      cmocka_unit_test(a_barriers_action_runs_before_the_others_go),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
