// The checks of the storms' histories complain about what no queue and no lock may do, and about
// nothing else. Times are steps here.
#include "lock_history.hpp"
#include "queue_history.hpp"

// cmocka is C, wants these before it, and defines macros that the C++ library must not see.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace brood::crash {
namespace {

struct Step {
  size_t place;
  Did did;
  uint64_t value = 0;
  uint64_t detail = 0;
};

using Steps = std::initializer_list<Step>;

void write(const History& history, Steps steps) {
  int64_t at = 0;
  for (const Step& step : steps)
    history.of(step.place).add(step.did, step.value, step.detail, ++at);
}

QueueVerdict queue(Steps steps) {
  const History history(3);
  write(history, steps);
  return check_queue(history, {2, 100}, [](uint64_t) { return true; });
}

LockVerdict locks(Steps steps) {
  const History history(3);
  write(history, steps);
  constexpr LockRule kRules[] = {{1, true}, {3, true}, {2, false}};
  return check_locks(history, kRules);
}

void good_queue_histories(void**) {
  // Two put at once, a third waits for the beginning of a get.
  const QueueVerdict full = queue({{0, Did::BeginPut, 1, 50},
                                   {0, Did::EndPut},
                                   {0, Did::BeginPut, 2, 50},
                                   {0, Did::EndPut},
                                   {1, Did::BeginGet},
                                   {0, Did::BeginPut, 3, 50},
                                   {0, Did::EndPut},
                                   {1, Did::EndGet, 1},
                                   {1, Did::BeginGet},
                                   {1, Did::EndGet, 2},
                                   {1, Did::BeginGet},
                                   {1, Did::EndGet, 3}});
  assert_int_equal(full.wrong, 0);
  assert_int_equal(full.most_items, 2);
  assert_int_equal(full.most_bytes, 100);
  // A lease of a killed process, and one that was given back, come again.
  const QueueVerdict again = queue({{0, Did::BeginPut, 1, 5},
                                    {0, Did::EndPut},
                                    {1, Did::BeginLease},
                                    {1, Did::EndLease, 1},
                                    {1, Did::Killed},
                                    {1, Did::Reaped},
                                    {2, Did::BeginLease},
                                    {2, Did::EndLease, 1},
                                    {2, Did::BeginReturn},
                                    {2, Did::EndReturn},
                                    {1, Did::BeginLease},
                                    {1, Did::EndLease, 1},
                                    {1, Did::BeginAck},
                                    {1, Did::EndAck}});
  assert_int_equal(again.wrong, 0);
  assert_int_equal(again.again, 2);
  // One killed in a get may have had an item; one killed in a lease puts it behind another.
  const QueueVerdict killed = queue({{0, Did::BeginPut, 1, 5},
                                     {0, Did::EndPut},
                                     {0, Did::BeginPut, 2, 5},
                                     {0, Did::EndPut},
                                     {1, Did::BeginLease},
                                     {2, Did::BeginGet},
                                     {2, Did::EndGet, 2},
                                     {1, Did::Killed},
                                     {1, Did::Reaped},
                                     {2, Did::BeginGet},
                                     {2, Did::EndGet, 1},
                                     {0, Did::BeginPut, 3, 5},
                                     {0, Did::EndPut},
                                     {1, Did::BeginGet},
                                     {1, Did::Killed},
                                     {1, Did::Reaped}});
  assert_int_equal(killed.wrong, 0);
  assert_int_equal(killed.in_hand, 1);
}

void bad_queue_histories(void**) {
  const auto is_wrong = [](Steps steps) { assert_int_equal(queue(steps).wrong, 1); };
  // Nobody put it; it was there too early; it is gone.
  is_wrong({{1, Did::BeginGet}, {1, Did::EndGet, 1}});
  is_wrong({{1, Did::BeginGet}, {1, Did::EndGet, 1}, {0, Did::BeginPut, 1, 5}, {0, Did::EndPut}});
  is_wrong({{0, Did::BeginPut, 1, 5}, {0, Did::EndPut}});
  // Twice; twice after it was acknowledged; to somebody else while it is leased.
  is_wrong({{0, Did::BeginPut, 1, 5},
            {0, Did::EndPut},
            {1, Did::BeginGet},
            {1, Did::EndGet, 1},
            {1, Did::BeginGet},
            {1, Did::EndGet, 1}});
  is_wrong({{0, Did::BeginPut, 1, 5},
            {0, Did::EndPut},
            {1, Did::BeginLease},
            {1, Did::EndLease, 1},
            {1, Did::BeginAck},
            {1, Did::EndAck},
            {1, Did::BeginGet},
            {1, Did::EndGet, 1}});
  is_wrong({{0, Did::BeginPut, 1, 5},
            {0, Did::EndPut},
            {1, Did::BeginLease},
            {1, Did::EndLease, 1},
            {2, Did::BeginGet},
            {2, Did::EndGet, 1},
            {1, Did::BeginReturn},
            {1, Did::EndReturn}});
  // A lease that came back from the dead and was never seen again.
  is_wrong({{0, Did::BeginPut, 1, 5},
            {0, Did::EndPut},
            {1, Did::BeginLease},
            {1, Did::EndLease, 1},
            {1, Did::Killed},
            {1, Did::Reaped}});
  // Out of order.
  is_wrong({{0, Did::BeginPut, 1, 5},
            {0, Did::EndPut},
            {0, Did::BeginPut, 2, 5},
            {0, Did::EndPut},
            {1, Did::BeginGet},
            {1, Did::EndGet, 2},
            {1, Did::BeginGet},
            {1, Did::EndGet, 1}});
  // A third message, and 120 bytes.
  is_wrong({{0, Did::BeginPut, 1, 5},
            {0, Did::EndPut},
            {0, Did::BeginPut, 2, 5},
            {0, Did::EndPut},
            {0, Did::BeginPut, 3, 5},
            {0, Did::EndPut},
            {1, Did::BeginGet},
            {1, Did::EndGet, 1},
            {1, Did::BeginGet},
            {1, Did::EndGet, 2},
            {1, Did::BeginGet},
            {1, Did::EndGet, 3}});
  is_wrong({{0, Did::BeginPut, 1, 60},
            {0, Did::EndPut},
            {0, Did::BeginPut, 2, 60},
            {0, Did::EndPut},
            {1, Did::BeginGet},
            {1, Did::EndGet, 1},
            {1, Did::BeginGet},
            {1, Did::EndGet, 2}});
}

void good_lock_histories(void**) {
  // One after the other; after a death by recovery; readers together, permits together.
  const LockVerdict verdict =
      locks({{0, Did::Acquired, 0, 1},  {0, Did::Releases, 0},    {1, Did::Acquired, 0, 1},
             {1, Did::Acquired, 1, 3},  {1, Did::Killed},         {1, Did::Reaped},
             {2, Did::Recovered, 0, 1}, {2, Did::Releases, 0},    {0, Did::Recovered, 1, 3},
             {0, Did::Releases, 1},     {0, Did::Acquired, 1, 1}, {1, Did::Acquired, 1, 1},
             {2, Did::Acquired, 1, 1},  {0, Did::Acquired, 2, 1}, {1, Did::Acquired, 2, 1},
             {0, Did::Releases, 2},     {2, Did::Acquired, 2, 1}, {1, Did::Killed},
             {2, Did::Killed},          {0, Did::Killed}});
  assert_int_equal(verdict.wrong, 0);
  assert_int_equal(verdict.deaths, 7);
  // Who recovers may have followed somebody who could not write down that he held it.
  assert_int_equal(
      locks({{0, Did::Killed}, {0, Did::Reaped}, {1, Did::Recovered, 0, 1}, {1, Did::Releases, 0}})
          .wrong,
      0);
}

void bad_lock_histories(void**) {
  const auto is_wrong = [](Steps steps) { assert_int_equal(locks(steps).wrong, 1); };
  // Two at once, a writer among readers, a third permit.
  is_wrong({{0, Did::Acquired, 0, 1},
            {1, Did::Acquired, 0, 1},
            {0, Did::Releases, 0},
            {1, Did::Releases, 0}});
  is_wrong({{0, Did::Acquired, 1, 1},
            {1, Did::Acquired, 1, 3},
            {0, Did::Releases, 1},
            {1, Did::Releases, 1}});
  is_wrong({{0, Did::Acquired, 2, 1},
            {1, Did::Acquired, 2, 1},
            {2, Did::Acquired, 2, 1},
            {0, Did::Releases, 2},
            {1, Did::Releases, 2},
            {2, Did::Releases, 2}});
  // A death that nobody heard of, and one that was none.
  is_wrong({{0, Did::Acquired, 0, 1},
            {0, Did::Killed},
            {0, Did::Reaped},
            {1, Did::Acquired, 0, 1},
            {1, Did::Releases, 0}});
  is_wrong({{0, Did::Acquired, 0, 1},
            {0, Did::Releases, 0},
            {1, Did::Recovered, 0, 1},
            {1, Did::Releases, 0}});
}

}  // namespace
}  // namespace brood::crash

int main() {
  using namespace brood::crash;
  const CMUnitTest tests[] = {
      cmocka_unit_test(good_queue_histories),
      cmocka_unit_test(bad_queue_histories),
      cmocka_unit_test(good_lock_histories),
      cmocka_unit_test(bad_lock_histories),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
