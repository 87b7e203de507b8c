// Items that a process has taken and not finished: each has a ticket, a piece of the process's own
// that its reaper returns to the ring (shm/parts). Whoever works at the reading end next settles
// what came back: it is delivered again, or counted as lost.
#include <new>

#include "channel/ring.hpp"

namespace brood {

Ticket* Ring::ticket_at(Offset piece) const {
  if (arena().heap().size_of(piece) < sizeof(Ticket)) return nullptr;
  return reinterpret_cast<Ticket*>(arena().at(piece, sizeof(Ticket)));
}

// A lease of an item that nobody has taken so far.
Result<Offset> Ring::make_ticket(Ticket::Kind kind, uint64_t number, size_t bytes) {
  auto piece = arena().heap().allocate(sizeof(Ticket) + bytes, holdings_.me());
  if (!piece) return piece;
  auto* ticket = new (arena().at(*piece, sizeof(Ticket))) Ticket{};
  ticket->lease.side.store(arena().offset_of(&shared_.head), std::memory_order_relaxed);
  ticket->lease.number.store(number, std::memory_order_relaxed);
  ticket->kind = kind;
  return piece;
}

// ---- taken -------------------------------------------------------------------------------------

Status Ring::open_ticket(uint64_t number) {
  new_tickets_.reserve(new_tickets_.size() + 1);
  open_tickets_.reserve(open_tickets_.size() + new_tickets_.size() + 1);
  auto ticket = make_ticket(Ticket::Taken, number, 0);
  if (!ticket) return ticket.error();
  head_parts_.lease(*ticket);
  new_tickets_.push_back(*ticket);
  return {};
}

void Ring::drop_new_tickets() {
  for (const Offset ticket : new_tickets_) {
    if (head_parts_.drop_lease(ticket)) (void)arena().heap().free(ticket, holdings_.me());
  }
  new_tickets_.clear();
}

Status Ring::note_in_hand(uint64_t number) {
  if (in_hand_ == nullptr) {
    auto hand = make_ticket(Ticket::Hand, UINT64_MAX, 0);
    if (!hand) return hand.error();
    head_parts_.lease(*hand);
    hand_ = *hand;
    in_hand_ = &ticket_at(hand_)->lease.number;
  }
  // Before the commit: until then nothing with that number was taken.
  in_hand_->store(number, std::memory_order_relaxed);
  return {};
}

Status Ring::finish_one(const Deadline& deadline, const CancelToken* cancel) {
  if (!counts_finished()) {
    return Error(Code::State, "the queue does not count what is finished: create it as joinable");
  }
  {
    const SideLock lock(*this, shared_.head, shared_.head_lock, deadline, cancel);
    BROOD_TRY(lock.status());
    if (open_tickets_.empty()) {
      return Error(Code::State, "this process has taken nothing that it has not finished");
    }
    const Offset ticket = open_tickets_.front();
    open_tickets_.erase(open_tickets_.begin());
    BROOD_TRY(finish(ticket, false, 0));
  }
  if (all_finished()) shared_.joiners.wake_all(arena().members());
  return {};
}

// Ends a ticket of ours, or one that came back, with the chunk that it may name. Under the lock.
Status Ring::finish(Offset ticket, bool returned, uint64_t lost) {
  const SideWord before = head_word();
  shared_.head.pending.store(before.word, std::memory_order_relaxed);
  const Ticket* shared = ticket_at(ticket);
  if (shared == nullptr) return damaged();
  const bool hand = shared->kind == Ticket::Hand;
  const Offset chunk = shared->chunk.offset;
  const bool mine = returned ? head_parts_.finish_returned(ticket) : head_parts_.finish(ticket);
  if (!mine) return damaged();
  const bool with_chunk = chunk != 0 && head_parts_.leave(chunk, shared_.tail);
  write_state(shared_.head, before, cursor_of(shared_.head, before), hand ? 0 : 1, lost);
  // The commit: nothing passed, but the other state holds.
  shared_.head.word.store(before.after(0).word, std::memory_order_release);
  head_parts_.finished(ticket);
  if (with_chunk) {
    head_parts_.left(chunk);
    Chunk::free(holdings_, chunk);
  }
  (void)arena().heap().free(ticket, holdings_.me());
  return {};
}

Status Ring::join(const Deadline& deadline, const CancelToken* cancel) {
  if (!counts_finished()) {
    return Error(Code::State, "the queue does not count what is finished: create it as joinable");
  }
  for (;;) {
    const uint64_t seen = returned_.load(std::memory_order_seq_cst);
    BROOD_TRY(settle(deadline, cancel));
    if (all_finished()) return {};
    // What is to be delivered again stays counted as returned: only news wake us.
    const uint64_t left = returned_.load(std::memory_order_seq_cst);
    if (seen != left && left != 0) continue;
    BROOD_TRY(Waiter::current(*rack_).wait_on(
        shared_.joiners, deadline, cancel,
        [&] { return all_finished() || returned_.load(std::memory_order_seq_cst) != left; },
        [] { return false; }));
  }
}

// ---- leases ------------------------------------------------------------------------------------

Result<LeasedItem> Ring::lease(const Deadline& deadline, const CancelToken* cancel) {
  for (;;) {
    if (has_something()) {
      auto leased = try_lease(deadline, cancel);
      // A wake that was meant for this thread is another's now.
      if (!leased) shared_.takers.wake_one(arena().members());
      if (!leased) return leased;
      if (leased->ticket != 0) {
        if (bounded_) shared_.putters.wake_one(arena().members());
        return leased;
      }
    }
    BROOD_TRY(wait_for_item(deadline, cancel, {}));
  }
}

// No ticket when there is nothing.
Result<LeasedItem> Ring::try_lease(const Deadline& deadline, const CancelToken* cancel) {
  const SideLock lock(*this, shared_.head, shared_.head_lock, deadline, cancel);
  BROOD_TRY(lock.status());
  if (has_returned()) {
    auto ticket = settle_returned();
    if (!ticket) return ticket.error();
    if (*ticket != 0) {
      auto message = leased_message(*ticket);
      if (!message) return message.error();
      if (!head_parts_.lease_again(*ticket)) return damaged();
      return LeasedItem{*ticket, std::move(*message)};
    }
  }
  const SideWord before = head_word();
  if (available(before, 1) == 0) return LeasedItem();
  return lease_next(before);
}

Result<LeasedItem> Ring::lease_next(SideWord before) {
  Cursor cursor = cursor_of(shared_.head, before);
  leaving_.reserve(2);
  new_tickets_.reserve(1);
  GetUndo undo(*this);
  shared_.head.pending.store(before.word, std::memory_order_relaxed);
  auto record = next_record(cursor);
  if (!record) return record.error();
  const bool inside = record->header.kind == kRingInline;
  auto piece = make_ticket(Ticket::Leased, before.items(), inside ? record->size : 0);
  if (!piece) return piece.error();
  new_tickets_.push_back(*piece);
  Ticket& ticket = *ticket_at(*piece);
  ticket.codec = record->header.codec;
  // The chunk stays the ring's.
  ticket.chunk = {inside ? 0 : record->chunk.offset, record->size, record->chunk.refs};
  if (inside && record->size > 0)
    std::memcpy(arena().at(*piece + sizeof(Ticket), record->size), record->data, record->size);
  head_parts_.lease(*piece);
  auto message = leased_message(*piece);
  if (!message) return message.error();
  cursor.bytes += record->size;
  commit(before, cursor, 1);
  undo.dismiss();
  new_tickets_.clear();
  finish_leaving();
  return LeasedItem{*piece, std::move(*message)};
}

// A view of the message that a ticket stands for.
Result<Message::Ptr> Ring::leased_message(Offset piece) const {
  Ticket* ticket = ticket_at(piece);
  if (ticket == nullptr) return damaged();
  const auto codec = static_cast<uint8_t>(ticket->codec);
  const ChunkRecord chunk = ticket->chunk;
  if (chunk.offset != 0) return Chunk::borrow(holdings_, chunk.name(), codec);
  if (chunk.size > arena().heap().size_of(piece) - sizeof(Ticket)) return damaged();
  return Message::borrow(reinterpret_cast<std::byte*>(ticket + 1), chunk.size, codec);
}

Status Ring::acknowledge(Offset ticket, const Deadline& deadline, const CancelToken* cancel) {
  {
    const SideLock lock(*this, shared_.head, shared_.head_lock, deadline, cancel);
    BROOD_TRY(lock.status());
    BROOD_TRY(finish(ticket, false, 0));
  }
  if (counts_finished() && all_finished()) shared_.joiners.wake_all(arena().members());
  return {};
}

void Ring::give_back(Offset ticket) {
  if (!head_parts_.give_back(ticket)) return;
  // After the tag: if this process dies in between, its reaper counts it.
  returned_.fetch_add(1, std::memory_order_seq_cst);
  shared_.takers.wake_one(arena().members());
  shared_.joiners.wake_all(arena().members());
}

// ---- what came back ----------------------------------------------------------------------------

Status Ring::settle(const Deadline& deadline, const CancelToken* cancel) {
  if (!has_returned()) return {};
  const SideLock lock(*this, shared_.head, shared_.head_lock, deadline, cancel);
  BROOD_TRY(lock.status());
  auto again = settle_returned();
  return again ? Status() : Status(again.error());
}

// Under the lock. The ticket of an item that is to be delivered again; 0 when there is none.
Result<Offset> Ring::settle_returned() {
  const uint64_t seen = returned_.load(std::memory_order_seq_cst);
  Offset again = 0;
  Status status;
  visit_returned(arena(), shared_.head.object.load(std::memory_order_relaxed), [&](Offset piece) {
    const Ticket* ticket = ticket_at(piece);
    if (ticket != nullptr && ticket->kind == Ticket::Leased) {
      if (again == 0 || ticket->lease.number < ticket_at(again)->lease.number) again = piece;
    } else if (status) {
      status = finish(piece, true, 1);
    }
  });
  BROOD_TRY(status);
  // Whatever comes back from now on is counted anew.
  uint64_t expected = seen;
  if (again == 0) returned_.compare_exchange_strong(expected, 0, std::memory_order_seq_cst);
  if (counts_finished() && all_finished()) shared_.joiners.wake_all(arena().members());
  return again;
}

// For who did not ask for a lease: a copy.
Result<Message::Ptr> Ring::deliver_again(Offset ticket) {
  auto leased = leased_message(ticket);
  if (!leased) return leased;
  Message::Ptr message = Message::copy((*leased)->data(), (*leased)->size(), (*leased)->codec());
  for (const Held& held : (*leased)->handles()) BROOD_TRY(message->attach(held));
  if (remember_ == Remember::All) {
    open_tickets_.reserve(open_tickets_.size() + 1);
    if (!head_parts_.lease_again(ticket)) return damaged();
    open_tickets_.push_back(ticket);
  } else {
    BROOD_TRY(finish(ticket, true, 0));
  }
  return message;
}

uint64_t Ring::count_returned() const {
  uint64_t count = 0;
  visit_returned(arena(), shared_.head.object.load(std::memory_order_relaxed), [&](Offset piece) {
    const Ticket* ticket = ticket_at(piece);
    count += ticket != nullptr && ticket->kind == Ticket::Leased;
  });
  return count;
}

}  // namespace brood
