// Where everything lies in the arena. It follows from the arena's size alone, so that nobody has to
// believe an offset that another process wrote.
//
//   0            header      one page
//   members_at   members     a page for each slot
//   control_at   heap        a page: what all members' allocations share
//   records_at   records     16 bytes for each 64 KiB block
//   tags_at      slot tags   8 KiB for each block: a word for each small slot that may lie in it
//   data_at      blocks      64 KiB each, up to the end
//
// Nothing of it takes memory before it is used.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace brood {

// A place in the arena, counted from its beginning; 0 is nowhere.
using Offset = uint64_t;
// A member's number; 0 is nobody.
using MemberSlot = uint16_t;
inline constexpr MemberSlot kNobody = 0;
inline constexpr uint32_t kMostMembers = 4096;  // slot 0 included

inline constexpr uint64_t kBlockBytes = 64 * 1024;
inline constexpr uint64_t kSmallestSlot = 64;
inline constexpr uint64_t kBlockRecordBytes = 16;
inline constexpr uint64_t kBlockTagBytes = kBlockBytes / kSmallestSlot * sizeof(uint64_t);
inline constexpr uint64_t kMemberBytes = 4096;
inline constexpr uint64_t kSmallestArena = 16 << 20;
inline constexpr uint64_t kLargestArena = uint64_t{32} << 40;

struct Layout {
  uint64_t bytes = 0;
  uint32_t members = 0;
  uint32_t blocks = 0;
  Offset members_at = 0;
  Offset control_at = 0;
  Offset records_at = 0;
  Offset tags_at = 0;
  Offset data_at = 0;
};

// Parts begin on multiples of a block, which is a multiple of every page size.
constexpr uint64_t round_to_block(uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

// `bytes` between kSmallestArena and kLargestArena.
constexpr Layout layout_of(uint64_t bytes) {
  Layout layout;
  layout.bytes = bytes;
  layout.members =
      static_cast<uint32_t>(std::clamp<uint64_t>(bytes / (256 * 1024), 64, kMostMembers));
  layout.members_at = kBlockBytes;
  layout.control_at = layout.members_at + round_to_block(layout.members * kMemberBytes);
  layout.records_at = layout.control_at + kBlockBytes;
  const uint64_t left = bytes - layout.records_at - 3 * kBlockBytes;
  layout.blocks = static_cast<uint32_t>(left / (kBlockBytes + kBlockTagBytes + kBlockRecordBytes));
  layout.tags_at = layout.records_at + round_to_block(layout.blocks * kBlockRecordBytes);
  layout.data_at = layout.tags_at + round_to_block(layout.blocks * kBlockTagBytes);
  return layout;
}
static_assert(layout_of(kSmallestArena).data_at + layout_of(kSmallestArena).blocks * kBlockBytes <=
              kSmallestArena);
static_assert(layout_of(kLargestArena).data_at + layout_of(kLargestArena).blocks * kBlockBytes <=
              kLargestArena);

}  // namespace brood
