#include "sync/lock.hpp"

namespace brood {

constinit thread_local uint64_t LockView::thread_token_ = 0;

uint64_t LockView::make_thread_token() {
  static std::atomic<uint64_t> threads{0};
  // Only the number matters: a thread's address may be another's later.
  return thread_token_ = kThreadTokens | (threads.fetch_add(1, std::memory_order_relaxed) + 1);
}

bool LockView::held(BellRack& rack, uint64_t owner) const {
  return recursive_ ? is_owner(rack.me(), token_for(owner)) : state_.word.held_by(rack.me());
}

bool LockView::acquire_again(MemberId me, uint64_t token) const {
  if (!is_owner(me, token)) return false;
  const uint32_t depth = state_.depth.load(std::memory_order_relaxed);
  state_.depth.store(depth + 1, std::memory_order_relaxed);
  return true;
}

Status LockView::acquire_slowly(BellRack& rack, uint64_t owner, Deadline deadline,
                                const CancelToken* cancel) const {
  BROOD_TRY(
      brood::acquire_slowly(rack, state_.word, waiters_, deadline, cancel, Abandoned::Refuse));
  if (recursive_) become_owner(rack.me(), token_for(owner), 1);
  return {};
}

Status LockView::refuse_release(OwnerWord seen, MemberId me) {
  if (seen.free()) {
    return Error(Code::State, "the lock is not held: it was released more often than acquired");
  }
  if (seen.holder() == me) {
    return Error(Code::State, "the lock is held by another owner in this process");
  }
  return Error(Code::State, "the lock is held by another process: only its holder can release it");
}

uint32_t LockView::release_all(BellRack& rack) const {
  const uint32_t depth = recursive_ ? state_.depth.load(std::memory_order_relaxed) : 1;
  if (recursive_) state_.token_of.store(0, std::memory_order_relaxed);
  brood::release(rack, state_.word, waiters_);
  return depth;
}

Status LockView::acquire_all(BellRack& rack, uint64_t owner, uint32_t depth) const {
  BROOD_TRY(
      brood::acquire(rack, state_.word, waiters_, Deadline::forever(), nullptr, Abandoned::Refuse));
  if (recursive_) become_owner(rack.me(), token_for(owner), depth);
  return {};
}

Status LockView::recover(BellRack& rack, uint64_t owner) const {
  const OwnerWord seen = state_.word.look();
  if (seen.free() || !rack.arena().members().is_gone(seen.holder())) {
    return Error(Code::State, "there is nothing to recover: the lock is free, or its holder lives");
  }
  if (!state_.word.take_from(seen, rack.me(), platform::current_cpu())) {
    return Error(Code::State, "the lock was recovered by somebody else just now");
  }
  if (recursive_) become_owner(rack.me(), token_for(owner), 1);
  return {};
}

Result<Lock> Lock::create(Holdings& holdings, bool recursive) {
  auto held = holdings.create(ObjectType::Lock, sizeof(LockState));
  if (!held) return held.error().with_context("making a lock");
  reinterpret_cast<LockState*>(held->data())->recursive = recursive;
  return Lock(std::move(*held), recursive);
}

Result<Lock> Lock::from(Held held) {
  BROOD_TRY(expect(held, ObjectType::Lock, sizeof(LockState), "a lock's"));
  const bool recursive = reinterpret_cast<const LockState*>(held.data())->recursive != 0;
  return Lock(std::move(held), recursive);
}

}  // namespace brood
