// The handle that is ready once the parent is dead. A worker ends with its parent, so this looks at
// another process from inside.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "family.hpp"
#include "platform/platform.hpp"
#include "process/parent_end.hpp"
#include "sync/wait_any.hpp"
#include "test.hpp"

using namespace brood;
using namespace brood::test;

namespace {

// A household as a worker has one.
std::unique_ptr<Household> make_household() {
  auto arena = Arena::create(64 << 20);
  assert_true(arena.ok());
  auto me = (*arena)->members().reserve(kNobody);
  assert_true(me.ok());
  assert_true((*arena)->members().join(*me, getpid(), 1).ok());
  return std::make_unique<Household>(std::move(*arena), *me, 1);
}

pid_t start_sleeper() {
  const pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  assert_true(pid > 0);
  return pid;
}

Code wait_for(Household& household, ParentEnd* end, int64_t timeout_ms) {
  Waitable* const waitable = end;
  const auto ready =
      wait_any(*household.rack(), std::span(&waitable, 1), Deadline::after_ms(timeout_ms), nullptr);
  return ready ? Code::Ok : ready.error().code();
}

}  // namespace

static void ready_once_the_parent_is_dead(void**) {
  auto household = make_household();
  const pid_t parent = start_sleeper();
  auto end = ParentEnd::watch(*household, parent, platform::process_start_time(parent));
  assert_true(end.ok());
  assert_true(wait_for(*household, *end, 0) == Code::Timeout);
  kill(parent, SIGKILL);
  assert_true(wait_for(*household, *end, kLimit_ms) == Code::Ok);
  // For good, also while it is a zombie and after.
  waitpid(parent, nullptr, 0);
  assert_true(wait_for(*household, *end, 0) == Code::Ok);
  (*end)->unref();
}

static void ready_at_once_for_a_parent_that_is_gone(void**) {
  auto household = make_household();
  const pid_t parent = start_sleeper();
  const uint64_t start_time = platform::process_start_time(parent);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  auto end = ParentEnd::watch(*household, parent, start_time);
  assert_true(end.ok());
  assert_true(wait_for(*household, *end, 0) == Code::Ok);
  (*end)->unref();
}

static void a_later_process_with_its_pid_is_not_the_parent(void**) {
  auto household = make_household();
  const pid_t other = start_sleeper();
  auto end = ParentEnd::watch(*household, other, platform::process_start_time(other) + 1);
  assert_true(end.ok());
  assert_true(wait_for(*household, *end, 0) == Code::Ok);
  (*end)->unref();
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(ready_once_the_parent_is_dead),
      cmocka_unit_test(ready_at_once_for_a_parent_that_is_gone),
      cmocka_unit_test(a_later_process_with_its_pid_is_not_the_parent),
  };
  return cmocka_run_group_tests_name("parent", tests, nullptr, nullptr);
}
