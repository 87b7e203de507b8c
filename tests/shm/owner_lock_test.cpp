// Locks that name their holder: what becomes of them when nobody hears of its death.
#include <csignal>

#include "family.hpp"
#include "sync/lock.hpp"

namespace brood::test {
namespace {

// The family's host does not reap: only who waits for the lock can find out.
MemberId die_with(Family& family, const std::function<void(BellRack&)>& take) {
  auto id = family.members().reserve(family.host.slot);
  assert_true(id.ok());
  const pid_t child = fork();
  if (child == 0) {
    const pid_t self = getpid();
    if (!family.members().join(*id, self, platform::process_start_time(self))) _exit(1);
    auto rack = std::make_shared<BellRack>(*family.arena, *id);
    take(*rack);
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFSIGNALED(status));
  assert_true(family.members().is_live(*id));
  return *id;
}

void who_waits_notices_an_unnoticed_death(void**) {
  Family family;
  Holdings holdings(*family.arena, family.host.slot);
  auto rack = std::make_shared<BellRack>(*family.arena, family.host);
  auto lock = Lock::create(holdings, false);
  assert_true(lock.ok());
  const MemberId dead = die_with(family, [&](BellRack& its) {
    if (!lock->view().acquire(its, 0, Deadline::forever(), nullptr)) _exit(2);
  });
  assert_true(lock->view().acquire(*rack, 0, Deadline::after_ms(0), nullptr).code() ==
              Code::Timeout);
  assert_true(lock->view().acquire(*rack, 0, Deadline::after_ms(20000), nullptr).code() ==
              Code::OwnerDied);
  assert_true(family.members().is_gone(dead));
  assert_true(lock->view().recover(*rack, 0).ok());
  assert_true(lock->view().release(*rack, 0).ok());
}

void inner_locks_pass_to_who_waits(void**) {
  Family family;
  Holdings holdings(*family.arena, family.host.slot);
  auto rack = std::make_shared<BellRack>(*family.arena, family.host);
  auto held = holdings.create(ObjectType::Lock, sizeof(OwnerLock));
  assert_true(held.ok());
  auto& word = *reinterpret_cast<OwnerLock*>(held->data());
  WaiterSet& waiters = held->header()->waiters;
  die_with(family, [&](BellRack& its) {
    if (!acquire(its, word, waiters, Deadline::forever(), nullptr, Abandoned::Take)) _exit(2);
  });
  {
    const OwnerGuard guard(*rack, word, waiters, Deadline::after_ms(20000), nullptr);
    assert_true(guard.status().ok());
    assert_true(word.held_by(family.host));
    const OwnerGuard again(*rack, word, waiters, Deadline::after_ms(0), nullptr);
    assert_true(again.status().code() == Code::Timeout);
  }
  assert_true(word.look().free());
  assert_true(waiters.empty() && !waiters.anyone());
}

void words_say_who_and_where(void**) {
  constexpr OwnerWord kWord = OwnerWord::make({4095, 0xfffffffe}, 1022);
  static_assert(kWord.holder() == MemberId{4095, 0xfffffffe} && kWord.cpu() == 1022);
  static_assert(OwnerWord::make({1, 0}, -1).cpu() == -1 && !OwnerWord::make({1, 0}, -1).free());
  static_assert(OwnerWord::make({1, 0}, 5000).cpu() == -1);
  static_assert(OwnerWord{}.free() && OwnerWord{}.holder().slot == kNobody);
}

}  // namespace
}  // namespace brood::test

int main() {
  using namespace brood::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(who_waits_notices_an_unnoticed_death),
      cmocka_unit_test(inner_locks_pass_to_who_waits),
      cmocka_unit_test(words_say_who_and_where),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
