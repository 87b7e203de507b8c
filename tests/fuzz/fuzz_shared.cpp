// A hostile member: the bytes of a lock, a semaphore, a condition, an event, a barrier, a
// read-write lock or a shared array, and of the set of those who wait for it, are the fuzzer's.
// Whoever takes the handle must refuse it, or be able to use it: calls that do not wait end, with
// whatever result, and touch nothing but the object's own piece.
//
// Input: 1 byte type, 1 byte which calls, 8 bytes size in the header, 128 bytes waiters; the rest
// is the state.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "sync/barrier.hpp"
#include "sync/condition.hpp"
#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/rw_lock.hpp"
#include "sync/semaphore.hpp"
#include "sync/shared_array.hpp"

namespace {

using namespace brood;

constexpr size_t kFixed = 2 + 8 + sizeof(WaiterSet);
const Deadline kNow = Deadline::after_ms(0);

void demand(bool holds) {
  if (!holds) abort();
}

struct World {
  World() {
    arena = std::move(*Arena::create(kSmallestArena));
    me = *arena->members().reserve(kNobody);
    demand(arena->members().join(me, 1, 1).ok());
    holdings = std::make_unique<Holdings>(*arena, me.slot);
    rack = std::make_shared<BellRack>(*arena, me);
  }
  std::unique_ptr<Arena> arena;
  MemberId me;
  std::unique_ptr<Holdings> holdings;
  std::shared_ptr<BellRack> rack;
};

World& world() {
  static auto* the_world = new World;
  return *the_world;
}

void use(const LockView& lock) {
  BellRack& rack = *world().rack;
  (void)lock.acquire(rack, 7, kNow, nullptr);
  (void)lock.recover(rack, 7);
  (void)lock.release(rack, 7);
  (void)lock.locked();
}

void use(Lock& lock) { use(lock.view()); }

void use(Semaphore& semaphore) {
  BellRack& rack = *world().rack;
  (void)semaphore.acquire(rack, kNow, nullptr);
  (void)semaphore.release(rack, 1);
  (void)semaphore.value();
}

void use(Condition& condition) {
  BellRack& rack = *world().rack;
  auto lock = Lock::create(*world().holdings, false);
  demand(lock && lock->view().acquire(rack, 0, kNow, nullptr));
  (void)condition.signal(2);
  (void)condition.wait(rack, lock->view(), 0, kNow, nullptr);
  (void)condition.signal(UINT32_MAX);
  demand(lock->view().release(rack, 0).ok());
}

void use(Event& event) {
  (void)event.wait(*world().rack, kNow, nullptr);
  event.set();
  demand(event.is_set());
  event.clear();
}

void use(Barrier& barrier) {
  BellRack& rack = *world().rack;
  (void)barrier.arrive(rack, kNow, nullptr);
  (void)barrier.open();
  barrier.abort();
  demand(barrier.broken());
  barrier.reset();
  demand(!barrier.broken() && barrier.waiting() == 0);
}

void use(RwLock& lock) {
  BellRack& rack = *world().rack;
  (void)lock.acquire_read(rack, kNow, nullptr);
  (void)lock.release_read(rack);
  (void)lock.acquire_write(rack, kNow, nullptr);
  (void)lock.release_write(rack);
}

void use(SharedArray& array) {
  const uint64_t room = world().arena->heap().size_of(array.held().offset());
  const auto begin =
      static_cast<uint64_t>(array.elements() - reinterpret_cast<std::byte*>(array.held().header()));
  demand(begin + array.bytes() <= room);
  const uint64_t last = array.shape().count - 1;
  (void)array.add_int(last, 1);
  (void)array.add_float(last, 1);
  (void)array.get_int(last);
  (void)array.set_int(last, 1);
  demand(!array.get_int(array.shape().count));
  std::byte element[16];
  (void)array.read(last, 1, {element, std::min<size_t>(array.shape().element_size, 16)});
  use(array.lock());
}

template <class Object>
void take(Result<Object> made, const uint8_t* data, size_t size) {
  demand(made.ok());
  ObjectHeader* header = made->held().header();
  const uint64_t room = world().arena->heap().size_of(made->held().offset()) - sizeof *header;
  std::memcpy(&header->bytes, data + 2, 8);
  std::memcpy(static_cast<void*>(&header->waiters), data + 10, sizeof(WaiterSet));
  std::memcpy(object_data(header), data + kFixed, std::min<size_t>(size - kFixed, room));
  auto taken = Object::from(made->held());
  if (!taken) return;
  if ((data[1] & 1) != 0) (void)taken->ready();
  use(*taken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kFixed) return 0;
  Holdings& holdings = *world().holdings;
  switch (data[0] % 7) {
    case 0:
      take(Lock::create(holdings, true), data, size);
      break;
    case 1:
      take(Semaphore::create(holdings, 4, 4, true), data, size);
      break;
    case 2:
      take(Condition::create(holdings, 4), data, size);
      break;
    case 3:
      take(Event::create(holdings), data, size);
      break;
    case 4:
      take(Barrier::create(holdings, 2), data, size);
      break;
    case 5:
      take(RwLock::create(holdings, 4), data, size);
      break;
    default:
      take(SharedArray::create(holdings, {ElementType::Int64, 0, 8, true}), data, size);
  }
  return 0;
}
