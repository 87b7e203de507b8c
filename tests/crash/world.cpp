#include "world.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "stepper.hpp"

namespace brood::crash {

namespace {

constexpr uint64_t kArenaBytes = 16 << 20;
constexpr uint64_t kPageBytes = 4096;
constexpr uint32_t kFewBlocks = 24;
// So that the sweep does not step through /proc: no file is found there, and no limit.
constexpr const char* kNoSystem = "/nonexistent";

MemberId join(Members& members, MemberSlot by) {
  auto id = members.reserve(by);
  if (!id || !members.join(*id, getpid(), 0)) abort();
  return *id;
}

}  // namespace

bool contains(const std::vector<MemberSlot>& slots, MemberSlot slot) {
  return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

World::World() {
  auto made = Arena::create(kArenaBytes);
  if (!made) {
    fprintf(stderr, "%s\n", made.error().message().c_str());
    exit(2);
  }
  arena = std::move(*made);
  heap().set_system_root(kNoSystem);
  control = static_cast<Control*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  host = join(members(), kNobody);
  victim = join(members(), host.slot);
  survivor = join(members(), host.slot);
  other = join(members(), host.slot);
  results = *heap().allocate_zeroed(lane_bytes(kLaneBytes), host.slot);
  tasks = *heap().allocate_zeroed(lane_bytes(kLaneBytes), host.slot);
  make_lane(arena->at(results, 1), kLaneBytes);
  make_lane(arena->at(tasks, 1), kLaneBytes);
  members().set_result_tail(victim.slot, lane_tail_at(results));
  base_live = heap().live_bytes();
  // The table's first page describes 256 blocks; fewer make shorter walks, and it grows when
  // needed.
  auto* shared =
      reinterpret_cast<HeapControl*>(arena->at(arena->layout().control_at, sizeof(HeapControl)));
  shared->records_ready = kFewBlocks;
  for_each_range([&](uint64_t offset, uint64_t size) {
    const std::byte* at = arena->at(8, 0) - 8 + offset;
    pristine_.push_back({offset, std::vector<std::byte>(at, at + size)});
  });
}

void World::for_each_range(const std::function<void(uint64_t, uint64_t)>& visit) const {
  off_t at = 0;
  for (;;) {
    const off_t begin = lseek(arena->fd(), at, SEEK_DATA);
    if (begin < 0) return;
    const off_t end = lseek(arena->fd(), begin, SEEK_HOLE);
    visit(static_cast<uint64_t>(begin), static_cast<uint64_t>(end - begin));
    at = end;
  }
}

void World::restore() {
  std::byte* base = arena->at(8, 0) - 8;
  // Only what a page of zeros is not: everything else is given back.
  for_each_range([&](uint64_t offset, uint64_t size) {
    platform::decommit_shared(arena->fd(), offset, size);
  });
  for (const Range& range : pristine_) {
    std::memcpy(base + range.offset, range.bytes.data(), range.bytes.size());
  }
  std::memset(static_cast<void*>(control), 0, sizeof *control);
}

uint64_t World::fingerprint() const {
  static const std::byte zeros[kPageBytes] = {};
  uint64_t hash = 1469598103934665603u;
  const std::byte* base = arena->at(8, 0) - 8;
  const Offset data_at = arena->layout().data_at;
  const auto add = [&](uint64_t from, uint64_t to) {
    for (; from < to; from += kPageBytes) {
      const uint64_t bytes = std::min(kPageBytes, to - from);
      // A page that was only looked at is there as well.
      if (std::memcmp(base + from, zeros, bytes) == 0) continue;
      const auto* words = reinterpret_cast<const uint64_t*>(base + from);
      hash ^= from;
      for (uint64_t index = 0; index < bytes / 8; ++index) {
        hash = (hash ^ words[index]) * 1099511628211u;
        hash ^= hash >> 29;
      }
    }
  };
  for_each_range([&](uint64_t offset, uint64_t size) {
    const uint64_t end = offset + size;
    if (offset < data_at) add(offset, std::min(end, data_at));
    // Of each block what lies first: lists, lanes, objects and the beginnings of messages.
    for (uint64_t at = std::max(offset, data_at); at < end; at += kBlockBytes) {
      add(at, std::min<uint64_t>(at + 12288, end));
    }
  });
  return hash;
}

uint64_t World::end() const { return begin() + kArenaBytes; }

Offset World::make_list(MemberSlot owner, uint64_t count) {
  const Offset piece = *heap().allocate_zeroed(ref_list_bytes(count), owner);
  reinterpret_cast<RefList*>(arena->at(piece, 16))->count = count;
  if (!heap().mark_carrying(piece, owner)) abort();
  return piece;
}

pid_t World::park_survivor(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(body());
  }
  for (int turn = 0; turn < 20000 && !sleeps_on_futex(pid); ++turn) usleep(50);
  return pid;
}

int World::outcome(pid_t survivor) {
  const auto end = Clock::now() + std::chrono::seconds(2);
  int status = 0;
  while (waitpid(survivor, &status, WNOHANG) == 0) {
    if (Clock::now() > end) {
      kill(survivor, SIGKILL);
      waitpid(survivor, &status, 0);
      return -1;
    }
    usleep(20);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string World::audit(const std::vector<MemberSlot>& dead, uint64_t live_bytes) {
  for (const MemberSlot slot : dead) {
    if (members().word(slot).state() != MemberState::Free)
      return "the dead member's slot is not free";
  }
  for (MemberSlot slot = 1; slot < members().used(); ++slot) {
    const MemberWord word = members().word(slot);
    const bool odd = word.state() != MemberState::Free && word.state() != MemberState::Live &&
                     word.state() != MemberState::Reserved;
    const bool held = word.state() == MemberState::Reserved && word.by() != host.slot;
    if (odd || held) return "a slot is left dead, reaping, or reserved by nobody alive";
  }
  std::string wrong = audit_blocks(dead);
  if (wrong.empty()) wrong = audit_counts();
  const uint64_t live = heap().live_bytes();
  if (wrong.empty() && live != live_bytes) {
    wrong = std::to_string(live) + " bytes in use, not " + std::to_string(live_bytes);
  }
  return wrong;
}

std::string World::audit_blocks(const std::vector<MemberSlot>& dead) {
  const Layout& layout = arena->layout();
  const auto* control_block =
      reinterpret_cast<const HeapControl*>(arena->at(layout.control_at, sizeof(HeapControl)));
  const auto* records = reinterpret_cast<const BlockRecord*>(arena->at(layout.records_at, 1));
  const auto* tags = reinterpret_cast<const std::atomic<uint64_t>*>(arena->at(layout.tags_at, 1));
  uint32_t covered_until = 0;
  uint32_t head = 0;
  for (uint32_t block = 0; block < control_block->records_ready; ++block) {
    const Tag tag(records[block].tag);
    const std::string where = "block " + std::to_string(block);
    if (block < covered_until) {
      if (tag.state() != TagState::Part || tag.aux() != head) return where + " is lost to its run";
    } else if (tag.is_piece()) {
      head = block;
      covered_until = block + records[block].run;
      if (contains(dead, tag.owner())) return where + " belongs to the dead";
    } else if (tag.state() != TagState::Free && tag.state() != TagState::Region) {
      return where + " is left in state " + std::to_string(static_cast<int>(tag.state()));
    } else if (tag.state() == TagState::Region && contains(dead, tag.owner())) {
      return where + " is the dead member's region";
    }
    constexpr uint32_t kTagsCommitted = 2;
    if ((records[block].flags & kTagsCommitted) == 0) continue;
    for (uint32_t index = 0; index < kBlockBytes / kSmallestSlot; ++index) {
      const Tag slot(tags[block * (kBlockBytes / kSmallestSlot) + index]);
      if (slot.state() != TagState::Free && contains(dead, slot.owner())) {
        return "slot " + std::to_string(index) + " of " + where + " belongs to the dead";
      }
    }
  }
  return "";
}

std::string World::audit_counts() {
  std::map<Offset, uint64_t> references;
  std::vector<Offset> objects;
  heap().visit_pieces([&](Offset piece, Tag tag) {
    if (tag.state() == TagState::Object) objects.push_back(piece);
    if (!tag.carries()) return;
    const RefList* list = ref_list_at(*arena, piece);
    for (uint64_t index = 0; list != nullptr && index < list->count; ++index) {
      if (list->refs[index] != 0) ++references[list->refs[index]];
    }
  });
  for (const Offset object : objects) {
    const auto* header = reinterpret_cast<const ObjectHeader*>(arena->at(object, 1));
    const LifeWord life{header->life};
    if (life.dying()) return "an object is left dying";
    if (header->magic != kObjectMagic) return "an object's header is damaged";
    if (life.count() != references[object]) {
      return "an object counts " + std::to_string(life.count()) + " references and has " +
             std::to_string(references[object]);
    }
    references.erase(object);
  }
  for (const auto& [object, count] : references) {
    if (count > 0) return "a reference to an object that is gone";
  }
  return "";
}

std::string World::exercise() {
  std::vector<Offset> pieces;
  for (const size_t bytes : {64, 64, 1000, 5000, 200000, 100}) {
    const auto piece = heap().allocate(bytes, host.slot);
    if (!piece) return "cannot allocate afterwards: " + piece.error().message();
    std::memset(arena->at(*piece, bytes), 'x', bytes);
    pieces.push_back(*piece);
  }
  const Offset list = make_list(host.slot, 2);
  const auto object = create_object(*arena, ObjectType::Cancel, 4, ref(list, 0), host.slot);
  if (!object) return "cannot make an object afterwards";
  if (!add_reference(*arena, *object, ref(list, 1), host.slot)) return "cannot refer afterwards";
  drop_reference(*arena, ref(list, 0), host.slot);
  drop_reference(*arena, ref(list, 1), host.slot);
  if (heap().tag_of(*object).state() != TagState::Free) return "the object did not go";
  pieces.push_back(list);
  for (const Offset piece : pieces) {
    if (!heap().free(piece, host.slot)) return "cannot free afterwards";
  }
  const auto next = members().reserve(host.slot);
  if (!next || !members().join(*next, getpid(), 1)) return "cannot join afterwards";
  return reap(*arena, *next, host.slot) ? "" : "cannot reap afterwards";
}

}  // namespace brood::crash
