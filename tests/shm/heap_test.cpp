// The heap: sizes, states, what is refused, running out, giving back, many threads at once.
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "family.hpp"

namespace brood::test {
namespace {

void every_size_fits_and_is_aligned(void**) {
  Family family;
  std::vector<Offset> pieces;
  for (size_t bytes :
       {0, 1, 63, 64, 65, 100, 500, 4096, 5000, 32768, 32769, 65536, 65537, 1000000}) {
    const auto piece = family.heap().allocate(bytes, family.host.slot);
    assert_true(piece.ok());
    assert_true(family.heap().size_of(*piece) >= bytes);
    assert_int_equal(*piece % (bytes <= 64 ? 64 : 128), 0);
    std::byte* data = family.arena->at(*piece, bytes);
    assert_non_null(data);
    std::memset(data, 0xab, bytes);
    pieces.push_back(*piece);
  }
  assert_true(family.heap().live_bytes() >= 1000000);
  for (const Offset piece : pieces) assert_true(family.heap().free(piece, family.host.slot).ok());
  assert_int_equal(family.heap().live_bytes(), 0);
}

void zeroed_memory_shows_nothing_old(void**) {
  Family family;
  for (size_t bytes : {64, 3000, 200000}) {
    const auto old = family.heap().allocate(bytes, family.host.slot);
    std::memset(family.arena->at(*old, bytes), 0x5a, bytes);
    assert_true(family.heap().free(*old, family.host.slot).ok());
    const auto fresh = family.heap().allocate_zeroed(bytes, family.host.slot);
    const std::byte* data = family.arena->at(*fresh, bytes);
    assert_true(std::all_of(data, data + bytes, [](std::byte b) { return b == std::byte{0}; }));
  }
}

void wrong_frees_are_refused(void**) {
  Family family;
  const MemberId other = family.join(family.host.slot);
  for (size_t bytes : {100, 100000}) {
    const auto piece = family.heap().allocate(bytes, family.host.slot);
    assert_int_equal(static_cast<int>(family.heap().free(*piece, other.slot).code()),
                     static_cast<int>(Code::State));
    assert_false(family.heap().free(*piece + 1, family.host.slot).ok());
    assert_false(family.heap().free(*piece + kBlockBytes, family.host.slot).ok());
    assert_true(family.heap().free(*piece, family.host.slot).ok());
    assert_false(family.heap().free(*piece, family.host.slot).ok());
  }
  assert_false(family.heap().free(0, family.host.slot).ok());
  assert_false(family.heap().free(UINT64_MAX, family.host.slot).ok());
  assert_false(family.heap().free(family.arena->bytes(), family.host.slot).ok());
}

void pieces_are_handed_over(void**) {
  Family family;
  const MemberId worker = family.join(family.host.slot);
  for (size_t bytes : {100, 100000}) {
    const auto piece = family.heap().allocate(bytes, worker.slot);
    assert_false(family.heap().begin_send(*piece, family.host.slot, 0).ok());
    assert_true(family.heap().begin_send(*piece, worker.slot, 4711).ok());
    assert_int_equal(family.heap().tag_of(*piece).aux(), 4711);
    assert_false(family.heap().free(*piece, worker.slot).ok());
    assert_false(family.heap().take(*piece, family.host.slot, family.host.slot).ok());
    assert_true(family.heap().take(*piece, worker.slot, family.host.slot).ok());
    assert_false(family.heap().take(*piece, worker.slot, family.host.slot).ok());
    assert_true(family.heap().free(*piece, family.host.slot).ok());
  }
}

void running_out_is_an_error_and_passes(void**) {
  Family family(16 << 20);
  std::vector<Offset> pieces;
  for (;;) {
    const auto piece = family.heap().allocate(1 << 20, family.host.slot);
    if (!piece) {
      assert_int_equal(static_cast<int>(piece.error().code()), static_cast<int>(Code::NoMemory));
      break;
    }
    pieces.push_back(*piece);
  }
  assert_true(pieces.size() >= 10);
  assert_false(family.heap().allocate(uint64_t{1} << 40, family.host.slot).ok());
  for (const Offset piece : pieces) assert_true(family.heap().free(piece, family.host.slot).ok());
  // Everything cut into small slots, freed, and wanted in one piece again.
  pieces.clear();
  for (;;) {
    const auto piece = family.heap().allocate(64, family.host.slot);
    if (!piece) break;
    pieces.push_back(*piece);
  }
  assert_true(pieces.size() > 100000);
  for (const Offset piece : pieces) assert_true(family.heap().free(piece, family.host.slot).ok());
  const auto large = family.heap().allocate(8 << 20, family.host.slot);
  assert_true(large.ok());
}

uint64_t memory_used(const Arena& arena) {
  struct stat info {};
  assert_int_equal(fstat(arena.fd(), &info), 0);
  return static_cast<uint64_t>(info.st_blocks) * 512;
}

void memory_goes_back_to_the_system(void**) {
  Family family(uint64_t{2} << 30);
  const uint64_t before = memory_used(*family.arena);
  const auto piece = family.heap().allocate(400 << 20, family.host.slot);
  assert_true(piece.ok());
  assert_true(memory_used(*family.arena) >= before + (400 << 20));
  assert_true(family.heap().free(*piece, family.host.slot).ok());
  const uint64_t cached = memory_used(*family.arena) - before;
  assert_true(cached <= Heap::kCachedLimit + (4 << 20));
  assert_true(cached >= Heap::kCachedLimit - (4 << 20));
  const auto small = family.heap().allocate(100, family.host.slot);
  assert_true(family.heap().free(*small, family.host.slot).ok());
  family.heap().trim(0, family.host.slot);
  assert_true(memory_used(*family.arena) - before < (4 << 20));
  assert_true(family.heap().allocate(1 << 20, family.host.slot).ok());
}

struct Hammer {
  Family& family;
  std::atomic<uint64_t> broken{0};

