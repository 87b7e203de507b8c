// The arena's header, and the member table.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <vector>

#include "family.hpp"

namespace brood::test {
namespace {

Code attach_code(int fd) {
  auto copy = platform::duplicate(fd);
  assert_true(copy.ok());
  auto arena = Arena::attach(std::move(*copy));
  return arena ? Code::Ok : arena.error().code();
}

void sizes_have_limits(void**) {
  assert_int_equal(static_cast<int>(Arena::create(1 << 20).error().code()),
                   static_cast<int>(Code::Invalid));
  assert_int_equal(static_cast<int>(Arena::create(UINT64_MAX).error().code()),
                   static_cast<int>(Code::Invalid));
  auto arena = Arena::create();
  assert_true(arena.ok());
  assert_true((*arena)->bytes() >= uint64_t{1} << 30);
}

void an_arena_takes_no_memory_before_use(void**) {
  auto arena = Arena::create();
  struct stat info {};
  assert_int_equal(fstat((*arena)->fd(), &info), 0);
  assert_true(info.st_blocks * 512 <= 64 * 1024);
}

void two_mappings_are_one_memory(void**) {
  Family family;
  auto copy = platform::duplicate(family.arena->fd());
  auto other = Arena::attach(std::move(*copy));
  assert_true(other.ok());
  assert_true((*other)->id() == family.arena->id());
  const auto piece = family.heap().allocate(100, family.host.slot);
  std::memcpy(family.arena->at(*piece, 100), "hello", 6);
  assert_string_equal(reinterpret_cast<char*>((*other)->at(*piece, 100)), "hello");
  assert_true((*other)->heap().free(*piece, family.host.slot).ok());
}

void places_are_checked(void**) {
  Family family;
  const uint64_t end = family.arena->bytes();
  assert_null(family.arena->at(0, 1));
  assert_null(family.arena->at(end, 1));
  assert_null(family.arena->at(end - 1, 2));
  assert_null(family.arena->at(UINT64_MAX, 1));
  assert_null(family.arena->at(8, UINT64_MAX));
  assert_non_null(family.arena->at(end - 1, 1));
}

void wrong_files_are_refused(void**) {
  Family family;
  assert_int_equal(static_cast<int>(attach_code(family.arena->fd())), static_cast<int>(Code::Ok));
  // Every byte of the header's fixed part matters.
  std::byte* header = family.arena->at(8, 8) - 8;
  for (const size_t at : {0, 7, 8, 15, 16, 23}) {
    header[at] ^= std::byte{1};
    assert_int_equal(static_cast<int>(attach_code(family.arena->fd())),
                     static_cast<int>(Code::Protocol));
    header[at] ^= std::byte{1};
  }
  auto small = platform::create_shared_memory(4096);
  assert_int_equal(static_cast<int>(attach_code(small->get())), static_cast<int>(Code::Protocol));
  auto blank = platform::create_shared_memory(32 << 20);
  assert_int_equal(static_cast<int>(attach_code(blank->get())), static_cast<int>(Code::Protocol));
  auto null = platform::open_null();
  assert_false(attach_code(null->get()) == Code::Ok);
}

void the_size_is_sealed(void**) {
  Family family;
  assert_int_equal(ftruncate(family.arena->fd(), 4096), -1);
  assert_int_equal(ftruncate(family.arena->fd(), 1 << 30), -1);
}

void places_for_members_come_again(void**) {
  Family family(kSmallestArena);
  Members& members = family.members();
  MemberId id = family.join(family.host.slot);
  const MemberSlot slot = id.slot;
  for (uint32_t generation = id.generation; generation < 5; ++generation) {
    assert_true(members.is_live(id));
    assert_true(reap(*family.arena, id, family.host.slot));
    assert_false(members.is_live(id));
    // A process that comes too late does not get its successor's place.
    assert_false(members.join(id, 1, 1).ok());
    const MemberId next = family.join(family.host.slot);
    assert_int_equal(next.slot, slot);
    assert_false(members.join(id, 1, 1).ok());
    id = next;
  }
}

void a_full_table_is_an_error(void**) {
  Family family(kSmallestArena);
  Members& members = family.members();
  std::vector<MemberId> all;
  for (;;) {
    const auto id = members.reserve(family.host.slot);
    if (!id) {
      assert_int_equal(static_cast<int>(id.error().code()), static_cast<int>(Code::NoSpace));
      break;
    }
    all.push_back(*id);
  }
  assert_int_equal(all.size() + 2, members.count());
  members.cancel_reservation(all[3]);
  members.cancel_reservation(all[3]);
  assert_int_equal(members.reserve(family.host.slot)->slot, all[3].slot);
  assert_false(members.join({kNobody, 0}, 1, 1).ok());
  assert_false(members.join({5000, 0}, 1, 1).ok());
  assert_null(members.seat({5000, 0}));
  assert_null(members.seat({1, kBells}));
}

}  // namespace
}  // namespace brood::test

int main() {
  using namespace brood::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(sizes_have_limits),
      cmocka_unit_test(an_arena_takes_no_memory_before_use),
      cmocka_unit_test(two_mappings_are_one_memory),
      cmocka_unit_test(places_are_checked),
      cmocka_unit_test(wrong_files_are_refused),
      cmocka_unit_test(the_size_is_sealed),
      cmocka_unit_test(places_for_members_come_again),
      cmocka_unit_test(a_full_table_is_an_error),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
