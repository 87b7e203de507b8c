// Taking memory and giving it back.
#include <cstring>

#include "operation.hpp"

namespace brood::crash {

namespace {

constexpr uint64_t kLargeBytes = 150000;

std::string nothing_left(World&, pid_t, bool) { return ""; }

Operation allocate(const char* name, uint64_t bytes, bool warm) {
  return {name,
          [=](World& world) {
            if (!warm) return;
            // The region, or the blocks, are there already.
            const auto piece = world.heap().allocate(bytes, world.victim.slot);
            (void)world.heap().free(*piece, world.victim.slot);
          },
          [=](World& world) { (void)world.heap().allocate(bytes, world.victim.slot); }, no_survivor,
          nothing_left};
}

Operation free_piece(const char* name, uint64_t bytes) {
  return {name,
          [=](World& world) {
            world.scratch[0] = *world.heap().allocate(bytes, world.victim.slot);
            // Somebody else's, on both sides, must not suffer.
            world.scratch[1] = *world.heap().allocate(bytes, world.host.slot);
          },
          [](World& world) { (void)world.heap().free(world.scratch[0], world.victim.slot); },
          no_survivor,
          [](World& world, pid_t, bool) -> std::string {
            return world.heap().free(world.scratch[1], world.host.slot) ? "" : "lost the neighbour";
          }};
}

// Its blocks bear the name of who claimed them, who lives on.
Operation free_taken_run() {
  return {"heap: free a run that another claimed",
          [](World& world) {
            world.scratch[0] = *world.heap().allocate(kLargeBytes, world.survivor.slot);
            (void)world.heap().begin_send(world.scratch[0], world.survivor.slot, 64);
            (void)world.heap().take(world.scratch[0], world.survivor.slot, world.victim.slot);
          },
          [](World& world) { (void)world.heap().free(world.scratch[0], world.victim.slot); },
          no_survivor, nothing_left};
}

// The host's slot in the victim's region, and the other way round.
Operation free_in_full_region() {
  return {"heap: free a slot of somebody else's full region",
          [](World& world) {
            world.scratch[0] = *world.heap().allocate(32768, world.victim.slot);
            world.scratch[1] = *world.heap().allocate(32768, world.victim.slot);
            (void)world.heap().begin_send(world.scratch[0], world.victim.slot, 1 << 20);
            (void)world.heap().take(world.scratch[0], world.victim.slot, world.host.slot);
            (void)world.heap().begin_send(world.scratch[1], world.victim.slot, 1 << 20);
            (void)world.heap().take(world.scratch[1], world.victim.slot, world.host.slot);
            // Now the region is full, says so, and the victim looks for another.
            world.scratch[2] = *world.heap().allocate(32768, world.victim.slot);
            (void)world.heap().begin_send(world.scratch[2], world.victim.slot, 1 << 20);
            (void)world.heap().take(world.scratch[2], world.victim.slot, world.survivor.slot);
          },
          [](World& world) {
            const auto piece = world.heap().allocate(32768, world.victim.slot);
            if (piece) (void)world.heap().free(*piece, world.victim.slot);
            (void)world.heap().allocate(32768, world.victim.slot);
          },
          no_survivor,
          [](World& world, pid_t, bool) -> std::string {
            const bool all = world.heap().free(world.scratch[0], world.host.slot).ok() &&
                             world.heap().free(world.scratch[1], world.host.slot).ok() &&
                             world.heap().free(world.scratch[2], world.survivor.slot).ok();
            return all ? "" : "a slot changed hands";
          }};
}

Operation trim() {
  return {"heap: give empty regions and blocks back",
          [](World& world) {
            for (const uint64_t bytes : {uint64_t{32768}, uint64_t{16384}, kLargeBytes}) {
              const auto piece = world.heap().allocate(bytes, world.host.slot);
              (void)world.heap().free(*piece, world.host.slot);
            }
            world.scratch[0] = *world.heap().allocate(12288, world.host.slot);
            std::memset(world.arena->at(world.scratch[0], 12288), 'k', 12288);
          },
          [](World& world) { world.heap().trim(0, world.victim.slot); }, no_survivor,
          [](World& world, pid_t, bool) -> std::string {
            const std::byte* kept = world.arena->at(world.scratch[0], 12288);
            for (size_t at = 0; at < 12288; ++at) {
              if (kept[at] != std::byte('k')) return "memory in use was given back";
            }
            return world.heap().free(world.scratch[0], world.host.slot) ? "" : "lost a piece";
          }};
}

Operation take(const char* name, uint64_t bytes) {
  return {name,
          [=](World& world) {
            world.scratch[0] = *world.heap().allocate(bytes, world.survivor.slot);
            std::memset(world.arena->at(world.scratch[0], bytes), 't', bytes);
            (void)world.heap().begin_send(world.scratch[0], world.survivor.slot, 64);
          },
          [](World& world) {
            (void)world.heap().take(world.scratch[0], world.survivor.slot, world.victim.slot);
          },
          no_survivor,
          [=](World& world, pid_t, bool acked) -> std::string {
            const Tag tag = world.heap().tag_of(world.scratch[0]);
            if (tag.state() == TagState::Free) return "";  // it went with its taker
            if (acked) return "taken, but not its taker's";
            if (!tag.is(TagState::Sending, world.survivor.slot)) return "neither sent nor taken";
            const std::byte* data = world.arena->at(world.scratch[0], bytes);
            if (data[0] != std::byte('t') || data[bytes - 1] != std::byte('t')) {
              return "its bytes are damaged";
            }
            (void)world.heap().take(world.scratch[0], world.survivor.slot, world.host.slot);
            return world.heap().free(world.scratch[0], world.host.slot) ? "" : "cannot free it";
          }};
}

Operation begin_send(const char* name, uint64_t bytes) {
  return {
      name,
      [=](World& world) { world.scratch[0] = *world.heap().allocate(bytes, world.victim.slot); },
      [](World& world) {
        // The record is never committed: it stays the victim's.
        (void)world.heap().begin_send(world.scratch[0], world.victim.slot, 4096);
      },
      no_survivor, nothing_left};
}

}  // namespace

std::vector<Operation> heap_operations() {
  return {allocate("heap: allocate a small slot", 200, true),
          allocate("heap: allocate the first slot of a region", 200, false),
          allocate("heap: allocate a warm run", kLargeBytes, true),
          allocate("heap: allocate a fresh run", kLargeBytes, false),
          free_piece("heap: free a small slot", 200),
          free_piece("heap: free a run", kLargeBytes),
          free_taken_run(),
          free_in_full_region(),
          trim(),
          begin_send("heap: begin to send a small slot", 200),
          begin_send("heap: begin to send a run", kLargeBytes),
          take("heap: take a small slot", 200),
          take("heap: take a run", kLargeBytes)};
}

}  // namespace brood::crash
