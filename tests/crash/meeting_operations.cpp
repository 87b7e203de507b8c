// Conditions and barriers, shared values, and the making of all these.
#include "shared_scene.hpp"

namespace brood::crash {

namespace {

const Deadline kSoon = Deadline::after_ms(0);

// ---- condition ---------------------------------------------------------------------------------

std::tuple<Condition, Lock> a_condition(Holdings& holdings, uint32_t places) {
  return {*Condition::create(holdings, places), *Lock::create(holdings, false)};
}

ConditionState& state_of(Condition& condition) {
  return *reinterpret_cast<ConditionState*>(condition.held().data());
}

int wait_for_signal(const Rack& rack, Condition& condition, Lock& lock) {
  if (!lock.view().acquire(*rack, 0, Deadline::forever(), nullptr)) return kRefused;
  const Status status = condition.wait(*rack, lock.view(), 0, Deadline::forever(), nullptr);
  if (!status) return exit_code(status);
  return lock.view().release(*rack, 0) ? kDone : kRefused;
}

// Whatever a dead holder left.
void free_lock(const Rack& rack, Lock& lock) {
  const Status status = lock.view().acquire(*rack, 0, Deadline::after_ms(1000), nullptr);
  if (!status) (void)lock.view().recover(*rack, 0);
  (void)lock.view().release(*rack, 0);
}

Operation signal(const char* name, uint32_t count) {
  return in_scene<Condition, Lock>(
      {name,
       [](Holdings& holdings) { return a_condition(holdings, 4); },
       {},
       [=](World&, const Rack&, Condition& condition, Lock&) { (void)condition.signal(count); },
       wait_for_signal,
       [](const Rack&, const auto& ask, bool acked, Condition& condition, Lock&) -> std::string {
         if (!acked) (void)condition.signal(1);
         return ask() == kDone ? "" : "HANG: signalled, but the waiter sleeps on";
       }});
}

// The victim waits longest, as its place says, and is signalled. It dies of it: then the signal is
// the survivor's.
Operation signal_to_the_dead() {
  return in_scene<Condition, Lock>(
      {"condition: signal to one who dies, another parked",
       [](Holdings& holdings) { return a_condition(holdings, 4); },
       [](World& world, const Rack&, Condition& condition, Lock&) {
         ConditionState& state = state_of(condition);
         state.used.store(1);
         state.places[0].ticket.store(state.tickets.fetch_add(1) + 1);
         state.places[0].word.store(
             WaitWord::make(world.victim, World::bell(world.victim), WaitWord::Waiting).word);
       },
       [](World&, const Rack&, Condition& condition, Lock&) { (void)condition.signal(1); },
       wait_for_signal,
       [](const Rack&, const auto& ask, bool acked, Condition& condition, Lock&) -> std::string {
         // Not signalled, or passed on by now. A signal that is lost is a hang.
         const uint32_t seen = WaitWord{state_of(condition).places[0].word}.state();
         if (!acked && seen == WaitWord::Waiting) (void)condition.signal(1);
         return ask() == kDone ? "" : "HANG: the signal died with the one it was for";
       }});
}

Operation wait_in_vain() {
  return in_scene<Condition, Lock>(
      {"condition: wait in vain",
       [](Holdings& holdings) { return a_condition(holdings, 1); },
       [](World&, const Rack& rack, Condition&, Lock& lock) {
         (void)lock.view().acquire(*rack, 0, kSoon, nullptr);
       },
       [](World&, const Rack& rack, Condition& condition, Lock& lock) {
         (void)condition.wait(*rack, lock.view(), 0, kSoon, nullptr);
         (void)lock.view().release(*rack, 0);
       },
       {},
       [](const Rack& rack, const auto&, bool, Condition& condition, Lock& lock) -> std::string {
         free_lock(rack, lock);
         if (!lock.view().acquire(*rack, 0, kSoon, nullptr)) return "the lock is lost";
         const Status status = condition.wait(*rack, lock.view(), 0, kSoon, nullptr);
         if (status.code() != Code::Timeout) return "the dead one's place is lost";
         return lock.view().release(*rack, 0) ? "" : "the lock is not held after the wait";
       }});
}

// The victim waits for a signal that the host gives after its death: it reaches the living.
Operation wait_and_die() {
  Operation operation = in_scene<Condition, Lock>(
      {"condition: wait, signalled after death",
       [](Holdings& holdings) { return a_condition(holdings, 4); },
       {},
       [](World&, const Rack& rack, Condition& condition, Lock& lock) {
         (void)wait_for_signal(rack, condition, lock);
       },
       wait_for_signal,
       [](const Rack& rack, const auto& ask, bool, Condition& condition,
          Lock& lock) -> std::string {
         (void)condition.signal(1);
         // If the victim died with the lock, the survivor hears of it.
         const int outcome = ask();
         if (outcome != kDone && outcome != kOwnerDied) {
           return "HANG: signalled, but the waiter sleeps on";
         }
         free_lock(rack, lock);
         return condition.signal(1) == 0 ? "" : "a signal reached the dead";
       }});
  return operation;
}

// ---- barrier -----------------------------------------------------------------------------------

std::function<std::tuple<Barrier>(Holdings&)> a_barrier(uint32_t parties) {
  return [=](Holdings& holdings) { return std::tuple(*Barrier::create(holdings, parties)); };
}

// The victim's own reference, by which its reaper finds the barrier.
void refer(World& world, const Rack&, Barrier& barrier) {
  const Offset list = world.make_list(world.victim.slot, 1);
  (void)add_reference(*world.arena, barrier.held().offset(), world.ref(list, 0), world.victim.slot);
}

Status meet(const Rack& rack, Barrier& barrier, Deadline deadline) {
  const auto index = barrier.arrive(*rack, deadline, nullptr);
  if (!index) return index.error();
  return *index == barrier.parties() - 1 ? barrier.open() : Status();
}

int wait_at_barrier(const Rack& rack, Barrier& barrier) {
  return exit_code(meet(rack, barrier, Deadline::forever()));
}

// Broken by the death at the latest; a reset makes it new.
std::string met_or_broken(bool acked_outcome_is_done, int outcome, bool acked, Barrier& barrier) {
  if (outcome == -1) return "HANG: the party died, but the others wait on";
  if (outcome == kRefused) return "the waiter's outcome is wrong";
  if (acked && acked_outcome_is_done && outcome != kDone) return "all arrived, but it is broken";
  if (!barrier.broken()) return "a party died, and the barrier is whole";
  barrier.reset();
  return barrier.broken() || barrier.waiting() != 0 ? "the reset barrier is not new" : "";
}

Operation arrive_last() {
  return in_scene<Barrier>(
      {"barrier: arrive last and open, another parked", a_barrier(2), refer,
       [](World&, const Rack& rack, Barrier& barrier) { (void)meet(rack, barrier, kSoon); },
       wait_at_barrier,
       [](const Rack&, const auto& ask, bool acked, Barrier& barrier) {
         return met_or_broken(true, ask(), acked, barrier);
       }});
}

Operation arrive_and_die() {
  return in_scene<Barrier>({"barrier: arrive and wait, another parked", a_barrier(3), refer,
                            [](World&, const Rack& rack, Barrier& barrier) {
                              (void)meet(rack, barrier, Deadline::forever());
                            },
                            wait_at_barrier,
                            [](const Rack&, const auto& ask, bool acked, Barrier& barrier) {
                              return met_or_broken(false, ask(), acked, barrier);
                            }});
}

Operation give_up() {
  return in_scene<Barrier>(
      {"barrier: arrive and give up, another parked", a_barrier(3), refer,
       [](World&, const Rack& rack, Barrier& barrier) { (void)meet(rack, barrier, kSoon); },
       wait_at_barrier,
       [](const Rack&, const auto& ask, bool acked, Barrier& barrier) {
         return met_or_broken(false, ask(), acked, barrier);
       }});
}

Operation abort_or_reset(const char* name, bool reset) {
  return in_scene<Barrier>(
      {name,
       a_barrier(2),
       {},
       [=](World&, const Rack&, Barrier& barrier) {
         if (reset) barrier.reset();
         if (!reset) barrier.abort();
       },
       wait_at_barrier,
       [=](const Rack&, const auto& ask, bool acked, Barrier& barrier) -> std::string {
         if (acked && barrier.broken() == reset) return "aborted or reset, but it is not";
         if (!acked) barrier.abort();
         return ask() == kBroken ? "" : "HANG: broken, but the waiter sleeps on";
       }});
}

// ---- shared values -----------------------------------------------------------------------------

std::tuple<SharedArray> an_array(Holdings& holdings) {
  return std::tuple(*SharedArray::create(holdings, {ElementType::Int64, 0, 4, true}));
}

Operation change_elements() {
  return in_scene<SharedArray>(
      {"shared: set, add, compare and exchange, write",
       an_array,
       {},
       [](World&, const Rack&, SharedArray& array) {
         (void)array.set_int(0, 1);
         (void)array.add_int(0, 1);
         int64_t expected = 2;
         (void)array.compare_exchange(0, expected, 3);
         const int64_t value = 4;
         (void)array.write(0, 1, std::as_bytes(std::span(&value, 1)));
       },
       {},
       [](const Rack&, const auto&, bool acked, SharedArray& array) -> std::string {
         const int64_t value = *array.get_int(0);
         if (value < 0 || value > 4 || (acked && value != 4)) return "a torn or lost value";
         return *array.get_int(1) == 0 ? "" : "the neighbour has changed";
       }});
}

// Both elements are equal whenever the lock is free.
Operation change_under_lock() {
  return in_scene<SharedArray>(
      {"shared: change under its lock, waiter parked", an_array,
       [](World&, const Rack& rack, SharedArray& array) {
         (void)array.lock().acquire(*rack, 7, kSoon, nullptr);
       },
       [](World&, const Rack& rack, SharedArray& array) {
         (void)array.set_int(0, 1);
         (void)array.set_int(1, 1);
         (void)array.lock().release(*rack, 7);
       },
       [](const Rack& rack, SharedArray& array) {
         const Status status = array.lock().acquire(*rack, 7, Deadline::forever(), nullptr);
         if (!status) return exit_code(status);
         return *array.get_int(0) == *array.get_int(1) ? static_cast<int>(kDone)
                                                       : static_cast<int>(kRefused);
       },
       [](const Rack& rack, const auto& ask, bool acked, SharedArray& array) -> std::string {
         const int outcome = ask();
         if (outcome == -1) return "HANG: released or abandoned, but the waiter sleeps on";
         if (outcome == kRefused) return "the lock is free, and the change is half done";
         if (outcome == kDone) return "";
         if (acked) return "released, but the waiter hears of a dead owner";
         return array.lock().recover(*rack, 7) ? "" : "the lock cannot be recovered";
       }});
}

Operation make_and_drop() {
  return {"shared: make an array and a semaphore, and drop them", [](World&) {},
          [](World& world) {
            Holdings holdings(*world.arena, world.victim.slot);
            (void)SharedArray::create(holdings, {ElementType::UInt8, 0, 100, true});
            (void)Semaphore::create(holdings, 2, 2, true);
          },
          no_survivor, [](World&, pid_t, bool) -> std::string { return ""; }};
}

}  // namespace

std::vector<Operation> meeting_operations() {
  return {signal("condition: signal one, waiter parked", 1),
          signal("condition: broadcast, waiter parked", UINT32_MAX),
          signal_to_the_dead(),
          wait_in_vain(),
          wait_and_die(),
          arrive_last(),
          arrive_and_die(),
          give_up(),
          abort_or_reset("barrier: abort, another parked", false),
          abort_or_reset("barrier: reset, another parked", true),
          change_elements(),
          change_under_lock(),
          make_and_drop()};
}

}  // namespace brood::crash
