#include "nursery/linux/launch.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace brood {

namespace {

constexpr char kDefaultPath[] = "/usr/local/bin:/bin:/usr/bin";

// The child runs in the keeper's memory until it executes its program, so what goes wrong is left
// here.
struct Attempt {
  const OrderView* order;
  char** arguments;
  char** environment;
  int group_door;
  pid_t keeper;
  char* path_room;  // for one folder of PATH and the program's name
  volatile SpawnStep step;
  volatile int os_code;
};

[[noreturn]] void give_up(Attempt* attempt, SpawnStep step, int os_code) {
  attempt->step = step;
  attempt->os_code = os_code;
  _exit(127);
}

// The sources lie above their targets, in the same order, so going upwards overwrites only what was
// copied. They, and what the keeper has besides, are close-on-exec.
void place_files(Attempt* attempt) {
  const int pass_count = static_cast<int>(attempt->order->header.pass_count);
  for (int i = 0; i < 3; ++i) {
    if (dup2(kKeeperStdioFd + i, i) < 0) give_up(attempt, SpawnStep::Files, errno);
  }
  for (int i = 0; i < pass_count; ++i) {
    if (dup2(kKeeperPassFd + i, 3 + i) < 0) give_up(attempt, SpawnStep::Files, errno);
  }
}

void apply_limits(Attempt* attempt) {
  const OrderHeader& header = attempt->order->header;
  const bool group = attempt->group_door >= 0;
  if (group && write(attempt->group_door, "0", 1) != 1) {
    give_up(attempt, SpawnStep::Limits, errno);
  }
  for (uint32_t i = 0; i < header.limit_count; ++i) {
    const OrderLimit& limit = attempt->order->limits[i];
    const auto resource = static_cast<__rlimit_resource>(limit.resource);
    rlimit64 now;
    rlimit64 wanted = {limit.soft, limit.hard};
    // It counts private writable memory only. RLIMIT_AS would count the shared arena.
    if (resource == RLIMIT_DATA && header.memory_bytes != 0 && !group) {
      wanted = {header.memory_bytes, header.memory_bytes};
    }
    if (getrlimit64(resource, &now) == 0 && now.rlim_cur == wanted.rlim_cur &&
        now.rlim_max == wanted.rlim_max) {
      continue;
    }
    if (setrlimit64(resource, &wanted) != 0) give_up(attempt, SpawnStep::Limits, errno);
  }
}

void apply_nice(Attempt* attempt) {
  const int wanted = attempt->order->header.nice;
  errno = 0;
  const int now = getpriority(PRIO_PROCESS, 0);
  if (now == wanted && errno == 0) return;
  if (setpriority(PRIO_PROCESS, 0, wanted) != 0) give_up(attempt, SpawnStep::Nice, errno);
}

void apply_cpus(Attempt* attempt) {
  const OrderHeader& header = attempt->order->header;
  if (header.cpu_count == 0) return;
  size_t most = 1024;
  for (uint32_t i = 0; i < header.cpu_count; ++i) {
    while (attempt->order->cpus[i] >= most && most < 1024 * 1024) most *= 4;
  }
  cpu_set_t* set = CPU_ALLOC(most);
  if (!set) give_up(attempt, SpawnStep::Cpus, ENOMEM);
  const size_t size = CPU_ALLOC_SIZE(most);
  CPU_ZERO_S(size, set);
  for (uint32_t i = 0; i < header.cpu_count; ++i) CPU_SET_S(attempt->order->cpus[i], size, set);
  const int failed = sched_setaffinity(0, size, set) == 0 ? 0 : errno;
  CPU_FREE(set);
  if (failed) give_up(attempt, SpawnStep::Cpus, failed);
}

const char* child_path(char** environment) {
  for (char** entry = environment; *entry; ++entry) {
    if (strncmp(*entry, "PATH=", 5) == 0) return *entry + 5;
  }
  return kDefaultPath;
}

// Tries each folder of PATH, like execvpe(), but never hands a text without "#!" to a shell.
int execute(Attempt* attempt) {
  const char* program = attempt->arguments[0];
  if (strchr(program, '/')) {
    execve(program, attempt->arguments, attempt->environment);
    return errno;
  }
  int failed = ENOENT;
  const size_t name_size = strlen(program) + 1;
  for (const char* folder = child_path(attempt->environment);;) {
    const char* end = strchrnul(folder, ':');
    const auto size = static_cast<size_t>(end - folder);
    memcpy(attempt->path_room, folder, size);
    char* name = attempt->path_room + size;
    // An empty folder is the current one.
    if (size != 0) *name++ = '/';
    memcpy(name, program, name_size);
    execve(attempt->path_room, attempt->arguments, attempt->environment);
    // What exists but may not be run is a better story than what does not exist elsewhere.
    if (errno != ENOENT && errno != ENOTDIR && (errno != EACCES || failed == ENOENT))
      failed = errno;
    if (*end == 0) return failed;
    folder = end + 1;
  }
}

[[noreturn]] void become_child(Attempt* attempt) {
  const OrderHeader& header = attempt->order->header;
  signal(SIGCHLD, SIG_DFL);
  signal(SIGUSR2, SIG_DFL);
  // The keeper may have died before the kernel was told what then: look afterwards.
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != attempt->keeper) _exit(127);
  // A group of its own: what the child does to its group does not reach the nursery and its other
  // wards.
  setpgid(0, 0);
  if ((header.flags & kOrderFromFolder) && fchdir(kKeeperFolderFd) != 0) {
    give_up(attempt, SpawnStep::Folder, errno);
  }
  place_files(attempt);
  if (attempt->order->folder[0] && chdir(attempt->order->folder) != 0) {
    give_up(attempt, SpawnStep::Folder, errno);
  }
  if (header.flags & kOrderHasFileMask) umask(header.file_mask);
  apply_cpus(attempt);
  apply_nice(attempt);
  if ((header.flags & kOrderNoNewPrivileges) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    give_up(attempt, SpawnStep::Privileges, errno);
  }
  apply_limits(attempt);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  give_up(attempt, SpawnStep::Exec, execute(attempt));
}

}  // namespace

pid_t launch_child(const OrderView& order, char** arguments, char** environment, int group_door,
                   LaunchFailure* failure) {
  const size_t room = strlen(child_path(environment)) + strlen(arguments[0]) + 2;
  Attempt attempt = {&order,          arguments, environment,
                     group_door,      getpid(),  static_cast<char*>(malloc(room)),
                     SpawnStep::None, 0};
  pid_t child = -1;
  if (attempt.path_room) child = vfork();
  if (child == 0) become_child(&attempt);
  if (child < 0) {
    *failure = {SpawnStep::Fork, attempt.path_room ? errno : ENOMEM};
  } else if (attempt.step != SpawnStep::None) {
    *failure = {attempt.step, attempt.os_code};
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    child = -1;
  }
  free(attempt.path_room);
  return child;
}

}  // namespace brood
