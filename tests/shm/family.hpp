// A small family for tests: an arena, this process as its host, and what every test needs.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <memory>

#include "shm/arena.hpp"
#include "shm/holdings.hpp"
#include "shm/reaper.hpp"

// cmocka is C, wants these before it, and defines macros that the C++ library must not see.
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace brood::test {

struct Family {
  explicit Family(uint64_t bytes = 64 << 20) {
    auto made = Arena::create(bytes);
    assert_true(made.ok());
    arena = std::move(*made);
    host = join(kNobody);
  }

  MemberId join(MemberSlot by) {
    auto id = arena->members().reserve(by);
    assert_true(id.ok());
    assert_true(arena->members().join(*id, getpid(), 1).ok());
    return *id;
  }
  Heap& heap() { return arena->heap(); }
  Members& members() { return arena->members(); }

  std::unique_ptr<Arena> arena;
  MemberId host;
};

// Runs `body` in a child, which must exit with `expected`; kills it when it takes longer than 20 s.
inline void in_child(const std::function<int()>& body, int expected = 0) {
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    alarm(20);
    _exit(body());
  }
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), expected);
}

}  // namespace brood::test
