// Locks that name their holder, and the sets of those who wait.
#include "operation.hpp"
#include "sync/owner_wait.hpp"

namespace brood::crash {

namespace {

// scratch[0] the host's list, [1] an object with an OwnerLock, whose waiters are in its header.
struct Scene {
  explicit Scene(World& w)
      : world(w),
        header(*reinterpret_cast<ObjectHeader*>(w.arena->at(w.scratch[1], 1))),
        lock(*reinterpret_cast<OwnerLock*>(object_data(&header))) {}
  WaiterSet& waiters() const { return header.waiters; }

  World& world;
  ObjectHeader& header;
  OwnerLock& lock;
};

void make_scene(World& world) {
  world.scratch[0] = world.make_list(world.host.slot, 1);
  world.scratch[1] = *create_object(*world.arena, ObjectType::Cancel, 64,
                                    world.ref(world.scratch[0], 0), world.host.slot);
}

void hold(World& world, MemberId holder) {
  if (!Scene(world).lock.try_take(holder, 0)) abort();
}

std::string drop_scene(World& world) {
  drop_reference(*world.arena, world.ref(world.scratch[0], 0), world.host.slot);
  return world.heap().free(world.scratch[0], world.host.slot) ? "" : "cannot free the list";
}

Status take(World& world, MemberId me, Abandoned abandoned, int64_t timeout_ms) {
  const Scene scene(world);
  auto rack = std::make_shared<BellRack>(*world.arena, me);
  return acquire(*rack, scene.lock, scene.waiters(), Deadline::after_ms(timeout_ms), nullptr,
                 abandoned);
}

void let_go(World& world, MemberId me) {
  const Scene scene(world);
  auto rack = std::make_shared<BellRack>(*world.arena, me);
  release(*rack, scene.lock, scene.waiters());
}

// Its exit code is 0 when it got the lock.
pid_t park_for_lock(World& world) {
  return world.park_survivor(
      [&world] { return take(world, world.survivor, Abandoned::Take, -1) ? 0 : 1; });
}

std::string survivor_has_it(World& world, pid_t survivor, bool) {
  if (World::outcome(survivor) != 0) return "HANG: the lock is there, but the waiter sleeps on";
  if (!Scene(world).lock.held_by(world.survivor)) return "the waiter does not hold the lock";
  return drop_scene(world);
}

// Free, or taken from the dead, and nobody is left in the set for good.
std::string can_be_taken(World& world, pid_t, bool) {
  if (!take(world, world.host, Abandoned::Take, 1000)) return "HANG: nobody can take the lock";
  let_go(world, world.host);
  return drop_scene(world);
}

Operation take_and_release() {
  return {"lock word: take and release", make_scene,
          [](World& world) {
            (void)take(world, world.victim, Abandoned::Take, -1);
            let_go(world, world.victim);
          },
          no_survivor, can_be_taken};
}

Operation release_to_waiter() {
  return {"lock word: release, waiter parked",
          [](World& world) {
            make_scene(world);
            hold(world, world.victim);
          },
          [](World& world) { let_go(world, world.victim); }, park_for_lock, survivor_has_it};
}

// Whom the wake was meant for dies with it, or passes it on. The survivor has the first place, the
// victim the second: which one is woken depends on how many wakes there were before.
Operation pass_the_wake_on(const char* name, int wakes_before) {
  return {name,
          [=](World& world) {
            make_scene(world);
            hold(world, world.host);
            const Scene scene(world);
            for (int count = 0; count < wakes_before; ++count) {
              Registration place(&scene.waiters(), world.members(), world.host,
                                 World::bell(world.host));
              place.enlist();
              scene.waiters().wake_one(world.members());
            }
          },
          [](World& world) {
            const Scene scene(world);
            Registration place(&scene.waiters(), world.members(), world.victim,
                               World::bell(world.victim));
            place.enlist();
            scene.lock.release();
            scene.waiters().wake_one(world.members());
            if (place.leave()) scene.waiters().wake_one(world.members());
          },
          park_for_lock,
          [](World& world, pid_t survivor, bool acked) {
            // The host's own release, if the victim did not get that far.
            const Scene scene(world);
            if (scene.lock.held_by(world.host)) {
              scene.lock.release();
              scene.waiters().wake_one(world.members());
            }
            return survivor_has_it(world, survivor, acked);
          }};
}

Operation wait_and_die() {
  return {"lock word: wait for it",
          [](World& world) {
            make_scene(world);
            hold(world, world.host);
          },
          [](World& world) { (void)take(world, world.victim, Abandoned::Take, -1); }, no_survivor,
          [](World& world, pid_t, bool) -> std::string {
            let_go(world, world.host);
            return can_be_taken(world, 0, false);
          }};
}

Operation take_from_the_dead() {
  return {"lock word: take it from the dead",
          [](World& world) {
            make_scene(world);
            hold(world, world.other);
            reap(*world.arena, world.other, world.host.slot);
          },
          [](World& world) { (void)take(world, world.victim, Abandoned::Take, -1); }, no_survivor,
          can_be_taken};
}

Operation wake_the_crowd() {
  return {"waiters: wake all, one without a place parked",
          [](World& world) {
            make_scene(world);
            hold(world, world.host);
            for (uint16_t index = 0; index < WaiterSet::kPlaces; ++index) {
              // Never given back: they go with the object.
              auto* place = new Registration(&Scene(world).waiters(), world.members(), world.host,
                                             BellId{world.host.slot, index});
              place->enlist();
            }
          },
          [](World& world) {
            const Scene scene(world);
            scene.lock.release();
            scene.waiters().wake_all(world.members());
          },
          park_for_lock,
          [](World& world, pid_t survivor, bool acked) {
            const Scene scene(world);
            if (!acked && scene.lock.held_by(world.host)) {
              scene.lock.release();
              scene.waiters().wake_all(world.members());
            }
            return survivor_has_it(world, survivor, acked);
          }};
}

}  // namespace

std::vector<Operation> waiter_operations() {
  return {take_and_release(),
          release_to_waiter(),
          pass_the_wake_on("waiters: another is woken, leave", 0),
          pass_the_wake_on("waiters: woken, leave and pass the wake on", 1),
          wait_and_die(),
          take_from_the_dead(),
          wake_the_crowd()};
}

}  // namespace brood::crash