  void run(MemberSlot me, unsigned seed, int turns) {
    std::mt19937 random(seed);
    struct Piece {
      Offset offset;
      size_t bytes;
      uint64_t mark;
    };
    std::vector<Piece> mine;
    for (int turn = 0; turn < turns; ++turn) {
      if (mine.size() > 40 || (!mine.empty() && random() % 3 == 0)) {
        const size_t at = random() % mine.size();
        const Piece piece = mine[at];
        mine[at] = mine.back();
        mine.pop_back();
        check(piece.offset, piece.bytes, piece.mark);
        if (!family.heap().free(piece.offset, me)) ++broken;
        continue;
      }
      const size_t bytes = random() % 20 == 0 ? 40000 + random() % 300000 : 16 + random() % 3000;
      const auto piece = family.heap().allocate(bytes, me);
      if (!piece) continue;
      const uint64_t mark = random() * uint64_t{0x9e3779b97f4a7c15};
      fill(*piece, bytes, mark);
      mine.push_back({*piece, bytes, mark});
    }
    for (const Piece& piece : mine) {
      check(piece.offset, piece.bytes, piece.mark);
      if (!family.heap().free(piece.offset, me)) ++broken;
    }
  }
  void fill(Offset offset, size_t bytes, uint64_t mark) {
    std::byte* data = family.arena->at(offset, bytes);
    std::memcpy(data, &mark, 8);
    std::memcpy(data + bytes - 8, &mark, 8);
  }
  void check(Offset offset, size_t bytes, uint64_t mark) {
    const std::byte* data = family.arena->at(offset, bytes);
    if (std::memcmp(data, &mark, 8) != 0 || std::memcmp(data + bytes - 8, &mark, 8) != 0) ++broken;
  }
};

void threads_and_members_hammer(void**) {
  Family family(32 << 20);
  Hammer hammer{family};
  std::atomic<bool> stop{false};
  std::thread trimmer([&] {
    while (!stop) {
      family.heap().trim(0, family.host.slot);
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> threads;
  for (unsigned index = 0; index < 8; ++index) {
    const MemberSlot me = index % 2 == 0 ? family.host.slot : family.join(family.host.slot).slot;
    threads.emplace_back([&, me, index] { hammer.run(me, index, 30000); });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  trimmer.join();
  assert_int_equal(hammer.broken, 0);
  assert_int_equal(family.heap().live_bytes(), 0);
}

void the_dead_leave_nothing(void**) {
  Family family;
  const MemberId worker = family.join(family.host.slot);
  std::atomic<uint64_t>* tail = nullptr;
  const auto lane = family.heap().allocate_zeroed(4096, family.host.slot);
  tail = reinterpret_cast<std::atomic<uint64_t>*>(family.arena->at(*lane, 8));
  family.members().set_result_tail(worker.slot, *lane);
  *tail = 100;
  const auto committed = family.heap().allocate(100000, worker.slot);
  const auto lost = family.heap().allocate(300, worker.slot);
  for (size_t bytes : {64, 1000, 300000}) (void)family.heap().allocate(bytes, worker.slot);
  assert_true(family.heap().begin_send(*committed, worker.slot, 64).ok());
  assert_true(family.heap().begin_send(*lost, worker.slot, 100).ok());

  assert_true(reap(*family.arena, worker, family.host.slot));
  assert_true(family.heap().take(*committed, worker.slot, family.host.slot).ok());
  assert_false(family.heap().take(*lost, worker.slot, family.host.slot).ok());
  assert_true(family.heap().free(*committed, family.host.slot).ok());
  assert_true(family.heap().free(*lane, family.host.slot).ok());
  assert_int_equal(family.heap().live_bytes(), 0);
  assert_int_equal(family.join(family.host.slot).slot, worker.slot);
  // Late news of the same death.
  assert_true(reap(*family.arena, worker, family.host.slot));
  assert_int_equal(static_cast<int>(family.members().word(worker.slot).state()),
                   static_cast<int>(MemberState::Live));
}

}  // namespace
}  // namespace brood::test

int main() {
  using namespace brood::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_size_fits_and_is_aligned),
      cmocka_unit_test(zeroed_memory_shows_nothing_old),
      cmocka_unit_test(wrong_frees_are_refused),
      cmocka_unit_test(pieces_are_handed_over),
      cmocka_unit_test(running_out_is_an_error_and_passes),
      cmocka_unit_test(memory_goes_back_to_the_system),
      cmocka_unit_test(threads_and_members_hammer),
      cmocka_unit_test(the_dead_leave_nothing),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
