// Pipes: sending, receiving, and the end of an end.
#include "channel/pipe.hpp"
#include "queue_scene.hpp"

namespace brood::crash {

namespace {

// The victim has the second end, the host the first; a survivor waits at the first one.
struct PipeScene {
  PipeScene(World& w, bool duplex, bool held_twice)
      : world(w),
        host(std::make_unique<Party>(w, w.host)),
        victim(new Party(w, w.victim)),
        survivor(new Party(w, w.survivor)) {
    w.control->notes[0] = 0;
    auto pair = PipeEnd::create(host->holdings, host->rack, duplex);
    first.emplace(pair->first);
    const Handle second_handle = pair->second.held().handle();
    second.emplace(*PipeEnd::from(*victim->holdings.hold(second_handle), victim->rack));
    if (held_twice) spare.emplace(pair->second);
    const Handle first_handle = first->held().handle();
    survivors.emplace(*PipeEnd::from(*survivor->holdings.hold(first_handle), survivor->rack));
  }

  World& world;
  std::unique_ptr<Party> host;
  Party* victim;
  Party* survivor;
  std::optional<PipeEnd> first;
  std::optional<PipeEnd> second;
  std::optional<PipeEnd> survivors;
  std::optional<PipeEnd> spare;  // the host's hold on the second end
};

using Check = std::function<std::string(PipeScene&, pid_t, bool)>;

Operation pipe_operation(const char* name, bool duplex, bool held_twice,
                         const std::function<void(PipeScene&)>& act,
                         const std::function<int(PipeScene&)>& survive, const Check& check) {
  auto kept = std::make_shared<std::unique_ptr<PipeScene>>();
  return {name,
          [=](World& world) { *kept = std::make_unique<PipeScene>(world, duplex, held_twice); },
          [=](World&) { act(**kept); },
          [=](World& world) -> pid_t {
            return survive ? world.park_survivor([&] { return survive(**kept); }) : 0;
          },
          [=](World& world, pid_t survivor, bool acked) {
            PipeScene& scene = **kept;
            std::string wrong = check(scene, survivor, acked);
            reap(*world.arena, world.survivor, world.host.slot);
            scene.first.reset();
            scene.spare.reset();
            scene.host.reset();
            return wrong;
          }};
}

// 0: a message, 1: the end.
int receive_one(PipeScene& scene) {
  auto message = scene.survivors->receive(Deadline::forever(), nullptr);
  if (!message) return message.error().code() == Code::Closed ? 1 : 2;
  return (*message)->size() == 3 ? 0 : 3;
}

Status send_text(const PipeEnd& end, const char* text) {
  const Outgoing item{reinterpret_cast<const std::byte*>(text), 3, 1, {}};
  return end.send(item, Deadline::after_ms(0), nullptr);
}

Operation create() {
  auto kept = std::make_shared<std::unique_ptr<Party>>();
  return {"pipe: create",
          [=](World& world) {
            *kept = std::make_unique<Party>(world, world.victim);
            // Making regions is swept elsewhere: once made, they are there.
            (void)PipeEnd::create((*kept)->holdings, (*kept)->rack, true);
          },
          [=](World&) {
            auto pair = PipeEnd::create((*kept)->holdings, (*kept)->rack, true);
            // Ended by its death, not in good order.
            if (pair) new PipeEnd::Pair(std::move(*pair));
          },
          no_survivor,
          [=](World&, pid_t, bool) -> std::string {
            // What the victim had is the reaper's.
            (void)kept->release();
            return "";
          }};
}

Operation send() {
  return pipe_operation(
      "pipe: send, receiver parked", true, true,
      [](PipeScene& scene) { (void)send_text(*scene.second, "abc"); }, receive_one,
      [](PipeScene& scene, pid_t survivor, bool acked) -> std::string {
        // Sent or not, the pipe goes on: one more, and the receiver has one.
        const bool more = send_text(*scene.spare, "def").ok();
        if (!more) return "HANG: nobody can send any more";
        if (World::outcome(survivor) != 0) return "HANG: sent, but the receiver sleeps on";
        int left = 0;
        while (scene.first->receive(Deadline::after_ms(0), nullptr)) ++left;
        return left > 1 || (acked && left == 0) ? std::to_string(left) + " messages are left" : "";
      });
}

// Whether the victim lets its end go or dies: nobody holds it any more, and the survivor must know.
Operation let_go(const char* name, bool by_itself) {
  return pipe_operation(
      name, true, false,
      [=](PipeScene& scene) {
        (void)send_text(*scene.second, "abc");
        if (by_itself) scene.second.reset();
      },
      [](PipeScene& scene) {
        const int first = receive_one(scene);
        return first == 0 ? receive_one(scene) : first;
      },
      [](PipeScene& scene, pid_t survivor, bool) -> std::string {
        if (World::outcome(survivor) != 1) return "HANG: the other end is gone, but nobody knows";
        return send_text(*scene.first, "abc").code() == Code::Closed ? "" : "sent to nobody";
      });
}

// Whether the victim gave or took an fd, or died over it: one more of its side comes, and the one
// who waits at the other side gets its due.
Operation pass_fd(const char* name, bool victim_gives) {
  // Notes that it is done, since the one more is not wanted then.
  const auto survive = [=](PipeScene& scene) {
    const bool done = victim_gives ? scene.survivors->receive_fd(Deadline::forever(), nullptr).ok()
                                   : scene.survivors->send_fd(0, Deadline::forever(), nullptr).ok();
    scene.world.control->notes[0] = 1;
    return done ? 0 : 2;
  };
  const auto one_more = [=](const PipeEnd& end, int64_t timeout_ms) {
    const Deadline deadline = Deadline::after_ms(timeout_ms);
    if (victim_gives) (void)end.send_fd(0, deadline, nullptr);
    if (!victim_gives) (void)end.receive_fd(deadline, nullptr);
  };
  return pipe_operation(
      name, true, true, [=](PipeScene& scene) { one_more(*scene.second, 0); }, survive,
      [=](PipeScene& scene, pid_t survivor, bool) -> std::string {
        const Deadline end = Deadline::after_ms(2000);
        while (scene.world.control->notes[0] == 0 && !end.passed()) one_more(*scene.spare, 20);
        return World::outcome(survivor) == 0 ? "" : "HANG: one waits for an fd to pass, for ever";
      });
}

}  // namespace

std::vector<Operation> pipe_operations() {
  return {create(),
          send(),
          pass_fd("pipe: give an fd, taker parked", true),
          pass_fd("pipe: take an fd, giver parked", false),
          let_go("pipe: an end's last holder lets go, receiver parked", true),
          let_go("pipe: an end's last holder dies, receiver parked", false)};
}

}  // namespace brood::crash
