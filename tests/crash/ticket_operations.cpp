// Items of a queue that somebody has taken and not finished, and what becomes of them when he dies.
#include "queue_scene.hpp"
#include "shm/reaper.hpp"

namespace brood::crash {

namespace {

constexpr RingSettings kJoinable{.remember = Remember::All};

LeasedItem lease(Ring& ring) {
  auto leased = ring.lease(Deadline::after_ms(0), nullptr);
  return leased ? std::move(*leased) : LeasedItem();
}

void put_by_host(QueueScene& scene, const Letters& letters) {
  if (!letters.put(*scene.host, 0, &*scene.token)) abort();
}

void take_by(Party& party, size_t count) {
  std::vector<Message::Ptr> out(count);
  if (!party.queue->ring().get(out, Deadline::after_ms(0), nullptr)) abort();
}

// Everything that is left is taken and finished by the host; then nobody may wait in vain.
std::string finish_all(QueueScene& scene) {
  Ring& ring = scene.host_ring();
  (void)drain(ring);
  while (ring.finish_one(Deadline::after_ms(0), nullptr)) {
  }
  if (!ring.join(Deadline::after_ms(1000), nullptr)) return "HANG: finished, but nobody can join";
  const RingCounts counts = ring.counts();
  if (counts.finished != counts.put) return "not everything is finished";
  return "";
}

std::string check_lost(QueueScene& scene, uint64_t most, bool acked) {
  // Whatever the dead had was settled by the host's looks.
  const uint64_t lost = scene.host_ring().counts().lost;
  if (lost > most || (acked && lost != most)) return std::to_string(lost) + " items count as lost";
  return "";
}

Operation take(const char* name, Remember remember) {
  return queue_operation(
      name, {.remember = remember},
      [](QueueScene& scene) { put_by_host(scene, "a100 b5000 c100"); },
      [](QueueScene& scene) { take_by(*scene.victim, 2); }, nullptr,
      [=](QueueScene& scene, pid_t, bool acked) -> std::string {
        const bool taken = scene.host_ring().counts().taken > 0;
        const std::string there = drain(scene.host_ring());
        if (there != (taken ? "c100" : "a100 b5000 c100")) return "there is " + there;
        const uint64_t lost = !taken ? 0 : remember == Remember::All ? 2 : 1;
        std::string wrong = check_lost(scene, lost, taken);
        if (wrong.empty() && acked && !taken) wrong = "taken, but it is not";
        if (wrong.empty() && remember == Remember::All) wrong = finish_all(scene);
        return wrong.empty() ? goes_on(scene) : wrong;
      });
}

int wait_until_joined(QueueScene& scene) {
  return scene.survivor->queue->ring().join(Deadline::forever(), nullptr) ? 0 : 2;
}

Operation finish() {
  return queue_operation(
      "ticket: finish the last item, joiner parked", kJoinable,
      [](QueueScene& scene) {
        put_by_host(scene, "a100 b100");
        take_by(*scene.victim, 2);
        if (!scene.victim_ring().finish_one(Deadline::after_ms(0), nullptr)) abort();
      },
      [](QueueScene& scene) {
        (void)scene.victim_ring().finish_one(Deadline::after_ms(0), nullptr);
      },
      wait_until_joined,
      [](QueueScene& scene, pid_t survivor, bool acked) -> std::string {
        // Finished, or lost with the victim: either way there is nothing to wait for.
        if (World::outcome(survivor) != 0) return "HANG: all is over, but the joiner sleeps on";
        std::string wrong = finish_all(scene);
        if (wrong.empty() && acked) wrong = check_lost(scene, 0, true);
        return wrong.empty() ? check_lost(scene, 1, false) : wrong;
      });
}

// Leased items come again, in their order, until they are acknowledged.
Operation lease_one(const char* name, const std::string& letters, bool acknowledge) {
  const std::string rest = letters.substr(letters.find(' ') + 1);
  auto leased = std::make_shared<LeasedItem>();
  return queue_operation(
      name, kJoinable,
      [=](QueueScene& scene) {
        // So that the next item's number is not the first.
        put_by_host(scene, "z100");
        take_by(*scene.host, 1);
        if (!scene.host_ring().finish_one(Deadline::after_ms(0), nullptr)) abort();
        put_by_host(scene, letters);
        if (acknowledge) *leased = lease(scene.victim_ring());
      },
      [=](QueueScene& scene) {
        if (acknowledge) {
          (void)scene.victim_ring().acknowledge(leased->ticket, Deadline::after_ms(0), nullptr);
        } else {
          *leased = lease(scene.victim_ring());
        }
      },
      nullptr,
      [=](QueueScene& scene, pid_t, bool acked) -> std::string {
        // The victim's view of the message, not its own any more.
        (void)leased->message.release();
        const std::string there = drain(scene.host_ring());
        const bool done = acknowledge && there == rest;
        if (!done && there != letters) return "there is " + there;
        if (acknowledge && acked && !done) return "acknowledged, and delivered again";
        const std::string wrong = finish_all(scene);
        return wrong.empty() ? check_lost(scene, 0, true) : wrong;
      });
}

Operation give_back() {
  auto leased = std::make_shared<LeasedItem>();
  return queue_operation(
      "ticket: give a leased item back, taker parked", {},
      [=](QueueScene& scene) {
        put_by_host(scene, "v100");
        *leased = lease(scene.victim_ring());
      },
      [=](QueueScene& scene) { scene.victim_ring().give_back(leased->ticket); },
      [](QueueScene& scene) {
        Message::Ptr message;
        auto got = scene.survivor->queue->ring().get({&message, 1}, Deadline::forever(), nullptr);
        return got && read_letters(*message) == "v100" ? 0 : 2;
      },
      [=](QueueScene& scene, pid_t survivor, bool) -> std::string {
        (void)leased->message.release();
        if (World::outcome(survivor) != 0) return "HANG: given back, but the taker sleeps on";
        return goes_on(scene);
      });
}

// `other` has died with an item leased, two taken, and a put half done.
MemberId die_in_the_middle(QueueScene& scene) {
  World& world = scene.world;
  auto* other = new Party(world, world.other);
  other->queue.emplace(
      *Queue::from(*other->holdings.hold(scene.host->queue->held().handle()), other->rack));
  put_by_host(scene, "a100 b5000 c100 d100");
  (void)lease(other->queue->ring()).message.release();
  take_by(*other, 2);
  RingShared& shared = scene.host_ring().shared();
  if (!shared.tail.lock.try_take(world.other, 0)) abort();
  shared.tail.pending.store(shared.tail.word);
  Parts parts(*world.arena, world.other.slot, shared.tail);
  const auto chunk = Chunk::make(other->holdings, kLarge, {});
  if (!chunk || !parts.join(chunk->offset)) abort();
  return world.other;
}

std::string settled(QueueScene& scene) {
  const std::string there = drain(scene.host_ring());
  if (there != "a100 d100" && there != "d100") return "there is " + there;
  std::string wrong = finish_all(scene);
  return wrong.empty() ? goes_on(scene) : wrong;
}

Operation reap_it() {
  return queue_operation(
      "ticket: the reaper of a consumer", kJoinable,
      [](QueueScene& scene) { scene.world.members().mark_dead(die_in_the_middle(scene)); },
      [](QueueScene& scene) {
        reap(*scene.world.arena, scene.world.other, scene.world.victim.slot);
      },
      nullptr,
      [](QueueScene& scene, pid_t, bool) -> std::string {
        reap(*scene.world.arena, scene.world.other, scene.world.host.slot);
        std::string wrong = scene.world.audit_dead(scene.world.other.slot);
        if (wrong.empty()) wrong = settled(scene);
        return wrong.empty() ? check_lost(scene, 2, true) : wrong;
      });
}

// The victim finds what the dead one left, and gets the leased item.
Operation settle_it() {
  return queue_operation(
      "ticket: get after a consumer's death", kJoinable,
      [](QueueScene& scene) {
        const MemberId other = die_in_the_middle(scene);
        reap(*scene.world.arena, other, scene.world.host.slot);
      },
      [](QueueScene& scene) { take_by(*scene.victim, 1); }, nullptr,
      [](QueueScene& scene, pid_t, bool) -> std::string {
        const std::string wrong = settled(scene);
        return wrong.empty() ? check_lost(scene, 2, true) : wrong;
      });
}

}  // namespace

std::vector<Operation> ticket_operations() {
  return {take("ticket: get, the last one is remembered", Remember::Last),
          take("ticket: get, all are remembered", Remember::All),
          finish(),
          lease_one("ticket: lease", "a100 b100", false),
          lease_one("ticket: lease a large one", "a5000h b100", false),
          lease_one("ticket: acknowledge", "a100 b100", true),
          lease_one("ticket: acknowledge a large one", "a5000h b100", true),
          give_back(),
          reap_it(),
          settle_it()};
}

}  // namespace brood::crash
