// Locks, semaphores, events and read-write locks.
#include "shared_scene.hpp"

namespace brood::crash {

namespace {

constexpr uint64_t kOwner = 7;
const Deadline kSoon = Deadline::after_ms(0);
Deadline within_a_second() { return Deadline::after_ms(1000); }

// ---- lock --------------------------------------------------------------------------------------

std::function<std::tuple<Lock>(Holdings&)> a_lock(bool recursive) {
  return [=](Holdings& holdings) { return std::tuple(*Lock::create(holdings, recursive)); };
}

Status acquire(const Rack& rack, Lock& lock) {
  return lock.view().acquire(*rack, kOwner, Deadline::forever(), nullptr);
}

void hold(World&, const Rack& rack, Lock& lock) {
  if (!acquire(rack, lock)) abort();
}

int wait_for_lock(const Rack& rack, Lock& lock) { return exit_code(acquire(rack, lock)); }

// Free, or recoverable; then it works.
std::string lock_works(const Rack& rack, Lock& lock) {
  const Status status = lock.view().acquire(*rack, kOwner, within_a_second(), nullptr);
  if (!status && status.code() != Code::OwnerDied) return "HANG: nobody can have the lock";
  if (!status && !lock.view().recover(*rack, kOwner)) return "the lock cannot be recovered";
  if (!lock.view().release(*rack, kOwner)) return "the lock cannot be released";
  return lock.view().locked() ? "the lock is left locked" : "";
}

std::string works(const Rack& rack, const std::function<int()>&, bool, Lock& lock) {
  return lock_works(rack, lock);
}

// The survivor has it, or knows that its holder died.
std::string handed_over(const Rack& rack, const std::function<int()>& ask, bool acked, Lock& lock) {
  const int outcome = ask();
  if (outcome == -1) return "HANG: released or abandoned, but the waiter sleeps on";
  if (outcome == kRefused) return "the waiter's outcome is wrong";
  if (acked && outcome == kOwnerDied) return "released, but the waiter hears of a dead owner";
  if (outcome == kOwnerDied) return lock_works(rack, lock);
  // Its own process is gone by now, but its member lives.
  return lock.view().locked() ? "" : "the waiter does not hold the lock";
}

Operation lock_alone(const char* name, bool recursive, int times) {
  return in_scene<Lock>({name,
                         a_lock(recursive),
                         {},
                         [=](World&, const Rack& rack, Lock& lock) {
                           for (int count = 0; count < times; ++count) (void)acquire(rack, lock);
                           for (int count = 0; count < times; ++count) {
                             (void)lock.view().release(*rack, kOwner);
                           }
                         },
                         {},
                         works});
}

Operation lock_handed_over(const char* name, bool recursive) {
  return in_scene<Lock>({name, a_lock(recursive), hold,
                         [=](World&, const Rack& rack, Lock& lock) {
                           if (recursive) {
                             (void)acquire(rack, lock);
                             (void)lock.view().release(*rack, kOwner);
                           }
                           (void)lock.view().release(*rack, kOwner);
                         },
                         wait_for_lock, handed_over});
}

Operation lock_recovered() {
  return in_scene<Lock>({"lock: recover from a dead holder, release",
                         a_lock(true),
                         [](World& world, const Rack&, Lock& lock) {
                           hold(world, std::make_shared<BellRack>(*world.arena, world.other), lock);
                           reap(*world.arena, world.other, world.host.slot);
                         },
                         [](World&, const Rack& rack, Lock& lock) {
                           (void)acquire(rack, lock);
                           (void)lock.view().recover(*rack, kOwner);
                           (void)lock.view().release(*rack, kOwner);
                         },
                         {},
                         works});
}

// ---- semaphore ---------------------------------------------------------------------------------

std::function<std::tuple<Semaphore>(Holdings&)> permits(uint32_t value, bool owned) {
  return [=](Holdings& holdings) {
    return std::tuple(*Semaphore::create(holdings, value, owned ? value : 2, owned));
  };
}

void take_permit(World&, const Rack& rack, Semaphore& semaphore) {
  if (!semaphore.acquire(*rack, kSoon, nullptr)) abort();
}

int wait_for_permit(const Rack& rack, Semaphore& semaphore) {
  return exit_code(semaphore.acquire(*rack, Deadline::forever(), nullptr));
}

Operation semaphore_alone(const char* name, bool owned) {
  return in_scene<Semaphore>(
      {name,
       permits(1, owned),
       {},
       [](World&, const Rack& rack, Semaphore& semaphore) {
         (void)semaphore.acquire(*rack, kSoon, nullptr);
         (void)semaphore.release(*rack, 1);
       },
       {},
       [=](const Rack& rack, const auto&, bool acked, Semaphore& semaphore) -> std::string {
         const uint32_t value = semaphore.value();
         if (value > 1) return "permits came from nowhere";
         if ((owned || acked) && value != 1) return "a permit is lost";
         if (value == 0 && !semaphore.release(*rack, 1)) return "cannot put the permit back";
         if (!semaphore.acquire(*rack, within_a_second(), nullptr)) return "cannot acquire";
         return semaphore.release(*rack, 1) ? "" : "cannot release";
       }});
}

// The victim has the only permit, and the survivor waits for it.
Operation semaphore_handed_over(const char* name, bool owned) {
  return in_scene<Semaphore>(
      {name, permits(1, owned), take_permit,
       [](World&, const Rack& rack, Semaphore& semaphore) { (void)semaphore.release(*rack, 1); },
       wait_for_permit,
       [=](const Rack& rack, const auto& ask, bool acked, Semaphore& semaphore) -> std::string {
         // Plain permits die with their holder: the host puts it back if it was not there.
         if (!owned && !acked && !semaphore.release(*rack, 1)) return "cannot put a permit back";
         if (ask() != kDone) return "HANG: a permit is there, but the waiter sleeps on";
         return semaphore.value() <= 1 ? "" : "permits came from nowhere";
       }});
}

// ---- event -------------------------------------------------------------------------------------

std::tuple<Event> an_event(Holdings& holdings) { return std::tuple(*Event::create(holdings)); }

int wait_for_event(const Rack& rack, Event& event) {
  return exit_code(event.wait(*rack, Deadline::forever(), nullptr));
}

Operation event_set(const char* name, bool and_clear) {
  return in_scene<Event>(
      {name,
       an_event,
       {},
       [=](World&, const Rack&, Event& event) {
         event.set();
         if (and_clear) event.clear();
       },
       wait_for_event,
       [=](const Rack&, const auto& ask, bool acked, Event& event) -> std::string {
         if (acked && event.is_set() == and_clear) return "set or cleared, but it is not";
         // If it never was set, or was set and cleared: the survivor knows which.
         if (!acked && !event.is_set() && !and_clear) event.set();
         if (!acked && and_clear) event.set();
         return ask() == kDone ? "" : "HANG: the event was set, but the waiter sleeps on";
       }});
}

// ---- read-write lock ---------------------------------------------------------------------------

std::tuple<RwLock> a_rw_lock(Holdings& holdings) {
  return std::tuple(*RwLock::create(holdings, 3));
}

std::string rw_lock_works(const Rack& rack, RwLock& lock) {
  Status status = lock.acquire_write(*rack, within_a_second(), nullptr);
  if (!status && status.code() == Code::OwnerDied) status = lock.recover(*rack);
  if (!status) return "HANG: nobody can write: " + status.error().message();
  if (!lock.release_write(*rack)) return "cannot release";
  for (int count = 0; count < 3; ++count) {
    if (!lock.acquire_read(*rack, kSoon, nullptr)) return "a reader's place is lost";
  }
  for (int count = 0; count < 3; ++count) (void)lock.release_read(*rack);
  return "";
}

Status use_rw_lock(const Rack& rack, RwLock& lock, bool write, Deadline deadline) {
  return write ? lock.acquire_write(*rack, deadline, nullptr)
               : lock.acquire_read(*rack, deadline, nullptr);
}

Operation rw_lock_alone(const char* name, bool write) {
  return in_scene<RwLock>({name,
                           a_rw_lock,
                           {},
                           [=](World&, const Rack& rack, RwLock& lock) {
                             (void)use_rw_lock(rack, lock, write, kSoon);
                             (void)(write ? lock.release_write(*rack) : lock.release_read(*rack));
                           },
                           {},
                           [](const Rack& rack, const auto&, bool, RwLock& lock) {
                             return rw_lock_works(rack, lock);
                           }});
}

// The victim has it one way, and the survivor wants it the other way.
Operation rw_lock_handed_over(const char* name, bool victim_writes) {
  return in_scene<RwLock>(
      {name, a_rw_lock,
       [=](World&, const Rack& rack, RwLock& lock) {
         if (!use_rw_lock(rack, lock, victim_writes, kSoon)) abort();
       },
       [=](World&, const Rack& rack, RwLock& lock) {
         (void)(victim_writes ? lock.release_write(*rack) : lock.release_read(*rack));
       },
       [=](const Rack& rack, RwLock& lock) {
         const Status status = use_rw_lock(rack, lock, !victim_writes, Deadline::forever());
         if (!status) return exit_code(status);
         (void)(victim_writes ? lock.release_read(*rack) : lock.release_write(*rack));
         return static_cast<int>(kDone);
       },
       [=](const Rack& rack, const auto& ask, bool acked, RwLock& lock) -> std::string {
         const int outcome = ask();
         if (outcome == -1) return "HANG: released or abandoned, but the waiter sleeps on";
         const bool may_hear = victim_writes && !acked;
         if (outcome != kDone && !(may_hear && outcome == kOwnerDied)) {
           return "the waiter's outcome is wrong";
         }
         return rw_lock_works(rack, lock);
       }});
}

Operation rw_lock_recovered() {
  return in_scene<RwLock>(
      {"rwlock: recover from a dead writer, release",
       a_rw_lock,
       [](World& world, const Rack&, RwLock& lock) {
         const auto other = std::make_shared<BellRack>(*world.arena, world.other);
         if (!lock.acquire_write(*other, kSoon, nullptr)) abort();
         reap(*world.arena, world.other, world.host.slot);
       },
       [](World&, const Rack& rack, RwLock& lock) {
         (void)lock.recover(*rack);
         (void)lock.release_write(*rack);
       },
       {},
       [](const Rack& rack, const auto&, bool acked, RwLock& lock) -> std::string {
         const Status status = lock.acquire_write(*rack, within_a_second(), nullptr);
         if (acked && !status) return "recovered and released, but it is not free";
         if (status) (void)lock.release_write(*rack);
         return rw_lock_works(rack, lock);
       }});
}

}  // namespace

std::vector<Operation> lock_operations() {
  return {lock_alone("lock: acquire and release", false, 1),
          lock_alone("lock: recursive, acquire twice and release", true, 2),
          lock_handed_over("lock: release, waiter parked", false),
          lock_handed_over("lock: recursive, release, waiter parked", true),
          lock_recovered(),
          semaphore_alone("semaphore: acquire and release", false),
          semaphore_alone("semaphore: owned, acquire and release", true),
          semaphore_handed_over("semaphore: release, waiter parked", false),
          semaphore_handed_over("semaphore: owned, release, waiter parked", true),
          event_set("event: set, waiter parked", false),
          event_set("event: set and clear, waiter parked", true),
          rw_lock_alone("rwlock: read", false),
          rw_lock_alone("rwlock: write", true),
          rw_lock_handed_over("rwlock: end of reading, writer parked", false),
          rw_lock_handed_over("rwlock: end of writing, reader parked", true),
          rw_lock_recovered()};
}

}  // namespace brood::crash
