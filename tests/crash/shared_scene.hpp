// What the operations on shared objects have in common: an object of the host's that the victim
// uses as itself, and a survivor that waits for it.
#pragma once

#include "operation.hpp"
#include "sync/barrier.hpp"
#include "sync/condition.hpp"
#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/rw_lock.hpp"
#include "sync/semaphore.hpp"
#include "sync/shared_array.hpp"

namespace brood::crash {

// Who does something with objects: in the process that it stands for.
using Rack = std::shared_ptr<BellRack>;

// The objects of one operation; made anew for each point by its setup.
template <class... Objects>
struct Scene {
  std::unique_ptr<Holdings> holdings;
  std::unique_ptr<std::tuple<Objects...>> objects;
  Rack victim;
  Rack host;
};

// Outcomes of survivors.
enum : int { kDone = 0, kRefused = 1, kOwnerDied = 2, kBroken = 3 };

inline int exit_code(const Status& status) {
  if (status) return kDone;
  if (status.code() == Code::OwnerDied) return kOwnerDied;
  return status.code() == Code::Broken ? kBroken : kRefused;
}

// The parts of an operation get the scene's objects, and the rack of who acts.
template <class... Objects>
struct SceneOperation {
  using Part = std::function<void(World&, const Rack&, Objects&...)>;
  const char* name;
  std::function<std::tuple<Objects...>(Holdings&)> make;
  Part setup;  // as the victim, before it acts; may be empty
  Part act;
  // What the survivor does, until it is done; may be empty.
  std::function<int(const Rack&, Objects&...)> survive;
  // As the host. `survivor` is its outcome: -1 for a hang. `ask` is to be called for it, once.
  using Ask = std::function<int()>;
  std::function<std::string(const Rack&, const Ask& ask, bool acked, Objects&...)> check;
};

template <class... Objects>
Operation in_scene(SceneOperation<Objects...> parts) {
  auto scene = std::make_shared<Scene<Objects...>>();
  Operation operation;
  operation.name = parts.name;
  operation.setup = [scene, parts](World& world) {
    scene->holdings = std::make_unique<Holdings>(*world.arena, world.host.slot);
    scene->objects = std::make_unique<std::tuple<Objects...>>(parts.make(*scene->holdings));
    scene->victim = std::make_shared<BellRack>(*world.arena, world.victim);
    scene->host = std::make_shared<BellRack>(*world.arena, world.host);
    if (!parts.setup) return;
    std::apply([&](auto&... objects) { parts.setup(world, scene->victim, objects...); },
               *scene->objects);
  };
  operation.act = [scene, parts](World& world) {
    std::apply([&](auto&... objects) { parts.act(world, scene->victim, objects...); },
               *scene->objects);
  };
  operation.survivor = [scene, parts](World& world) -> pid_t {
    if (!parts.survive) return 0;
    return world.park_survivor([scene, parts, &world] {
      auto rack = std::make_shared<BellRack>(*world.arena, world.survivor);
      return std::apply([&](auto&... objects) { return parts.survive(rack, objects...); },
                        *scene->objects);
    });
  };
  operation.check = [scene, parts](World&, pid_t survivor, bool acked) {
    const auto ask = [survivor] { return World::outcome(survivor); };
    std::string wrong = std::apply(
        [&](auto&... objects) { return parts.check(scene->host, ask, acked, objects...); },
        *scene->objects);
    scene->objects.reset();
    scene->holdings.reset();
    return wrong;
  };
  return operation;
}

}  // namespace brood::crash
