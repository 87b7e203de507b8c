#include "channel/ring.hpp"

namespace brood {

Ring::Ring(RingShared& shared, ObjectHeader& object, Holdings& holdings,
           std::shared_ptr<BellRack> rack)
    : shared_(shared),
      holdings_(holdings),
      rack_(std::move(rack)),
      me_(rack_->me()),
      returned_(object.returned),
      most_items_(shared.capacity_items != 0 ? shared.capacity_items : UINT64_MAX),
      most_bytes_(shared.capacity_bytes != 0 ? shared.capacity_bytes : UINT64_MAX),
      bounded_(shared.capacity_items != 0 || shared.capacity_bytes != 0),
      one_may_exceed_(shared.one_may_exceed != 0),
      remember_(static_cast<Remember>(shared.remember)),
      tail_parts_(holdings.arena(), holdings.me(), shared.tail),
      head_parts_(holdings.arena(), holdings.me(), shared.head),
      unfenced_(platform::join_fences()) {}

Ring::~Ring() {
  if (hand_ != 0 && head_parts_.drop_lease(hand_)) (void)arena().heap().free(hand_, holdings_.me());
  // Nobody here can finish them any more.
  for (const Offset ticket : open_tickets_) give_back(ticket);
}

// ---- positions ---------------------------------------------------------------------------------

Ring::Passed Ring::passed(const RingSide& side) {
  for (;;) {
    // Acquire: the state was written before the word pointed to it.
    const SideWord word{side.word.load(std::memory_order_acquire)};
    const SideState& state = side.states[word.state()];
    const Passed seen{word.items(), state.bytes.load(std::memory_order_relaxed),
                      state.finished.load(std::memory_order_relaxed),
                      state.lost.load(std::memory_order_relaxed)};
    // The state is not written again before the word has changed once.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (side.word.load(std::memory_order_relaxed) == word.word) return seen;
  }
}

// Looked at once; the segments of a ring are all alike, so that it does not matter which life of a
// piece was seen.
std::byte* Ring::find_segment(KnownSegment& cache, Offset offset) const {
  const Tag tag = arena().heap().tag_of(offset);
  const bool part = tag.state() == TagState::Kept || tag.state() == TagState::Joining;
  if (!part || arena().heap().size_of(offset) < kSegmentBytes) return nullptr;
  cache = {offset, arena().at(offset, kSegmentBytes)};
  return cache.data;
}

Error Ring::damaged() {
  return Error(Code::Protocol, "a queue's memory is damaged: it names what is not there");
}

// ---- looks -------------------------------------------------------------------------------------

uint64_t Ring::length() const {
  // The head first: it never passes the tail that is read after it.
  const uint64_t taken = head_word().items();
  return tail_word().items() - taken + (has_returned() ? count_returned() : 0);
}

RingCounts Ring::counts() const {
  const Passed head = passed(shared_.head);
  return {tail_word().items(), head.items, head.finished, head.lost};
}

void Ring::shut_down() {
  // One RMW, without the lock: a put that has not committed before it is refused (ring_put.cpp).
  shared_.tail.word.fetch_or(SideWord::kClosed, std::memory_order_seq_cst);
  const Members& members = arena().members();
  shared_.takers.wake_all(members);
  shared_.putters.wake_all(members);
  shared_.joiners.wake_all(members);
}

// ---- locks -------------------------------------------------------------------------------------

void Ring::SideLock::wait(const Deadline& deadline, const CancelToken* cancel) {
  const Deadline patience = deadline.is_now() ? Deadline::after_ms(kPatienceMs) : deadline;
  status_ = acquire_slowly(rack_, side_.lock, waiters_, patience, cancel, Abandoned::Take,
                           WaitersFence::Yes);
}

}  // namespace brood
