// Starting a program that is nobody's child here.
//
//   this process ── clone, no exit signal ──> between ── clone ──> the program
//
// `between` ends at once, so the program is adopted by init; and because `between` has no exit
// signal, no wait() of the program's finds it and no SIGCHLD tells of it. Where this process itself
// adopts orphans, `between` must stay instead, as the program's parent, for life. Both share this
// process's memory, so that starting costs the same whatever its size; so they may touch neither
// errno nor the heap, and all signals are blocked while they could run a handler of the program's.
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "platform/linux/fd_birth.hpp"
#include "platform/linux/raw_call.hpp"

// ThreadSanitizer takes every clone() for a fork(): the child would switch it off in the memory
// that both share. So it sees neither the call nor what runs on the children's side.
#if defined(__SANITIZE_THREAD__)
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);
#define BROOD_CLONE ::__clone
#define BROOD_CHILD_SIDE __attribute__((no_sanitize("thread")))
#else
#define BROOD_CLONE ::clone
#define BROOD_CHILD_SIDE
#endif

namespace brood::platform {

namespace {

constexpr size_t kStackBytes = 64 * 1024;
constexpr int kKernelSignals = 64;

// Lies in the mapping that also holds both stacks, so that it lives as long as `between` does.
struct Launch {
  const char* path;
  char** arguments;
  char** environment;
  int fd;
  int null_fd;
  long most_files;
  bool stay;
  std::byte* program_stack_end;
  std::atomic<int> error{0};  // written by the children, read when the program has started or not
  std::atomic<uint32_t> ready{0};  // with `stay`: 1 once that is known; a futex
};
constexpr size_t kLaunchBytes = 4096;
constexpr size_t kMemoryBytes = kLaunchBytes + 2 * kStackBytes;
static_assert(sizeof(Launch) <= kLaunchBytes);

// The kernel's struct sigaction, which differs from the C library's.
struct KernelAction {
  void* handler = nullptr;  // SIG_DFL
  unsigned long flags = 0;
  void* restorer = nullptr;
  unsigned long mask = 0;
};

BROOD_CHILD_SIDE void close_one(long fd) { raw_call(SYS_close, fd); }

// Without close_range(): what /proc/self/fd lists, while something is found to close.
BROOD_CHILD_SIDE bool close_listed(long keep_below) {
  struct Entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[1];
  };
  alignas(Entry) char room[2048];
  for (bool found = true; found;) {
    found = false;
    const long folder = raw_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/fd"),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return false;
    for (;;) {
      const long bytes =
          raw_call(SYS_getdents64, folder, reinterpret_cast<long>(room), sizeof room);
      if (bytes <= 0) break;
      for (long at = 0; at < bytes;) {
        const auto* entry = reinterpret_cast<const Entry*>(room + at);
        long fd = 0;
        const char* digit = entry->name;
        for (; *digit >= '0' && *digit <= '9'; ++digit) fd = fd * 10 + (*digit - '0');
        if (*digit == 0 && fd >= keep_below && fd != folder) {
          close_one(fd);
          found = true;
        }
        at += entry->size;
      }
    }
    close_one(folder);
  }
  return true;
}

BROOD_CHILD_SIDE void close_from(long first, long most_files) {
  if (raw_call(SYS_close_range, first, ~0u, 0) == 0) return;
  if (close_listed(first)) return;
  // Neither: every number that the limit allows, or a million where there is no limit to speak of.
  for (long fd = first; fd < most_files; ++fd) close_one(fd);
}

BROOD_CHILD_SIDE int run_program(void* argument) {
  auto* launch = static_cast<Launch*>(argument);
  const KernelAction standard;
  for (int signal = 1; signal <= kKernelSignals; ++signal) {
    raw_call(SYS_rt_sigaction, signal, reinterpret_cast<long>(&standard), 0, 8);
  }
  // Both fds are above 2, but either may be 3.
  const long null_fd = launch->null_fd == 3 ? raw_call(SYS_fcntl, 3, F_DUPFD, 4) : launch->null_fd;
  raw_call(SYS_dup3, null_fd, 0, 0);
  for (int stream = 1; stream <= 2; ++stream) {
    if (raw_call(SYS_fcntl, stream, F_GETFD) < 0) raw_call(SYS_dup3, null_fd, stream, 0);
  }
  if (launch->fd == 3) {
    raw_call(SYS_fcntl, 3, F_SETFD, 0);
  } else {
    raw_call(SYS_dup3, launch->fd, 3, 0);
  }
  close_from(4, launch->most_files);
  const unsigned long no_signals = 0;
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&no_signals), 0, 8);
  const long failed = raw_call(SYS_execve, reinterpret_cast<long>(launch->path),
                               reinterpret_cast<long>(launch->arguments),
                               reinterpret_cast<long>(launch->environment));
  launch->error.store(static_cast<int>(-failed));
  raw_call(SYS_exit, 127);
  __builtin_unreachable();
}

