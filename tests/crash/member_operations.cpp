// Joining the family, and reaping: the reaper is killed here.
#include "operation.hpp"

namespace brood::crash {

namespace {

std::string nothing_left(World&, pid_t, bool) { return ""; }

Operation reserve() {
  return {"member: reserve a place", [](World&) {},
          [](World& world) { (void)world.members().reserve(world.victim.slot); }, no_survivor,
          nothing_left};
}

Operation reserve_and_cancel() {
  return {"member: reserve a place and give it back", [](World&) {},
          [](World& world) {
            const auto id = world.members().reserve(world.victim.slot);
            if (id) world.members().cancel_reservation(*id);
          },
          no_survivor, nothing_left};
}

// The victim is the process that a place was reserved for: dead, as the host sees it, in both.
Operation join() {
  return {"member: join",
          [](World& world) {
            const auto id = world.members().reserve(world.host.slot);
            world.scratch[0] = id->slot;
            world.scratch[1] = id->generation;
          },
          [](World& world) {
            const MemberId id{static_cast<MemberSlot>(world.scratch[0]),
                              static_cast<uint32_t>(world.scratch[1])};
            (void)world.members().join(id, 4711, 1);
          },
          no_survivor,
          [](World& world, pid_t, bool acked) -> std::string {
            const MemberId id{static_cast<MemberSlot>(world.scratch[0]),
                              static_cast<uint32_t>(world.scratch[1])};
            const bool live = world.members().is_live(id);
            if (acked && !live) return "joined, but it is not";
            if (live && world.members().at(id.slot).pid != 4711) return "live without its pid";
            reap(*world.arena, id, world.host.slot);
            return world.members().word(id.slot).state() == MemberState::Free ? "" : "not reaped";
          }};
}

// scratch[0] the host's list, with a reference; [1] a committed chunk; [2] an uncommitted one.
void die_with_everything(World& world) {
  Heap& heap = world.heap();
  const MemberSlot dead = world.other.slot;
  LaneWriter writer = world.writer(world.tasks);
  world.members().set_result_tail(dead, lane_tail_at(world.tasks));
  world.scratch[0] = world.make_list(world.host.slot, 1);
  const Offset object = *create_object(*world.arena, ObjectType::Cancel, 4,
                                       world.ref(world.scratch[0], 0), world.host.slot);
  const Offset list = world.make_list(dead, 3);
  (void)add_reference(*world.arena, object, world.ref(list, 0), dead);
  (void)create_object(*world.arena, ObjectType::Cancel, 4, world.ref(list, 1), dead);
  *writer.reserve(8) = {8, 1, 0, 0};
  world.scratch[1] = *heap.allocate(150000, dead);
  (void)heap.begin_send(world.scratch[1], dead, writer.last_position());
  writer.publish();
  world.scratch[2] = *heap.allocate(100, dead);
  (void)heap.begin_send(world.scratch[2], dead, writer.tail());
  (void)heap.allocate(5000, dead);
  (void)heap.allocate(100000, dead);
  (void)world.members().reserve(dead);
}

std::string nothing_of_the_dead(World& world) {
  // The victim was reaped, and whoever reaps it goes on with what it had in hand.
  std::string wrong = world.audit_dead(world.other.slot);
  if (!wrong.empty()) return wrong;
  const Status taken = world.heap().take(world.scratch[1], world.other.slot, world.host.slot);
  if (!taken) return "a committed chunk is lost: " + taken.error().message();
  if (!world.heap().free(world.scratch[1], world.host.slot)) return "cannot free the chunk";
  drop_reference(*world.arena, world.ref(world.scratch[0], 0), world.host.slot);
  return world.heap().free(world.scratch[0], world.host.slot) ? "" : "cannot free the list";
}

Operation reaper() {
  return {"reaper: killed, the next goes on", die_with_everything,
          [](World& world) { reap(*world.arena, world.other, world.victim.slot); },
          [](World& world) {
            return world.park_survivor([&world] {
              auto rack = std::make_shared<BellRack>(*world.arena, world.survivor);
              (void)Waiter::current(*rack).wait(Deadline::forever(), nullptr,
                                                [&] { return world.control->stop != 0; });
              return 0;
            });
          },
          [](World& world, pid_t survivor, bool) -> std::string {
            world.control->stop = 1;
            world.members().ring(World::bell(world.survivor));
            if (World::outcome(survivor) != 0) return "HANG: a sleeper is not woken";
            // If the victim died before it had marked the other dead, nobody has told us of it yet.
            reap(*world.arena, world.other, world.host.slot);
            return nothing_of_the_dead(world);
          }};
}

// A worker that dies together with its own workers, of whom one had a worker: only the tables say
// so. None of them is a process that is.
void die_below_each_other(World& world) {
  MemberSlot host = world.other.slot;
  world.members().mark_dead(world.other);
  for (int depth = 0; depth < 2; ++depth) {
    const auto id = world.members().reserve(host);
    world.scratch[depth] = id->slot;
    (void)world.members().join(*id, 0, 0);
    host = id->slot;
    (void)world.make_list(host, 1);
  }
}

Operation reaper_of_the_unseen() {
  return {"reaper: killed among those who died unseen", die_below_each_other,
          [](World& world) { reap_unseen(*world.arena, world.victim.slot); }, no_survivor,
          [](World& world, pid_t, bool) -> std::string {
            reap(*world.arena, world.victim, world.host.slot);
            reap_unseen(*world.arena, world.host.slot);
            reap_left_behind(*world.arena, world.host.slot);
            for (int depth = 0; depth < 2; ++depth) {
              const auto slot = static_cast<MemberSlot>(world.scratch[depth]);
              if (world.members().word(slot).state() != MemberState::Free) return "not reaped";
            }
            return "";
          }};
}

}  // namespace

std::vector<Operation> member_operations() {
  return {reserve(), reserve_and_cancel(), join(), reaper(), reaper_of_the_unseen()};
}

}  // namespace brood::crash
