// Memory in the arena, taken and given back by any member without a lock: a process that is stopped
// or killed in the middle of it blocks nobody, and its reaper finds by the tags (shm/tag) what it
// had.
//
// Up to 32 KiB a piece is a slot in a region: a block of 64 KiB cut into slots of one size class,
// with one tag word for each slot. Larger pieces are runs of blocks with one tag word for each
// block. A member takes slots from regions of its own, so that two processes seldom write to the
// same line; regions of the dead, and in need everybody's, serve all.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "base/shared_pod.hpp"
#include "shm/layout.hpp"
#include "shm/tag.hpp"

namespace brood {

inline constexpr int kSizeClasses = 16;
// Every class but the first is a multiple of 128, so that no two slots share a line.
inline constexpr std::array<uint32_t, kSizeClasses> kClassBytes = {
    64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 32768};

// What is known of a block of 64 KiB.
//   0  tag
//   8  run      a head's number of blocks, written before the tag says that it is one
//   12 flags    which memory is there; whether a region may have a free slot
struct BlockRecord {
  std::atomic<uint64_t> tag;
  std::atomic<uint32_t> run;
  std::atomic<uint32_t> flags;
};
static_assert(SharedPod<BlockRecord> && sizeof(BlockRecord) == kBlockRecordBytes);

// What all members' allocations share. Everything here but `records_ready` may be wrong after a
// crash, until the reaper has been: it only says where to look first.
//   0    lowest         version << 32 | a block below which none is free
//   64   records_ready  records below have memory
//   128  cached         free blocks that still have memory
//   256  freed          for each class, how often a full region got a free slot again
struct HeapControl {
  std::atomic<uint64_t> lowest;
  alignas(64) std::atomic<uint32_t> records_ready;
  alignas(64) std::atomic<int64_t> cached;
  alignas(256) std::atomic<uint64_t> freed[kSizeClasses];
};
static_assert(SharedPod<HeapControl> && offsetof(HeapControl, cached) == 128 &&
              offsetof(HeapControl, freed) == 256);

class Heap {
 public:
  Heap(std::byte* base, int fd, const Layout& layout);
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // At least `bytes`, 64-byte aligned (128 from 65 bytes on), with whatever was there before in it.
  // NoMemory when the machine, a control group or the arena has no more.
  Result<Offset> allocate(size_t bytes, MemberSlot owner);
  // The same, all zeros.
  Result<Offset> allocate_zeroed(size_t bytes, MemberSlot owner);
  // State, and nothing happens, for what is not owned by `owner`: freed before, or somebody else's.
  Status free(Offset offset, MemberSlot owner);
  // How many bytes a piece has room for; 0 for what is none.
  size_t size_of(Offset offset) const;
  // What the tag says of the piece that begins at `offset`; free for what is none.
  Tag tag_of(Offset offset) const;

  // Says that the record at `position` of the member's result lane will hand the piece over: when
  // the lane's tail passes it, it is sent, whether the member lives or not.
  Status begin_send(Offset offset, MemberSlot owner, uint64_t position);
  // Takes a piece that `from` has sent; also one whose sender was reaped meanwhile.
  Status take(Offset offset, MemberSlot from, MemberSlot owner);
  // Says that the piece begins with a RefList, laid out already.
  Status mark_carrying(Offset offset, MemberSlot owner);
  // Owned by `owner` -> lives as long as its ObjectHeader says. And the end of that, once.
  Status make_object(Offset offset, MemberSlot owner);
  Status free_object(Offset offset, MemberSlot by);
  // The end of an object whose parts are gone (shm/parts).
  Status free_dying(Offset offset, MemberSlot by);

  // Bytes in pieces that are not free: exact when nobody allocates, for tests and statistics.
  uint64_t live_bytes() const;
  // Gives the memory of free blocks back to the system, regions without a slot in use included,
  // until at most `keep_bytes` are cached.
  void trim(uint64_t keep_bytes, MemberSlot by);
  // Above this, memory that is freed goes back to the system.
  static constexpr uint64_t kCachedLimit = 256 << 20;

  // ---- for the reaper ----

  // Calls `visit(offset, tag)` for each piece, free ones left out. Pieces that change meanwhile may
  // be seen or not.
  template <class Visit>
  void visit_pieces(Visit&& visit) const;
  // Replaces a piece's tag if it still is `from`.
  bool change_tag(Offset offset, Tag from, Tag to);
  // Finishes or undoes what `dead` was doing to blocks and regions, and looks after the hints.
  void repair(MemberSlot dead);

  // For tests: `root` stands before the files that tell how much memory is left.
  void set_system_root(std::string root) { system_root_ = std::move(root); }

