// Queues: everything that can be done with one, and who waits meanwhile.
#include <cstring>

#include "queue_scene.hpp"

namespace brood::crash {

namespace {

// ---- putting -----------------------------------------------------------------------------------

int take_one(QueueScene& scene) {
  Message::Ptr message;
  auto got = scene.survivor->queue->ring().get({&message, 1}, Deadline::forever(), nullptr);
  if (!got) return got.error().code() == Code::Closed ? 1 : 2;
  return read_letters(*message)[0] == 'v' ? 0 : 3;
}

// The host finds what was there before and, if anything of it, all of the victim's.
std::string all_or_nothing(QueueScene& scene, const std::string& before, const std::string& put,
                           bool acked) {
  const std::string there = drain(scene.host_ring());
  const std::string both = before + (before.empty() ? "" : " ") + put;
  if (there == both) return goes_on(scene);
  if (there != before) return "there is " + there + ", not " + both;
  return acked ? "an acknowledged put is lost" : goes_on(scene);
}

Operation put(const char* name, const std::string& before, const std::string& letters) {
  const Letters ready(letters);
  return queue_operation(
      name, {},
      [=](QueueScene& scene) {
        if (!before.empty() && !put_letters(*scene.host, before)) abort();
      },
      [=](QueueScene& scene) { (void)ready.put(*scene.victim, 0, &*scene.victims_token); }, nullptr,
      [=](QueueScene& scene, pid_t, bool acked) {
        return all_or_nothing(scene, before, letters, acked);
      });
}

// A consumer that sleeps must get what was put, or sleep on until the next one.
Operation put_to_parked(const char* name, const Letters& letters) {
  return queue_operation(
      name, {}, [](QueueScene&) {}, [=](QueueScene& scene) { (void)letters.put(*scene.victim); },
      take_one,
      [=](QueueScene& scene, pid_t survivor, bool acked) -> std::string {
        const bool put = scene.host_ring().counts().put > 0;
        if (acked && !put) return "an acknowledged put is lost";
        if (!put && !put_letters(*scene.host, "v100", 1000)) return "HANG: nobody can put any more";
        if (World::outcome(survivor) != 0)
          return "HANG: there is something, but the taker sleeps on";
        (void)drain(scene.host_ring());
        return goes_on(scene);
      });
}

// The short way gives the lock back without a fence: who sleeps for the lock must get it.
Operation give_lock_back() {
  return queue_operation(
      "queue: the short way gives the lock back, another putter parked", {},
      [](QueueScene& scene) {
        if (!scene.victim_ring().shared().tail.lock.try_take(scene.world.victim, 0)) abort();
      },
      [](QueueScene& scene) {
        RingShared& ring = scene.victim_ring().shared();
        ring.tail.lock.release_unfenced();
        ring.tail_lock.wake_one(scene.world.arena->members());
      },
      [](QueueScene& scene) { return put_letters(*scene.survivor, "v100", -1).ok() ? 0 : 2; },
      [](QueueScene& scene, pid_t survivor, bool) -> std::string {
        if (World::outcome(survivor) != 0)
          return "HANG: the lock is free, but the putter sleeps on";
        return drain(scene.host_ring()) == "v100" ? goes_on(scene) : "the put is lost";
      });
}

Operation put_when_there_is_room() {
  const Letters letters("v100");
  return queue_operation(
      "queue: put, waiting for room", {.capacity_items = 1},
      [](QueueScene& scene) {
        if (!put_letters(*scene.host, "b100")) abort();
      },
      // Not on the victim's way: it would wait for ever. It is killed on its way to sleep.
      [=](QueueScene& scene) { (void)letters.put(*scene.victim, 1); }, nullptr,
      [](QueueScene& scene, pid_t, bool) -> std::string {
        if (drain(scene.host_ring()) != "b100") return "the queue holds something else";
        return put_letters(*scene.host, "z100", 1000) && drain(scene.host_ring()) == "z100"
                   ? ""
                   : "HANG: nobody can put any more";
      });
}

// The short way, which a put takes once the ring's end is known to the process.
Operation put_quickly(const char* name, size_t size, bool with_taker) {
  std::string put = std::to_string(size);
  put.insert(put.begin(), 'v');
  const auto text = std::make_shared<std::string>(size, 'v');
  return queue_operation(
      name, {.capacity_items = 10},
      [=](QueueScene& scene) {
        if (!put_letters(*scene.victim, "a100")) abort();
        if (with_taker && drain(scene.host_ring()) != "a100") abort();
      },
      [=](QueueScene& scene) {
        const auto* data = reinterpret_cast<const std::byte*>(text->data());
        if (!scene.victim_ring().put_quickly(data, text->size(), 1)) abort();
      },
      with_taker ? take_one : std::function<int(QueueScene&)>(),
      [=](QueueScene& scene, pid_t survivor, bool acked) -> std::string {
        if (!with_taker) return all_or_nothing(scene, "a100", put, acked);
        const bool there = scene.host_ring().counts().put > 1;
        if (acked && !there) return "an acknowledged put is lost";
        if (!there && !put_letters(*scene.host, "v100", 1000)) return "HANG: nobody can put";
        if (World::outcome(survivor) != 0)
          return "HANG: there is something, but the taker sleeps on";
        return goes_on(scene);
      });
}

// ---- taking ------------------------------------------------------------------------------------

constexpr const char* kMany = "a100 b5000 v0 d100 e5000h f100";

// The victim took the first `count` of what was there, or nothing.
std::string taken_or_not(QueueScene& scene, const std::string& before, size_t count, bool acked) {
  std::string rest = before;
  for (size_t taken = 0; taken < count; ++taken) {
    const size_t blank = rest.find(' ');
    rest = blank == std::string::npos ? "" : rest.substr(blank + 1);
  }
  const std::string there = drain(scene.host_ring());
  if (there == rest) return goes_on(scene);
  if (there != before) return "there is " + there + ", not " + rest;
  return acked ? "a message that was taken is there again" : goes_on(scene);
}

Operation take(const char* name, const std::string& before, size_t skip, size_t count,
               const RingSettings& settings = {}) {
  return queue_operation(
      name, settings,
      [=](QueueScene& scene) {
        if (!put_letters(*scene.host, before, 0, &*scene.token)) abort();
        for (size_t taken = 0; taken < skip; ++taken) {
          Message::Ptr message;
          (void)scene.host_ring().get({&message, 1}, Deadline::after_ms(0), nullptr);
        }
      },
      [=](QueueScene& scene) {
        std::vector<Message::Ptr> out(count);
        (void)scene.victim_ring().get(out, Deadline::after_ms(0), nullptr);
      },
      nullptr,
      [=](QueueScene& scene, pid_t, bool acked) {
        std::string rest = before;
        for (size_t taken = 0; taken < skip; ++taken) rest = rest.substr(rest.find(' ') + 1);
        return taken_or_not(scene, rest, count, acked);
      });
}

std::string repeat(const std::string& word, size_t count) {
  std::string all;
  for (size_t index = 0; index < count; ++index) all += (index > 0 ? " " : "") + word;
  return all;
}

int put_one(QueueScene& scene) { return put_letters(*scene.survivor, "v100", -1).ok() ? 0 : 2; }

// The short way, which a get takes once the ring's end is known to the process.
Operation take_quickly(const char* name, Remember remember) {
  return queue_operation(
      name, {.remember = remember},
      [=](QueueScene& scene) {
        if (!put_letters(*scene.host, "a100 b100 c100")) abort();
        Message::Ptr message;
        (void)scene.victim_ring().get({&message, 1}, Deadline::after_ms(0), nullptr);
      },
      [](QueueScene& scene) {
        Message* message = scene.victim_ring().get_quickly();
        if (message == nullptr) abort();
        Message::Drop()(message);
      },
      nullptr,
      [=](QueueScene& scene, pid_t, bool acked) -> std::string {
        (void)scene.host_ring().settle(Deadline::after_ms(1000), nullptr);
        const RingCounts counts = scene.host_ring().counts();
        // Who asks for the next message has done with the last one.
        const uint64_t most = remember == Remember::Last ? 1 : 0;
        if (counts.lost > most || (counts.taken == 2 && counts.lost != most)) {
          return std::to_string(counts.lost) + " items count as lost";
        }
        if (acked && counts.taken != 2) return "a get that returned took nothing";
        return taken_or_not(scene, "b100 c100", 1, acked);
      });
}

Operation take_with_parked_putter(const char* name, bool quickly) {
  return queue_operation(
      name, {.capacity_bytes = 250},
      [=](QueueScene& scene) {
        if (!put_letters(*scene.host, quickly ? "z100 a100" : "a100 b100")) abort();
        if (!quickly) return;
        // So that the victim knows where the ring ends.
        Message::Ptr message;
        (void)scene.victim_ring().get({&message, 1}, Deadline::after_ms(0), nullptr);
        if (!put_letters(*scene.host, "b100")) abort();
      },
      [=](QueueScene& scene) {
        Message::Ptr message;
        if (quickly) {
          message.reset(scene.victim_ring().get_quickly());
          if (!message) abort();
          return;
        }
        (void)scene.victim_ring().get({&message, 1}, Deadline::after_ms(0), nullptr);
      },
      put_one,
      [=](QueueScene& scene, pid_t survivor, bool acked) -> std::string {
        const bool taken = scene.host_ring().counts().taken > (quickly ? 1 : 0);
        if (acked && !taken) return "a get that returned took nothing";
        Message::Ptr message;
        if (!taken) (void)scene.host_ring().get({&message, 1}, Deadline::after_ms(0), nullptr);
        if (World::outcome(survivor) != 0) return "HANG: there is room, but the putter sleeps on";
        const std::string there = drain(scene.host_ring());
        return there == "b100 v100" ? "" : "there is " + there;
      });
}

Operation shut_down() {
  return queue_operation(
      "queue: shut down, taker parked", {}, [](QueueScene&) {},
      [](QueueScene& scene) { scene.victim_ring().shut_down(); }, take_one,
      [](QueueScene& scene, pid_t survivor, bool acked) -> std::string {
        const bool down = scene.host_ring().is_shut_down();
        if (acked && !down) return "shut down, but it is not";
        if (!down) scene.host_ring().shut_down();
        if (World::outcome(survivor) != 1) return "HANG: shut down, but the taker sleeps on";
        return put_letters(*scene.host, "z100").code() == Code::Closed ? "" : "put after shutdown";
      });
}

Operation look() {
  return queue_operation(
      "queue: look at the size of the next one, in the next segment", {},
      [](QueueScene& scene) {
        if (!put_letters(*scene.host, repeat("a4000", 5))) abort();
        std::vector<Message::Ptr> out(4);
        (void)scene.host_ring().get(out, Deadline::after_ms(0), nullptr);
      },
      [](QueueScene& scene) {
        (void)scene.victim_ring().peek_size(Deadline::after_ms(0), nullptr);
      },
      nullptr,
      [](QueueScene& scene, pid_t, bool) { return taken_or_not(scene, "a4000", 0, false); });
}

Operation take_into() {
  return queue_operation(
      "queue: get into a buffer, large", {},
      [](QueueScene& scene) {
        if (!put_letters(*scene.host, "a5000 b100")) abort();
      },
      [](QueueScene& scene) {
        static std::byte room[kLarge];
        uint64_t size = 0;
        uint8_t codec = 0;
        (void)scene.victim_ring().get_into(room, size, codec, Deadline::after_ms(0), nullptr);
      },
      nullptr,
      [](QueueScene& scene, pid_t, bool acked) {
        return taken_or_not(scene, "a5000 b100", 1, acked);
      });
}

// The last holder dies, or lets go, with everything that a queue can hold in it: another queue too.
Operation let_go(const char* name, bool by_victim) {
  return queue_operation(
      name, {},
      [](QueueScene& scene) {
        auto inner = Queue::create(scene.host->holdings, scene.host->rack, {});
        Message::Ptr message = Message::copy("q", 1, 1);
        (void)message->attach(inner->held());
        const Outgoing text{reinterpret_cast<const std::byte*>("i"), 1, 1, {}};
        auto parcel = Parcel::of_message(scene.host->holdings, *message);
        if (!inner->ring().put({&text, 1}, Deadline::after_ms(0), nullptr)) abort();
        if (!scene.host_ring().put({&parcel->item(), 1}, Deadline::after_ms(0), nullptr)) abort();
        parcel->sent();
        if (!put_letters(*scene.host, kMany, 0, &*scene.token)) abort();
        reap(*scene.world.arena, scene.world.survivor, scene.world.host.slot);
        scene.host->queue.reset();
      },
      [=](QueueScene& scene) {
        if (by_victim) scene.victim->queue.reset();
      },
      nullptr,
      [](QueueScene& scene, pid_t, bool) -> std::string {
        scene.token.reset();
        scene.host->queue.emplace(*Queue::create(scene.host->holdings, scene.host->rack, {}));
        return goes_on(scene);
      });
}

}  // namespace

std::vector<Operation> queue_operations() {
  return {
      put("queue: put the first", "", "v100"),
      put("queue: put", "a100", "v100"),
      put("queue: put an empty one", "a100", "v0"),
      put("queue: put into the next segment", repeat("a4000", 4), "v4000"),
      put("queue: put a large one", "a100", "v5000"),
      put("queue: put with a handle", "a100", "v100h"),
      put("queue: put many at once, over a segment's end", repeat("a4000", 3),
          "v4000 w5000 x4000 y100h"),
      put_to_parked("queue: put, taker parked", "v100"),
      put_to_parked("queue: put a large one, taker parked", "v5000"),
      put_quickly("queue: put, the short way", 100, false),
      put_quickly("queue: put, the short way, taker parked", 100, true),
      give_lock_back(),
      put_when_there_is_room(),
      take("queue: get", "a100 b100 c100", 1, 1),
      take("queue: get the first", "a100 b100", 0, 1),
      take("queue: get from the next segment", repeat("a4000", 5), 4, 1),
      take("queue: get a large one", "a5000 b100", 0, 1),
      take("queue: get with a handle", "a5000h b100", 0, 1),
      take("queue: get many at once", kMany, 1, 4),
      take("queue: get, what is taken is remembered", "a100 b100 c100", 1, 1,
           {.remember = Remember::Last}),
      take_quickly("queue: get, the short way", Remember::Nothing),
      take_quickly("queue: get, the short way, what is taken is remembered", Remember::Last),
      take_with_parked_putter("queue: get from a full one, putter parked", false),
      take_with_parked_putter("queue: get from a full one, the short way, putter parked", true),
      look(),
      take_into(),
      shut_down(),
      let_go("queue: the last holder lets go", true),
  };
}

}  // namespace brood::crash
