#include "sync/lock.hpp"

namespace brood {

namespace {

// The API refuses tokens as large as these.
constexpr uint64_t kThreadTokens = uint64_t{1} << 63;

uint64_t token_for(uint64_t owner) {
  if (owner != 0) return owner;
  static std::atomic<uint64_t> threads{0};
  // Only the number matters: a thread's address may be another's later.
  thread_local const uint64_t mine =
      kThreadTokens | (threads.fetch_add(1, std::memory_order_relaxed) + 1);
  return mine;
}

constexpr uint64_t name_of(MemberId member) {
  return static_cast<uint64_t>(member.generation) << 32 | member.slot;
}

}  // namespace

bool LockView::is_owner(MemberId me, uint64_t token) const {
  // Pairs with become_owner(): the token is there before whose it is.
  return state_.word.held_by(me) &&
         state_.token_of.load(std::memory_order_acquire) == name_of(me) &&
         state_.token.load(std::memory_order_relaxed) == token;
}

void LockView::become_owner(MemberId me, uint64_t token, uint32_t depth) {
  state_.token.store(token, std::memory_order_relaxed);
  state_.depth.store(depth, std::memory_order_relaxed);
  state_.token_of.store(name_of(me), std::memory_order_release);
}

bool LockView::held(BellRack& rack, uint64_t owner) const {
  return recursive_ ? is_owner(rack.me(), token_for(owner)) : state_.word.held_by(rack.me());
}

Status LockView::acquire_again(BellRack& rack, uint64_t owner, Deadline deadline,
                               const CancelToken* cancel) {
  const uint64_t token = token_for(owner);
  if (is_owner(rack.me(), token)) {
    const uint32_t depth = state_.depth.load(std::memory_order_relaxed);
    if (depth == UINT32_MAX) return Error(Code::State, "the lock was acquired too often");
    state_.depth.store(depth + 1, std::memory_order_relaxed);
    return {};
  }
  BROOD_TRY(brood::acquire(rack, state_.word, waiters_, deadline, cancel, Abandoned::Refuse));
  become_owner(rack.me(), token, 1);
  return {};
}

// Also whatever is wrong with a release.
Status LockView::release_again(BellRack& rack, uint64_t owner) {
  const OwnerWord seen = state_.word.look();
  if (seen.free()) {
    return Error(Code::State, "the lock is not held: it was released more often than acquired");
  }
  if (seen.holder() != rack.me()) {
    return Error(Code::State,
                 "the lock is held by another process: only its holder can release it");
  }
  if (!recursive_) return Error(Code::State, "the lock was released by another thread just now");
  if (!is_owner(rack.me(), token_for(owner))) {
    return Error(Code::State, "the lock is held by another owner in this process");
  }
  const uint32_t depth = state_.depth.load(std::memory_order_relaxed);
  if (depth > 1) {
    state_.depth.store(depth - 1, std::memory_order_relaxed);
    return {};
  }
  (void)release_all(rack);
  return {};
}

uint32_t LockView::release_all(BellRack& rack) {
  const uint32_t depth = recursive_ ? state_.depth.load(std::memory_order_relaxed) : 1;
  if (recursive_) state_.token_of.store(0, std::memory_order_relaxed);
  brood::release(rack, state_.word, waiters_);
  return depth;
}

Status LockView::acquire_all(BellRack& rack, uint64_t owner, uint32_t depth) {
  BROOD_TRY(
      brood::acquire(rack, state_.word, waiters_, Deadline::forever(), nullptr, Abandoned::Refuse));
  if (recursive_) become_owner(rack.me(), token_for(owner), depth);
  return {};
}

Status LockView::recover(BellRack& rack, uint64_t owner) {
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
