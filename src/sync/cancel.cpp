#include "sync/cancel.hpp"

namespace brood {

namespace {

uint64_t registration_word(MemberId me, BellId bell) {
  return static_cast<uint64_t>(me.generation) << 32 | bell.pack();
}

// Made by a member that is alive: its bell must stay registered.
bool is_current(Arena& arena, uint64_t word) {
  const BellId bell = BellId::unpack(static_cast<uint32_t>(word));
  return arena.members().is_live({bell.slot, static_cast<uint32_t>(word >> 32)});
}

void ring_all_bells(Members& members) {
  for (MemberSlot slot = 1; slot < members.used(); ++slot) {
    Member& member = members.at(slot);
    const uint32_t used =
        std::min<uint32_t>(member.bells_used.load(std::memory_order_seq_cst), kBells);
    for (uint32_t index = 0; index < used; ++index) member.bells[index].bell.ring();
  }
}

}  // namespace

Result<CancelToken> CancelToken::create(Holdings& holdings) {
  auto held = holdings.create(ObjectType::Cancel, sizeof(CancelState));
  if (!held) return held.error().with_context("making a cancel token");
  return CancelToken(std::move(*held));
}

Result<CancelToken> CancelToken::from(Held held) {
  const ObjectHeader* header = held.header();
  if (header->type != static_cast<uint32_t>(ObjectType::Cancel) ||
      header->bytes < sizeof(CancelState)) {
    return Error(Code::Invalid, "the handle is not a cancel token's");
  }
  return CancelToken(std::move(held));
}

void CancelToken::fire() const {
  // Pairs with CancelRegistration: it registers first and looks at `fired` then, here it is the
  // other way round, so that one of the two sees the other.
  state().fired.store(1, std::memory_order_seq_cst);
  Members& members = held_.holdings().arena().members();
  const WaiterSet& waiters = held_.header()->waiters;
  for (const std::atomic<uint64_t>& place : waiters.bells) {
    const uint64_t word = place.load(std::memory_order_seq_cst);
    if (word != 0) members.ring(BellId::unpack(static_cast<uint32_t>(word)));
  }
  if (waiters.crowded.load(std::memory_order_seq_cst) != 0) ring_all_bells(members);
}

CancelRegistration::CancelRegistration(const CancelToken* cancel, Arena& arena, MemberId me,
                                       BellId bell) {
  if (cancel == nullptr) return;
  WaiterSet& waiters = cancel->held_.header()->waiters;
  word_ = registration_word(me, bell);
  for (std::atomic<uint64_t>& place : waiters.bells) {
    uint64_t seen = place.load(std::memory_order_relaxed);
    if (seen != 0 && is_current(arena, seen)) continue;
    // One CAS takes the place and says whose it is.
    if (!place.compare_exchange_strong(seen, word_, std::memory_order_seq_cst)) continue;
    place_ = &place;
    return;
  }
  waiters.crowded.store(1, std::memory_order_seq_cst);
}

CancelRegistration::~CancelRegistration() {
  if (place_ == nullptr) return;
  // Fails when somebody took this thread for dead, which the next holder of the place must not
  // suffer.
  place_->compare_exchange_strong(word_, 0, std::memory_order_release);
}

}  // namespace brood
