// What happens where the system refuses: system calls denied by seccomp, too little memory by its
// own account (read below a root of our own).
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "../fake_root.hpp"
#include "family.hpp"

namespace brood::test {
namespace {

// From here on the call fails with `error` in this process.
void deny(uint32_t number, uint16_t error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {4, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    _exit(99);
  }
}

// The child's exit code for an arena that cannot be made: 0 when the error names the call.
int refused(const char* named) {
  auto arena = Arena::create();
  if (arena) return 1;
  if (arena.error().code() != Code::Os) return 2;
  return arena.error().message().find(named) == std::string::npos ? 3 : 0;
}

int works() {
  auto arena = Arena::create(64 << 20);
  if (!arena) return 1;
  auto me = (*arena)->members().reserve(kNobody);
  if (!me || !(*arena)->members().join(*me, 1, 1)) return 2;
  for (const size_t bytes : {100, 1000000}) {
    auto piece = (*arena)->heap().allocate(bytes, me->slot);
    if (!piece || !(*arena)->heap().free(*piece, me->slot)) return 3;
  }
  (*arena)->heap().trim(0, me->slot);
  return 0;
}

void denied_calls_are_named(void**) {
  for (const uint16_t error : {ENOSYS, EPERM}) {
    in_child([=] {
      deny(SYS_memfd_create, error);
      return refused("memfd_create");
    });
    in_child([=] {
      deny(SYS_fallocate, error);
      return refused("fallocate");
    });
    in_child([=] {
      deny(SYS_madvise, error);
      return refused("madvise");
    });
  }
}

void denied_calls_that_are_not_needed(void**) {
  for (const uint32_t number : {SYS_fcntl, SYS_getrandom, SYS_openat, SYS_rseq, SYS_getcpu}) {
    for (const uint16_t error : {ENOSYS, EPERM}) {
      in_child([=] {
        deny(number, error);
        return works();
      });
    }
  }
}

void limits_of_the_process(void**) {
  in_child([] {
    const rlimit files = {1 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &files);
    auto arena = Arena::create();
    return !arena && arena.error().code() == Code::NoMemory ? 0 : 1;
  });
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they take it all
  in_child([] {
    // Less address space than the default arena wants: half and half again.
    const rlimit space = {uint64_t{6} << 30, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &space);
    auto arena = Arena::create();
    return arena && (*arena)->bytes() < uint64_t{6} << 30 ? 0 : 1;
  });
#endif
}

constexpr uint64_t kMiB = 1 << 20;

void headroom_is_the_least_of_all(void**) {
  assert_true(platform::memory_headroom() > 0);
  FakeRoot root;
  assert_true(platform::memory_headroom(root.path()) == UINT64_MAX);
  root.write("/proc/meminfo", "MemTotal: 9999999 kB\nMemAvailable:  1048576 kB\n");
  assert_true(platform::memory_headroom(root.path()) == 960 * kMiB);
  // Version 2, two levels; file pages can be had back.
  root.write("/proc/self/cgroup", "0::/outer/inner\n");
  root.write("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  root.write("/sys/fs/cgroup/outer/inner/memory.current", "1\n");
  assert_true(platform::memory_headroom(root.path()) == 960 * kMiB);
  root.write("/sys/fs/cgroup/outer/memory.max", std::to_string(160 * kMiB));
  root.write("/sys/fs/cgroup/outer/memory.current", std::to_string(100 * kMiB));
  assert_true(platform::memory_headroom(root.path()) == 50 * kMiB);
  root.write("/sys/fs/cgroup/outer/memory.stat",
             "inactive_file_x 1\ninactive_file " + std::to_string(20 * kMiB) + "\n");
  assert_true(platform::memory_headroom(root.path()) == 70 * kMiB);
  // Version 1 beside it.
  root.write("/proc/self/cgroup", "7:cpu:/a\n4:memory:/job\n0::/outer\n");
  root.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root.write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", std::to_string(32 * kMiB));
  root.write("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", std::to_string(40 * kMiB));
  assert_true(platform::memory_headroom(root.path()) == 0);
  root.write("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "nonsense");
  assert_true(platform::memory_headroom(root.path()) == 70 * kMiB);
  root.write("/proc/self/cgroup", "\n:\n::\nx:y\n4:memory:\n");
  assert_true(platform::memory_headroom(root.path()) == 960 * kMiB);
}

void a_limited_group_is_an_error_not_a_death(void**) {
  FakeRoot root;
  root.write("/proc/self/cgroup", "0::/\n");
  root.write("/sys/fs/cgroup/memory.max", std::to_string(64 * kMiB));
  root.write("/sys/fs/cgroup/memory.current", "0\n");
  Family family(uint64_t{1} << 30);
  family.heap().set_system_root(root.path());
  const auto much = family.heap().allocate(100 * kMiB, family.host.slot);
  assert_false(much.ok());
  assert_int_equal(static_cast<int>(much.error().code()), static_cast<int>(Code::NoMemory));
  const auto some = family.heap().allocate(20 * kMiB, family.host.slot);
  assert_true(some.ok());
  // Full now, it says; what is there already can be used again.
  root.write("/sys/fs/cgroup/memory.current", std::to_string(64 * kMiB));
  assert_false(family.heap().allocate(30 * kMiB, family.host.slot).ok());
  assert_true(family.heap().free(*some, family.host.slot).ok());
  assert_true(family.heap().allocate(20 * kMiB, family.host.slot).ok());
}

}  // namespace
}  // namespace brood::test

int main() {
  using namespace brood::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(denied_calls_are_named),
      cmocka_unit_test(denied_calls_that_are_not_needed),
      cmocka_unit_test(limits_of_the_process),
      cmocka_unit_test(headroom_is_the_least_of_all),
      cmocka_unit_test(a_limited_group_is_an_error_not_a_death),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
