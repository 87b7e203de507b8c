// Runs of blocks: claimed block by block, each by a CAS that names the claimer, and committed by
// the head's tag. Also where memory comes from and goes to.
#include <algorithm>

#include "platform/platform.hpp"
#include "shm/heap.hpp"

namespace brood {

namespace {

constexpr uint64_t kBudgetBytes = 64 << 20;
constexpr auto kBudgetTime = std::chrono::milliseconds(50);

constexpr uint64_t pack_hint(uint64_t version, uint32_t block) { return version << 32 | block; }

}  // namespace

Result<Offset> Heap::allocate_large(uint64_t bytes, MemberSlot owner) {
  const uint64_t wanted = (bytes - 1) / kBlockBytes + 1;
  if (wanted > layout_.blocks) {
    return Error(Code::NoMemory, std::to_string(bytes) + " bytes are more than the family's " +
                                     std::to_string(layout_.blocks * kBlockBytes));
  }
  const auto count = static_cast<uint32_t>(wanted);
  auto head = claim_run(count, owner);
  if (!head) return head.error();
  const Status ready = commit_run(*head, count, owner);
  if (!ready) {
    unclaim(*head, count);
    return ready.error();
  }
  record(*head).run.store(count, std::memory_order_relaxed);
  // The commit. Pairs with the acquire in find(): who sees the piece sees its length.
  record(*head).tag.store(Tag(TagState::Owned, owner).word(), std::memory_order_release);
  return block_offset(*head);
}

Result<uint32_t> Heap::claim_run(uint32_t count, MemberSlot owner) {
  auto first = claim_first_fit(count, owner, true);
  if (first && *first != kNoBlock) return first;
  // The hint and the jumps over runs may have missed a place that was freed meanwhile.
  if (first) first = claim_first_fit(count, owner, false);
  if (first && *first == kNoBlock && close_empty_regions(owner) > 0) {
    first = claim_first_fit(count, owner, false);
  }
  if (first && *first == kNoBlock) {
    return Error(Code::NoMemory, "no room for " + std::to_string(count * kBlockBytes) +
                                     " bytes in one piece in the family's shared memory of " +
                                     std::to_string(layout_.bytes));
  }
  return first;
}

// kNoBlock when there is no place; an error when the table itself cannot get memory.
Result<uint32_t> Heap::claim_first_fit(uint32_t count, MemberSlot owner, bool from_hint) {
  // Pairs with the release in lower_hint().
  const uint64_t hint = control_->lowest.load(std::memory_order_acquire);
  uint32_t from = from_hint ? static_cast<uint32_t>(hint) : 0;
  uint32_t hole = kNoBlock;
  for (;;) {
    const uint32_t first = search_run(count, from, from_hint, hole);
    if (first == kNoBlock) return kNoBlock;
    BROOD_TRY(make_records_ready(first + count));
    const uint32_t claimed = claim(first, count, owner);
    if (claimed == count) {
      // Raised only if nobody freed anything meanwhile, which changes the version.
      uint64_t seen = hint;
      const uint64_t raised = pack_hint(hint >> 32, std::min(hole, first + count));
      if (from_hint) {
        control_->lowest.compare_exchange_strong(seen, raised, std::memory_order_relaxed);
      }
      return first;
    }
    unclaim(first, claimed);
    from = first + claimed + 1;
  }
}

uint32_t Heap::search_run(uint32_t count, uint32_t from, bool skip, uint32_t& hole) const {
  const uint32_t end = ready();
  uint32_t run = 0;
  for (uint64_t block = from; block < layout_.blocks;) {
    // Blocks whose records are not there yet are all free.
    if (block >= end) {
      const uint64_t first = block - run;
      return first + count <= layout_.blocks ? static_cast<uint32_t>(first) : kNoBlock;
    }
    const BlockRecord& seen = record(static_cast<uint32_t>(block));
    // Pairs with the commit in allocate_large(): the length belongs to this tag or an older one.
    const Tag tag(seen.tag.load(std::memory_order_acquire));
    if (tag.state() == TagState::Free) {
      if (++run == count) return static_cast<uint32_t>(block) - count + 1;
      ++block;
      continue;
    }
    if (run > 0 && hole == kNoBlock) hole = static_cast<uint32_t>(block) - run;
    run = 0;
    const bool jump = skip && tag.is_piece();
    block += jump ? std::max(seen.run.load(std::memory_order_relaxed), 1u) : 1u;
  }
  return kNoBlock;
}

uint32_t Heap::count_committed(uint32_t first, uint32_t count) const {
  uint32_t committed = 0;
  for (uint32_t block = first; block < first + count; ++block) {
    committed += record(block).flags.load(std::memory_order_relaxed) & kCommitted;
  }
  return committed;
}

// Claims blocks from `first` on until one is taken; returns how many it got.
uint32_t Heap::claim(uint32_t first, uint32_t count, MemberSlot owner) {
  const uint64_t part = Tag(TagState::Part, owner, first).word();
  uint32_t claimed = 0;
  for (; claimed < count; ++claimed) {
    uint64_t seen = 0;
    // Acquire: pairs with the release that freed it, so that the last owner's writes are over.
    if (!record(first + claimed)
             .tag.compare_exchange_strong(seen, part, std::memory_order_acq_rel)) {
      break;
    }
  }
  if (const uint32_t cached = count_committed(first, claimed)) {
    control_->cached.fetch_sub(cached, std::memory_order_relaxed);
  }
  return claimed;
}

// The head last: as long as it is ours, a part that names it cannot be anybody else's.
void Heap::unclaim(uint32_t first, uint32_t count) {
  if (count == 0) return;
  if (const uint32_t cached = count_committed(first, count)) {
    control_->cached.fetch_add(cached, std::memory_order_relaxed);
  }
  for (uint32_t block = first + count; block-- > first;) {
    record(block).tag.store(0, std::memory_order_release);
  }
  lower_hint(first);
}

// Frees the rest of a run whose head says Freeing: in release(), or by a reaper after that was
// killed.
void Heap::finish_free(uint32_t head) {
  const uint32_t run =
      std::min(record(head).run.load(std::memory_order_relaxed), layout_.blocks - head);
  int64_t cached = count_committed(head, run);
  for (uint32_t block = head + run; block-- > head + 1;) {
    uint64_t seen = record(block).tag.load(std::memory_order_relaxed);
    const Tag part(seen);
    // Freed already, before a crash, and perhaps somebody else's by now.
    if (part.state() != TagState::Part || part.aux() != head) continue;
    record(block).tag.compare_exchange_strong(seen, 0, std::memory_order_release);
  }
  record(head).tag.store(0, std::memory_order_release);
  if (cached != 0) control_->cached.fetch_add(cached, std::memory_order_relaxed);
  lower_hint(head);
}

// The end of the run goes back to the system, as far as more would be cached than allowed.
void Heap::give_back_above_limit(uint32_t head) {
  const uint32_t run =
      std::min(record(head).run.load(std::memory_order_relaxed), layout_.blocks - head);
  const int64_t limit = kCachedLimit / kBlockBytes;
  const int64_t cached = std::max<int64_t>(control_->cached.load(std::memory_order_relaxed), 0);
  const int64_t above = cached + run - limit;
  if (above <= 0) return;
  const auto count = static_cast<uint32_t>(std::min<int64_t>(above, run));
  decommit(head + run - count, count);
}

// Of blocks that are claimed. The flags first: a crash in between costs a needless commit later,
// the other way round it would leave blocks that claim to have memory.
void Heap::decommit(uint32_t first, uint32_t count) {
  for (uint32_t block = first; block < first + count; ++block) {
    record(block).flags.fetch_and(~uint32_t{kCommitted}, std::memory_order_release);
  }
  platform::decommit_shared(fd_, block_offset(first), count * kBlockBytes);
}

void Heap::lower_hint(uint32_t block) {
  uint64_t seen = control_->lowest.load(std::memory_order_relaxed);
  uint64_t lowered;
  do {
    lowered = pack_hint((seen >> 32) + 1, std::min(static_cast<uint32_t>(seen), block));
    // Pairs with the acquire in claim_first_fit(): who sees the hint sees the free block.
  } while (!control_->lowest.compare_exchange_weak(seen, lowered, std::memory_order_release));
}

Status Heap::make_records_ready(uint32_t blocks) {
  uint32_t known = ready();
  if (blocks <= known) return {};
  const uint64_t page = platform::page_size();
  const uint64_t from = known * kBlockRecordBytes / page * page;
  const uint64_t to = (blocks * kBlockRecordBytes + page - 1) / page * page;
  BROOD_TRY(platform::commit_shared(fd_, layout_.records_at + from, to - from));
  const auto now_ready =
      static_cast<uint32_t>(std::min<uint64_t>(to / kBlockRecordBytes, layout_.blocks));
  // Only grows. Pairs with the acquire in ready().
  while (known < now_ready && !control_->records_ready.compare_exchange_weak(
                                  known, now_ready, std::memory_order_release)) {
  }
  return {};
}

Status Heap::commit_run(uint32_t first, uint32_t count, MemberSlot owner) {
  const auto has_memory = [&](uint32_t block) {
    return (record(block).flags.load(std::memory_order_relaxed) & kCommitted) != 0;
  };
  uint32_t block = first;
  while (block < first + count) {
    if (has_memory(block)) {
      ++block;
      continue;
    }
    uint32_t end = block + 1;
    while (end < first + count && !has_memory(end)) ++end;
    BROOD_TRY(commit(block_offset(block), (end - block) * kBlockBytes, owner));
    // The flag after the memory: a crash in between costs a needless commit later.
    for (; block < end; ++block) {
      record(block).flags.fetch_or(kCommitted, std::memory_order_release);
    }
  }
  return {};
}

Status Heap::commit(Offset offset, uint64_t bytes, MemberSlot owner) {
  for (bool last_try = false;; last_try = true) {
    Status status = check_headroom(bytes);
    if (status) status = platform::commit_shared(fd_, offset, bytes);
    if (status || status.code() != Code::NoMemory || last_try) return status;
    trim(0, owner);
  }
}

Status Heap::check_headroom(uint64_t bytes) {
  std::lock_guard lock(budget_mutex_);
  const auto now = Clock::now();
  if (bytes <= budget_bytes_ && now < budget_until_) {
    budget_bytes_ -= bytes;
    return {};
  }
  const uint64_t room = platform::memory_headroom(system_root_);
  if (bytes > room) {
    budget_bytes_ = 0;
    return Error(Code::NoMemory, "no memory for " + std::to_string(bytes) +
                                     " more bytes: the machine, or a control group, has " +
                                     std::to_string(room) + " left");
  }
  // An eighth: other members look at the same number.
  budget_bytes_ = std::min<uint64_t>((room - bytes) / 8, kBudgetBytes);
  budget_until_ = now + kBudgetTime;
  return {};
}

void Heap::trim(uint64_t keep_bytes, MemberSlot by) {
  close_empty_regions(by);
  const auto keep = static_cast<int64_t>(keep_bytes / kBlockBytes);
  for (uint32_t block = ready(); block-- > 0;) {
    if (control_->cached.load(std::memory_order_relaxed) <= keep) return;
    const bool free = record(block).tag.load(std::memory_order_relaxed) == 0;
    if (!free || count_committed(block, 1) == 0) continue;
    if (claim(block, 1, by) != 1) continue;
    decommit(block, 1);
    unclaim(block, 1);
  }
}

}  // namespace brood
