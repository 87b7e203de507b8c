// Objects and their references, and cancel tokens.
#include <cstring>

#include "operation.hpp"

namespace brood::crash {

namespace {

// scratch[0] the victim's list, [1] the host's list, [2] the object.
void lists(World& world) {
  world.scratch[0] = world.make_list(world.victim.slot, 2);
  world.scratch[1] = world.make_list(world.host.slot, 2);
}

Offset object_of(World& world, MemberSlot owner, Offset list) {
  return *create_object(*world.arena, ObjectType::Cancel, 64, world.ref(list, 0), owner);
}

// Only the host's references are left; drops them, after which the object must be gone.
std::string drop_hosts(World& world) {
  const Offset object = world.ref(world.scratch[1], 0);
  if (object != 0 && world.heap().tag_of(object).state() != TagState::Object) {
    return "the object went before its last reference";
  }
  drop_reference(*world.arena, world.ref(world.scratch[1], 0), world.host.slot);
  drop_reference(*world.arena, world.ref(world.scratch[1], 1), world.host.slot);
  if (object != 0 && world.heap().tag_of(object).state() != TagState::Free) {
    return "the object outlives its references";
  }
  return world.heap().free(world.scratch[1], world.host.slot) ? "" : "cannot free the list";
}

Operation create() {
  return {"object: create", lists,
          [](World& world) { object_of(world, world.victim.slot, world.scratch[0]); }, no_survivor,
          [](World& world, pid_t, bool) { return drop_hosts(world); }};
}

Operation acquire() {
  return {"object: add a reference",
          [](World& world) {
            lists(world);
            world.scratch[2] = object_of(world, world.host.slot, world.scratch[1]);
          },
          [](World& world) {
            (void)add_reference(*world.arena, world.scratch[2], world.ref(world.scratch[0], 0),
                                world.victim.slot);
          },
          no_survivor, [](World& world, pid_t, bool) { return drop_hosts(world); }};
}

Operation release(const char* name, bool last) {
  return {name,
          [=](World& world) {
            lists(world);
            const Offset object = object_of(world, world.victim.slot, world.scratch[0]);
            world.scratch[2] = object;
            if (last) return;
            (void)add_reference(*world.arena, object, world.ref(world.scratch[1], 0),
                                world.host.slot);
          },
          [](World& world) {
            drop_reference(*world.arena, world.ref(world.scratch[0], 0), world.victim.slot);
          },
          no_survivor,
          [=](World& world, pid_t, bool) -> std::string {
            const TagState state = world.heap().tag_of(world.scratch[2]).state();
            if (!last && state != TagState::Object) return "the host's object is gone";
            return drop_hosts(world);
          }};
}

// The host changes the count between the victim's death and its reaper: over the victim's name in
// the word.
void change_count(World& world) {
  const Offset mine = world.make_list(world.host.slot, 1);
  if (add_reference(*world.arena, world.scratch[2], world.ref(mine, 0), world.host.slot)) {
    drop_reference(*world.arena, world.ref(mine, 0), world.host.slot);
  }
  (void)world.heap().free(mine, world.host.slot);
}

Operation counted_by_another(const char* name, Operation operation) {
  operation.name = name;
  operation.meanwhile = change_count;
  return operation;
}

Operation swap() {
  return {"object: take a reference, drop another",
          [](World& world) {
            lists(world);
            world.scratch[2] = object_of(world, world.host.slot, world.scratch[1]);
            (void)add_reference(*world.arena, world.scratch[2], world.ref(world.scratch[0], 0),
                                world.victim.slot);
            (void)add_reference(*world.arena, world.scratch[2], world.ref(world.scratch[1], 1),
                                world.host.slot);
          },
          [](World& world) {
            (void)add_reference(*world.arena, world.scratch[2], world.ref(world.scratch[0], 1),
                                world.victim.slot);
            drop_reference(*world.arena, world.ref(world.scratch[0], 0), world.victim.slot);
          },
          no_survivor, [](World& world, pid_t, bool) { return drop_hosts(world); }};
}

// A reply that carries a handle, from nothing to committed.
Operation send_handle() {
  return {"message: a chunk with a handle, sent and committed",
          [](World& world) {
            lists(world);
            world.scratch[2] = object_of(world, world.victim.slot, world.scratch[0]);
          },
          [](World& world) {
            Heap& heap = world.heap();
            const Offset chunk = world.make_list(world.victim.slot, 1);
            (void)add_reference(*world.arena, world.scratch[2], world.ref(chunk, 0),
                                world.victim.slot);
            LaneWriter writer = world.writer(world.results);
            RecordHeader* record = writer.reserve(sizeof chunk);
            (void)heap.begin_send(chunk, world.victim.slot, writer.last_position());
            *record = {sizeof chunk, 2, 0, 0};
            std::memcpy(record_data(record), &chunk, sizeof chunk);
            writer.publish();
          },
          no_survivor,
          [](World& world, pid_t, bool acked) -> std::string {
            LaneReader reader = world.reader(world.results);
            LaneReader::Record record;
            const bool sent = reader.next(record).value();
            if (acked && !sent) return "an acknowledged reply is lost";
            if (sent) {
              Offset chunk;
              std::memcpy(&chunk, record.data, sizeof chunk);
              const Status taken = world.heap().take(chunk, world.victim.slot, world.host.slot);
              if (!taken) return "a committed chunk cannot be taken";
              if (world.heap().tag_of(world.scratch[2]).state() != TagState::Object) {
                return "the handle's object is gone";
              }
              drop_references(*world.arena, chunk, world.host.slot);
              if (!world.heap().free(chunk, world.host.slot)) return "cannot free the chunk";
            }
            return drop_hosts(world);
          }};
}

Operation receive_handle() {
  return {"message: take a handle out of a chunk",
          [](World& world) {
            lists(world);
            world.scratch[3] = world.make_list(world.survivor.slot, 1);
            world.scratch[2] = object_of(world, world.survivor.slot, world.scratch[3]);
            (void)world.heap().begin_send(world.scratch[3], world.survivor.slot, 64);
          },
          [](World& world) {
            const MemberSlot me = world.victim.slot;
            if (!world.heap().take(world.scratch[3], world.survivor.slot, me)) return;
            (void)add_reference(*world.arena, world.scratch[2], world.ref(world.scratch[0], 0), me);
            drop_references(*world.arena, world.scratch[3], me);
            (void)world.heap().free(world.scratch[3], me);
          },
          no_survivor,
          [](World& world, pid_t, bool) -> std::string {
            const Offset chunk = world.scratch[3];
            if (world.heap().tag_of(chunk).is(TagState::Sending, world.survivor.slot)) {
              (void)world.heap().take(chunk, world.survivor.slot, world.host.slot);
              drop_references(*world.arena, chunk, world.host.slot);
              if (!world.heap().free(chunk, world.host.slot)) return "cannot free the chunk";
            }
            if (world.heap().tag_of(world.scratch[2]).state() != TagState::Free) {
              return "the object outlives its references";
            }
            return drop_hosts(world);
          }};
}

}  // namespace

namespace {

// The token is the host's; its state comes first in its data.
Operation with_token(
    const char* name, const std::function<void(World&, const CancelToken&)>& act, bool parked,
    const std::function<std::string(World&, const CancelToken&, pid_t, bool)>& check) {
  struct Kept {
    std::unique_ptr<Holdings> holdings;
    std::unique_ptr<CancelToken> token;
  };
  auto kept = std::make_shared<Kept>();
  return {name,
          [kept](World& world) {
            kept->holdings = std::make_unique<Holdings>(*world.arena, world.host.slot);
            kept->token = std::make_unique<CancelToken>(*CancelToken::create(*kept->holdings));
          },
          [kept, act](World& world) { act(world, *kept->token); },
          [kept, parked](World& world) -> pid_t {
            if (!parked) return 0;
            return world.park_survivor([kept, &world] {
              auto rack = std::make_shared<BellRack>(*world.arena, world.survivor);
              const Status status = Waiter::current(*rack).wait(
                  Deadline::forever(), kept->token.get(), [] { return false; });
              return status.code() == Code::Canceled ? 0 : 1;
            });
          },
          [kept, check](World& world, pid_t survivor, bool acked) {
            std::string wrong = check(world, *kept->token, survivor, acked);
            kept->token.reset();
            kept->holdings.reset();
            return wrong;
          }};
}

Operation fire() {
  return with_token(
      "cancel: fire, waiter parked", [](World&, const CancelToken& token) { token.fire(); }, true,
      [](World&, const CancelToken& token, pid_t survivor, bool acked) -> std::string {
        if (acked && !token.fired()) return "fired, but it is not";
        if (!token.fired()) token.fire();
        return World::outcome(survivor) == 0 ? "" : "HANG: cancelled, but the waiter sleeps on";
      });
}

Operation register_bell() {
  return with_token(
      "cancel: register and unregister",
      [](World& world, const CancelToken& token) {
        for (int turn = 0; turn < 2; ++turn) {
          Registration registration(token.waiters(), world.members(), world.victim,
                                    World::bell(world.victim));
          registration.enlist();
        }
      },
      false,
      [](World& world, const CancelToken& token, pid_t, bool) -> std::string {
        // Every place is there for the living, whoever died in it.
        std::vector<std::unique_ptr<Registration>> all;
        for (uint16_t index = 0; index < WaiterSet::kPlaces; ++index) {
          all.push_back(std::make_unique<Registration>(token.waiters(), world.members(), world.host,
                                                       BellId{world.host.slot, index}));
          all.back()->enlist();
        }
        if (token.waiters()->crowded()) return "a dead member keeps its place";
        all.clear();
        return token.waiters()->empty() ? "" : "a place is left taken";
      });
}

Operation reset_token() {
  return with_token(
      "cancel: reset",
      [](World&, const CancelToken& token) {
        token.fire();
        token.reset();
      },
      false,
      [](World&, const CancelToken& token, pid_t, bool acked) -> std::string {
        return acked && token.fired() ? "reset, but it is not" : "";
      });
}

}  // namespace

std::vector<Operation> object_operations() {
  return {create(),
          acquire(),
          release("object: drop a reference", false),
          release("object: drop the last reference", true),
          counted_by_another("object: add a reference, written over before the reaper", acquire()),
          counted_by_another("object: drop a reference, written over before the reaper",
                             release("", false)),
          swap(),
          send_handle(),
          receive_handle(),
          fire(),
          register_bell(),
          reset_token()};
}

}  // namespace brood::crash
