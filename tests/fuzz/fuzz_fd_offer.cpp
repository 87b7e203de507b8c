// Passing an fd with a hostile member, and with a stranger at the meeting. First the whole offer in
// shared memory is the fuzzer's: calls that may not wait end, with whatever result. Then what is
// said to a taker is: it must take no fd unless the words were right.
//
// Input: 1 byte that picks the part; the rest is the offer, or what is said.
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "channel/fd_offer.hpp"

namespace {

using namespace brood;

void demand(bool holds) {
  if (!holds) abort();
}

struct World {
  World() {
    arena = std::move(*Arena::create(kSmallestArena));
    me = *arena->members().reserve(kNobody);
    demand(arena->members().join(me, getpid(), 1).ok());
    rack = std::make_shared<BellRack>(*arena, me);
    const auto at = arena->heap().allocate_zeroed(sizeof(FdOffer), me.slot);
    offer = reinterpret_cast<FdOffer*>(arena->at(*at, sizeof(FdOffer)));
    // Different in each of several fuzzers at once.
    platform::random_bytes(std::as_writable_bytes(std::span(secrets)));
    meeting = std::move(*platform::open_meeting(std::as_bytes(std::span(secrets).first(2))));
    std::thread([this] { speak(); }).detach();
  }
  // Says the input to whoever comes, with an fd.
  void speak() {
    for (;;) {
      demand(*platform::wait_fd(meeting.get(), false, Deadline::forever()));
      auto met = platform::accept_met(meeting.get());
      if (!met) continue;
      std::lock_guard lock(mutex);
      const int fd = 0;
      (void)platform::send_packet(met->get(), said, {&fd, 1}, Deadline::after_ms(0));
      offer->takers.wake_all(arena->members());
    }
  }
  std::unique_ptr<Arena> arena;
  MemberId me;
  std::shared_ptr<BellRack> rack;
  FdOffer* offer;
  uint64_t secrets[6];
  platform::Fd meeting;
  std::mutex mutex;  // guards `said`
  std::vector<std::byte> said;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* world = new World;
  if (size < 2) return 0;
  const bool talk = (data[0] & 1) != 0;
  const auto rest = std::as_bytes(std::span(data + 1, size - 1));
  const IsOver never = [] { return false; };
  auto* bytes = reinterpret_cast<std::byte*>(world->offer);
  std::memset(bytes, 0, sizeof(FdOffer));
  if (!talk) {
    std::memcpy(bytes, rest.data(), std::min(rest.size(), sizeof(FdOffer)));
    const Deadline now = Deadline::after_ms(0);
    (void)give_fd(*world->rack, *world->offer, 0, now, nullptr, never);
    demand(!take_fd(*world->rack, *world->offer, now, nullptr, never).ok());
    return 0;
  }
  {
    std::lock_guard lock(world->mutex);
    world->said.assign(rest.begin(), rest.end());
  }
  for (int i = 0; i < 6; ++i) world->offer->secrets[i] = world->secrets[i];
  world->offer->word = 3;
  const Deadline soon = Deadline::after_ms(2);
  demand(!take_fd(*world->rack, *world->offer, soon, nullptr, never).ok());
  return 0;
}