BROOD_CHILD_SIDE int run_between(void* argument) {
  auto* launch = static_cast<Launch*>(argument);
  // The C library's clone() writes errno only on failure, while the maker of this process waits.
  const int program =
      BROOD_CLONE(run_program, launch->program_stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, launch);
  if (program < 0) launch->error.store(errno);
  if (launch->stay) {
    // The maker goes on from here, so nothing of the C library below.
    const bool started = program > 0 && launch->error.load() == 0;
    close_from(0, launch->most_files);
    launch->ready.store(1);
    raw_call(SYS_futex, reinterpret_cast<long>(&launch->ready), FUTEX_WAKE_PRIVATE, 1);
    if (started) {
      while (raw_call(SYS_wait4, program) == -EINTR) {
      }
    }
  }
  raw_call(SYS_exit, 0);
  __builtin_unreachable();
}

bool adopts_orphans() {
  int reaper = 0;
  if (::getpid() == 1) return true;
  return ::prctl(PR_GET_CHILD_SUBREAPER, &reaper, 0, 0, 0) == 0 && reaper != 0;
}

void wait_for_between(pid_t pid) {
  while (::waitpid(pid, nullptr, __WCLONE) < 0 && errno == EINTR) {
  }
}

// Runs both children up to the program's exec. The maker's thread blocks all signals meanwhile.
Result<Detached> launch_program(Launch& launch, void* memory) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto* between_stack_end = static_cast<std::byte*>(memory) + kMemoryBytes;
  const pid_t between = BROOD_CLONE(run_between, between_stack_end,
                                    CLONE_VM | (launch.stay ? 0 : CLONE_VFORK), &launch);
  const int clone_error = errno;
  if (between > 0 && launch.stay) {
    while (launch.ready.load() == 0) {
      ::syscall(SYS_futex, &launch.ready, FUTEX_WAIT_PRIVATE, 0, nullptr);
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  const int error = between < 0 ? clone_error : launch.error.load();
  const bool stays = launch.stay && error == 0;
  const std::string path = launch.path;
  // From here on `launch` may be gone. Without a program there is nothing to stay for: `between`
  // ends by itself, and is waited for here.
  Detached detached(DetachedTraits::Value{between > 0 ? between : 0, memory});
  if (!stays) detached.reset();
  if (error != 0) return Error::os("cannot start '" + path + "'", error);
  return detached;
}

}  // namespace

void DetachedTraits::close(const Value& value) {
  if (value.standing_parent) wait_for_between(static_cast<pid_t>(value.standing_parent));
  ::munmap(value.memory, kMemoryBytes);
}

Result<Detached> start_detached(const std::string& path, const std::vector<std::string>& arguments,
                                int fd) {
  auto null_fd = open_null();
  if (!null_fd) return null_fd.error();
  std::vector<char*> pointers;
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  rlimit files = {};
  ::getrlimit(RLIMIT_NOFILE, &files);
  constexpr rlim_t kMostFiles = 1024 * 1024;

  void* memory = ::mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return Error::os("cannot make a stack", errno);
  auto* launch = new (memory) Launch{
      .path = path.c_str(),
      .arguments = pointers.data(),
      .environment = environ,
      .fd = fd,
      .null_fd = null_fd->get(),
      .most_files = static_cast<long>(std::min(files.rlim_max, kMostFiles)),
      .stay = adopts_orphans(),
      .program_stack_end = static_cast<std::byte*>(memory) + kLaunchBytes + kStackBytes,
  };
  return launch_program(*launch, memory);
}

}  // namespace brood::platform
