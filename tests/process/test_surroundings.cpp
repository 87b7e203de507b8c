// Hosts in odd places: sub-reapers, PID 1, filters that deny system calls, few fds, closed streams.
// Each scenario runs in a process of its own, which says by its exit code at which step it failed.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "family.hpp"
#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;
using namespace brood::test;

namespace {

constexpr int kSkipped = 77;

int alone(const std::function<int()>& scenario) {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(30);
    _exit(scenario());
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void assert_alone(const std::function<int()>& scenario) {
  const int code = alone(scenario);
  if (code == kSkipped) skip();
  assert_int_equal(code, 0);
}

bool childless() { return waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

// One whole life of a child, with the host looked at before and after.
int use_family() {
  TestFamily family;
  auto started = family.run({"sleep", "1000"});
  if (started.record->wait_started() <= 0) return 1;
  if (!childless()) return 2;
  if (family.output_of("echo fine") != "fine\n") return 3;
  started.child->kill();
  started.record->wait_gone();
  return childless() ? 0 : 4;
}

void deny(int call, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter = {sizeof program / sizeof program[0], program};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(kSkipped);
}

// What a child has open besides its streams; the shell's own listing opens one.
const char kListFds[] =
    "for fd in /proc/self/fd/*; do n=${fd##*/}; [ $n -gt 2 ] && [ -e $fd ] && readlink $fd; done; "
    "true";

}  // namespace

static void subreaper_host(void**) {
  assert_alone([] {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return use_family();
  });
}

static void host_as_pid_one(void**) {
  assert_alone([] {
    if (unshare(CLONE_NEWPID) != 0) return kSkipped;
    const pid_t pid = fork();
    if (pid == 0) {
      if (getpid() != 1) _exit(9);
      _exit(use_family());
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 8;
  });
}

static void host_without_proc(void**) {
  assert_alone([] {
    if (unshare(CLONE_NEWNS) != 0) return kSkipped;
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (mount("none", "/proc", "tmpfs", 0, nullptr) != 0) return kSkipped;
    return use_family();
  });
}

static void close_range_is_missing(void**) {
  assert_alone([] {
    deny(SYS_close_range, ENOSYS);
    return use_family();
  });
}

static void close_range_is_denied(void**) {
  assert_alone([] {
    deny(SYS_close_range, EPERM);
    return use_family();
  });
}

static void pidfds_are_missing(void**) {
  assert_alone([] {
    deny(SYS_pidfd_open, ENOSYS);
    return use_family();
  });
}

static void few_fds(void**) {
  assert_alone([] {
    const rlimit few = {64, 64};
    setrlimit(RLIMIT_NOFILE, &few);
    return use_family();
  });
}

static void closed_streams(void**) {
  assert_alone([] {
    for (int fd = 0; fd < 3; ++fd) close(fd);
    return use_family();
  });
}

static void unprivileged_user(void**) {
  assert_alone([] {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return kSkipped;
    return use_family();
  });
}

static void changed_user_gets_a_new_nursery(void**) {
  assert_alone([] {
    if (geteuid() != 0) return kSkipped;
    TestFamily family;
    if (family.output_of("id -u") != "0\n") return 1;
    if (setgid(65534) != 0 || setuid(65534) != 0) return kSkipped;
    return family.output_of("id -u") == "65534\n" ? 0 : 2;
  });
}

static void child_is_what_the_host_is_now(void**) {
  assert_alone([] {
    TestFamily family;
    if (family.output_of("umask").empty()) return 1;
    umask(0027);
    const rlimit cores = {0, 0};
    setrlimit(RLIMIT_CORE, &cores);
    setpriority(PRIO_PROCESS, 0, 3);
    return family.output_of("umask; ulimit -c; nice") == "0027\n0\n3\n" ? 0 : 2;
  });
}

static void eight_threads_leak_no_fd(void**) {
  assert_alone([] {
    TestFamily family;
    std::atomic<bool> over{false};
    std::atomic<int> bad{0};
    // Fds that come and go while others spawn, with no close-on-exec to save them.
    std::thread maker([&] {
      while (!over) {
        const int fd = open("/dev/zero", O_RDONLY);
        close(fd);
      }
    });
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 10; ++round) {
          if (!family.output_of(kListFds).empty()) ++bad;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    over = true;
    maker.join();
    return bad == 0 ? 0 : 1;
  });
}

static void passed_fds_and_no_others(void**) {
  assert_alone([] {
    TestFamily family;
    auto first = platform::make_pipe();
    auto second = platform::make_pipe();
    ChildRequest request =
        shell("echo three >&3; echo four >&4; [ -e /proc/self/fd/5 ] || echo none");
    request.pass_fds = {first->second.get(), second->second.get()};
    if (family.output_of(std::move(request)) != "none\n") return 1;
    first->second.reset();
    second->second.reset();
    if (read_to_end(first->first.get()) != "three\n") return 2;
    return read_to_end(second->first.get()) == "four\n" ? 0 : 3;
  });
}

static void nothing_grows(void**) {
  assert_alone([] {
    TestFamily family;
    family.output_of("true");
    const size_t before = count_fds();
    for (int i = 0; i < 100; ++i) {
      auto started = family.run({"true"});
      started.record->wait_gone();
    }
    return count_fds() == before ? 0 : 1;
  });
}

static void large_command_lines(void**) {
  assert_alone([] {
    TestFamily family;
    ChildRequest request = shell("echo $#");
    request.command.emplace_back("sh");
    for (int i = 0; i < 10000; ++i) request.command.emplace_back(100, 'x');
    if (family.output_of(request) != "10000\n") return 1;
    for (int i = 0; i < 300000; ++i) request.command.emplace_back(100, 'x');
    auto started = family.spawn(request);
    return started.record->wait_failed().record().os_code == E2BIG ? 0 : 2;
  });
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(subreaper_host),
      cmocka_unit_test(host_as_pid_one),
      cmocka_unit_test(host_without_proc),
      cmocka_unit_test(close_range_is_missing),
      cmocka_unit_test(close_range_is_denied),
      cmocka_unit_test(pidfds_are_missing),
      cmocka_unit_test(few_fds),
      cmocka_unit_test(closed_streams),
      cmocka_unit_test(unprivileged_user),
      cmocka_unit_test(changed_user_gets_a_new_nursery),
      cmocka_unit_test(child_is_what_the_host_is_now),
      cmocka_unit_test(eight_threads_leak_no_fd),
      cmocka_unit_test(passed_fds_and_no_others),
      cmocka_unit_test(nothing_grows),
      cmocka_unit_test(large_command_lines),
  };
  return cmocka_run_group_tests_name("surroundings", tests, nullptr, nullptr);
}
