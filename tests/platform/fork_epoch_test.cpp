// Noticing fork: the epoch is the same within a process and another one in every child.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <functional>
#include <thread>

#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;

namespace {

int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 100;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

// 0 when the rules hold in this process and two generations below.
int rules_hold() {
  const uint64_t mine = platform::fork_epoch();
  if (mine == 0) return 1;
  if (platform::fork_epoch() != mine) return 2;
  uint64_t seen_by_thread = 0;
  std::thread([&] { seen_by_thread = platform::fork_epoch(); }).join();
  if (seen_by_thread != mine) return 3;
  const int below = in_child([mine] {
    const uint64_t child = platform::fork_epoch();
    if (child == 0 || child == mine || platform::fork_epoch() != child) return 10;
    return in_child([=] {
      const uint64_t grandchild = platform::fork_epoch();
      return grandchild == 0 || grandchild == mine || grandchild == child ? 11 : 0;
    });
  });
  if (below != 0) return below;
  // A fork changes nothing for the one that forked.
  return platform::fork_epoch() == mine ? 0 : 4;
}

void deny_madvise() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {4, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    _exit(99);
  }
}

// Each in a process in which the epoch was never asked for.
void a_child_has_another_epoch(void**) { assert_int_equal(in_child(rules_hold), 0); }

void also_where_no_page_is_wiped_on_fork(void**) {
  assert_int_equal(in_child([] {
                     deny_madvise();
                     return rules_hold();
                   }),
                   0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_child_has_another_epoch),
      cmocka_unit_test(also_where_no_page_is_wiped_on_fork),
  };
  return cmocka_run_group_tests_name("fork_epoch", tests, nullptr, nullptr);
}
