#include "sync/rw_lock.hpp"

namespace brood {

namespace {

constexpr uint64_t name_of(MemberId member) {
  return static_cast<uint64_t>(member.generation) << 32 | member.slot;
}

}  // namespace

Result<RwLock> RwLock::create(Holdings& holdings, uint32_t readers) {
  auto held = holdings.create(ObjectType::RwLock, state_bytes(readers));
  if (!held) return held.error().with_context("making a read-write lock");
  reinterpret_cast<RwLockState*>(held->data())->places = readers;
  return RwLock(std::move(*held), readers);
}

Result<RwLock> RwLock::from(Held held) {
  constexpr const char* kWhat = "a read-write lock's";
  BROOD_TRY(expect(held, ObjectType::RwLock, state_bytes(0), kWhat));
  const uint32_t places = reinterpret_cast<const RwLockState*>(held.data())->places;
  if (places == 0 || places > kMostReaders) {
    return Error(Code::Protocol, "the read-write lock's handle is damaged");
  }
  BROOD_TRY(expect(held, ObjectType::RwLock, state_bytes(places), kWhat));
  return RwLock(std::move(held), places);
}

// By a writer that had begun to write: one that still waited for readers did no harm. Or by who
// recovered it, and died before it was its own: then `writing` still names the first.
bool RwLock::abandoned(OwnerWord writer) const {
  return !writer.free() && members().is_gone(writer.holder()) &&
         state().writing.load(std::memory_order_seq_cst) != 0;
}

bool RwLock::ready() const {
  const OwnerWord writer = state().writer.look();
  return writer.free() || members().is_gone(writer.holder());
}

bool RwLock::try_read(MemberId me, bool& died) const {
  if (!ready()) return false;
  for (uint32_t index = 0; index < places_; ++index) {
    OwnerLock& place = state().readers[index];
    const OwnerWord seen = place.look();
    if (!seen.free() && !members().is_gone(seen.holder())) continue;
    if (!place.take_from(seen, me, platform::current_cpu())) continue;
    // Sequentially consistent: a writer takes its word first and looks at the places then.
    const OwnerWord writer = state().writer.look();
    died = abandoned(writer);
    if (!died && (writer.free() || members().is_gone(writer.holder()))) return true;
    // Another thread of this process may have given back this place instead of its own.
    while (!give_back_place(me)) {
    }
    state().ended.wake_one(members());
    return died;
  }
  return false;
}

// Places are this process's, not a thread's: any of them is as good.
bool RwLock::give_back_place(MemberId me) const {
  for (uint32_t index = 0; index < places_; ++index) {
    OwnerLock& place = state().readers[index];
    const OwnerWord seen = place.look();
    if (seen.holder() == me && place.release_from(seen)) return true;
  }
  return false;
}

Status RwLock::acquire_read(BellRack& rack, Deadline deadline, const CancelToken* cancel) const {
  bool died = false;
  const OwnerLock& writer = state().writer;
  Status status = wait_for_holders(
      rack, *waiters(), deadline, cancel, [&] { return try_read(rack.me(), died); },
      [&] { return true; }, writer.look().cpu(),
      [&] { look_after(arena(), writer.look().holder(), rack.me()); });
  if (status && died) return Error(Code::OwnerDied);
  return status;
}

bool RwLock::no_readers() const {
  for (uint32_t index = 0; index < places_; ++index) {
    const OwnerWord seen = state().readers[index].look();
    if (!seen.free() && !members().is_gone(seen.holder())) return false;
  }
  return true;
}

// The writer's word is ours: as soon as the readers have ended, so is the data.
Status RwLock::begin_writing(BellRack& rack, Deadline deadline, const CancelToken* cancel) const {
  const auto look_after_readers = [&] {
    for (uint32_t index = 0; index < places_; ++index) {
      look_after(arena(), state().readers[index].look().holder(), rack.me());
    }
  };
  Status status = wait_for_holders(
      rack, state().ended, deadline, cancel, [&] { return no_readers(); }, [] { return false; },
      Waiter::kNoSpin, look_after_readers);
  if (status) {
    state().writing.store(name_of(rack.me()), std::memory_order_seq_cst);
  } else {
    state().writer.release();
    waiters()->wake_all(members());
  }
  return status;
}

Status RwLock::acquire_write(BellRack& rack, Deadline deadline, const CancelToken* cancel) const {
  OwnerLock& writer = state().writer;
  bool died = false;
  const auto attempt = [&] {
    const OwnerWord seen = writer.look();
    if (!seen.free() && !members().is_gone(seen.holder())) return false;
    died = abandoned(seen);
    return died || writer.take_from(seen, rack.me(), platform::current_cpu());
  };
  BROOD_TRY(wait_for_holders(
      rack, *waiters(), deadline, cancel, attempt, [&] { return died; }, writer.look().cpu(),
      [&] { look_after(arena(), writer.look().holder(), rack.me()); }));
  if (died) return Error(Code::OwnerDied);
  return begin_writing(rack, deadline, cancel);
}

Status RwLock::release_read(BellRack& rack) const {
  if (!give_back_place(rack.me())) {
    return Error(Code::State, "this process does not hold the lock for reading");
  }
  state().ended.wake_one(members());
  // One who found all places taken, if there is no writer.
  waiters()->wake_one(members());
  return {};
}

Status RwLock::release_write(BellRack& rack) const {
  const OwnerWord seen = state().writer.look();
  if (seen.holder() != rack.me() ||
      state().writing.load(std::memory_order_relaxed) != name_of(rack.me())) {
    return Error(Code::State, "this process does not hold the lock for writing");
  }
  state().writing.store(0, std::memory_order_relaxed);
  state().writer.release();
  waiters()->wake_all(members());
  return {};
}

Status RwLock::recover(BellRack& rack) const {
  const OwnerWord seen = state().writer.look();
  if (!abandoned(seen)) {
    return Error(Code::State, "there is nothing to recover: no writer died with the lock");
  }
  if (!state().writer.take_from(seen, rack.me(), platform::current_cpu())) {
    return Error(Code::State, "the lock was recovered by somebody else just now");
  }
  return begin_writing(rack, Deadline::forever(), nullptr);
}

}  // namespace brood