 private:
  enum Flag : uint32_t {
    kCommitted = 1,      // the block has memory
    kTagsCommitted = 2,  // its slot tags have memory
    kMaybeFree = 4,      // a region: it may have a free slot. Cleared only by who then looks again.
    kSlotsShift = 16,    // above: the most slots the block ever had
  };
  struct Place {
    std::atomic<uint64_t>* tag = nullptr;  // null: no piece begins there
    uint32_t block = 0;
    int size_class = -1;  // -1: a run
  };
  // Where a thread looks for a slot of a class next: block << 16 | index, or kNowhere.
  struct Cursor {
    std::atomic<uint64_t> at{UINT64_MAX};
    // version of HeapControl::freed << 32 | a block below which no region of ours had a free slot
    // then
    std::atomic<uint64_t> searched{0};
  };
  static constexpr uint64_t kNowhere = UINT64_MAX;
  static constexpr uint32_t kStripes = 4;
  static constexpr uint32_t kNoBlock = UINT32_MAX;
  struct alignas(kFalseSharing) Stripe {
    std::array<Cursor, kSizeClasses> cursors;
  };

  // heap.cpp
  Place find(Offset offset) const;
  BlockRecord& record(uint32_t block) const { return records_[block]; }
  std::atomic<uint64_t>& slot_tag(uint32_t block, uint32_t index) const {
    return tags_[static_cast<uint64_t>(block) * (kBlockBytes / kSmallestSlot) + index];
  }
  Offset block_offset(uint32_t block) const { return layout_.data_at + block * kBlockBytes; }
  uint32_t ready() const;
  Status hand(Offset offset, Tag from, Tag to);
  Status release(Offset offset, Tag expected, MemberSlot by);

  // heap_small.cpp
  Cursor& cursor(int size_class);
  Result<Offset> allocate_small(int size_class, MemberSlot owner);
  bool take_slot(uint32_t block, uint32_t index, int size_class, MemberSlot owner);
  bool take_from_region(Cursor& cursor, uint32_t block, uint32_t from, int size_class,
                        MemberSlot owner, Offset& out);
  Result<uint32_t> find_region(Cursor& cursor, int size_class, MemberSlot owner);
  uint32_t find_known_region(Cursor& cursor, int size_class, MemberSlot owner);
  uint32_t find_anybodys_region(int size_class) const;
  bool may_have_free_slot(uint32_t block, int size_class, Tag& tag) const;
  bool search_region(Cursor& cursor, uint32_t block, uint32_t from, int size_class,
                     MemberSlot owner, Offset& out);
  Result<uint32_t> make_region(int size_class, MemberSlot owner);
  void note_free_slot(uint32_t block, uint32_t index, int size_class, MemberSlot by);
  uint32_t close_empty_regions(MemberSlot by);
  bool close_region(uint32_t block, MemberSlot by);

  // heap_large.cpp
  Result<Offset> allocate_large(uint64_t bytes, MemberSlot owner);
  Result<uint32_t> claim_run(uint32_t count, MemberSlot owner);
  Result<uint32_t> claim_first_fit(uint32_t count, MemberSlot owner, bool from_hint);
  uint32_t search_run(uint32_t count, uint32_t from, bool skip, uint32_t& hole) const;
  uint32_t count_committed(uint32_t first, uint32_t count) const;
  uint32_t claim(uint32_t first, uint32_t count, MemberSlot owner);
  void unclaim(uint32_t first, uint32_t count);
  void finish_free(uint32_t head);
  void give_back_above_limit(uint32_t head);
  void decommit(uint32_t first, uint32_t count);
  void lower_hint(uint32_t block);
  Status make_records_ready(uint32_t blocks);
  Status commit_run(uint32_t first, uint32_t count, MemberSlot owner);
  Status commit(Offset offset, uint64_t bytes, MemberSlot owner);
  Status check_headroom(uint64_t bytes);

  // heap_repair.cpp
  void repair_block(uint32_t block, MemberSlot dead);
  void repair_part(uint32_t block, Tag part);
  void forget_stray_slots(uint32_t block, MemberSlot dead);

  std::byte* base_;
  int fd_;
  Layout layout_;
  HeapControl* control_;
  BlockRecord* records_;
  std::atomic<uint64_t>* tags_;
  std::array<Stripe, kStripes> stripes_;

  // What may be committed before the headroom is looked at again, and until when.
  std::mutex budget_mutex_;
  uint64_t budget_bytes_ = 0;
  Clock::time_point budget_until_{};
  std::string system_root_;
};

constexpr uint32_t slots_in_region(int size_class) {
  return static_cast<uint32_t>(kBlockBytes / kClassBytes[static_cast<size_t>(size_class)]);
}

template <class Visit>
void Heap::visit_pieces(Visit&& visit) const {
  const uint32_t end = ready();
  for (uint32_t block = 0; block < end; ++block) {
    // Pairs with the commits of the tags: who sees the tag sees what it stands for.
    const Tag tag(record(block).tag.load(std::memory_order_acquire));
    if (tag.is_piece()) visit(block_offset(block), tag);
    const bool region = tag.state() == TagState::Region || tag.state() == TagState::Closing;
    if (!region || tag.aux() >= kSizeClasses) continue;
    const int size_class = static_cast<int>(tag.aux());
    for (uint32_t index = 0; index < slots_in_region(size_class); ++index) {
      const Tag slot(slot_tag(block, index).load(std::memory_order_acquire));
      if (slot.state() == TagState::Free) continue;
      visit(block_offset(block) + index * kClassBytes[static_cast<size_t>(size_class)], slot);
    }
  }
}

}  // namespace brood
