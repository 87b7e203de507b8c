// Processes: which one is meant, whether it lives, and how to end it.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>

#include "platform/linux/fd_birth.hpp"
#include "platform/linux/small_file.hpp"

namespace brood::platform {

namespace {

// What /proc/<pid>/stat says that matters here.
struct ProcessState {
  char state = 0;  // 0: unknown
  uint64_t start_time = 0;
};

// False when /proc is missing, or shows the processes of another pid namespace under other numbers.
bool proc_is_ours() {
  char self[24];
  const ssize_t size = ::readlink("/proc/self", self, sizeof self - 1);
  if (size <= 0) return false;
  self[size] = 0;
  return std::to_string(::getpid()) == self;
}

ProcessState read_state(int64_t pid) {
  if (!proc_is_ours()) return {};
  const std::string text = read_small_file("/proc/" + std::to_string(pid) + "/stat");
  ProcessState result;
  // The name is in parentheses and may hold anything, parentheses too: count from the last one.
  size_t at = text.find_last_of(')');
  if (at == std::string::npos || at + 2 >= text.size()) return result;
  at += 2;
  const char state = text[at];
  for (int field = 3; field < 22 && at != std::string::npos; ++field) {
    at = text.find(' ', at);
    if (at != std::string::npos) ++at;
  }
  if (at == std::string::npos) return result;
  const auto parsed =
      std::from_chars(text.data() + at, text.data() + text.size(), result.start_time);
  if (parsed.ec == std::errc()) result.state = state;
  return result;
}

}  // namespace

int64_t process_id() { return ::getpid(); }

int64_t parent_process_id() { return ::getppid(); }

uint64_t process_start_time(int64_t pid) { return read_state(pid).start_time; }

Result<Fd> open_process(int64_t pid) {
  Fd fd = adopt_fd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
  if (!fd) return Error::os("cannot watch process " + std::to_string(pid), errno);
  return fd;
}

bool process_alive(int64_t pid, uint64_t start_time) {
  if (pid <= 0) return false;
  const ProcessState state = read_state(pid);
  if (state.state != 0) {
    const bool ended = state.state == 'Z' || state.state == 'X' || state.state == 'x';
    return !ended && (start_time == 0 || state.start_time == start_time);
  }
  // No /proc, or no such process. A pidfd is readable once its process has ended, zombies too.
  auto fd = open_process(pid);
  if (fd) {
    auto ended = wait_fd(fd->get(), false, Deadline::after_ms(0));
    return ended && !*ended;
  }
  if (fd.error().record().os_code == ESRCH) return false;
  return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

Status send_signal(int64_t pid, int signal) {
  if (pid <= 0) return Error(Code::Invalid, "no process has the id " + std::to_string(pid));
  if (::kill(static_cast<pid_t>(pid), signal) != 0) {
    return Error::os("cannot signal process " + std::to_string(pid), errno);
  }
  return {};
}

void kill_self() {
  ::kill(::getpid(), SIGKILL);
  // PID 1 of a namespace does not feel its own SIGKILL.
  exit_now(128 + SIGKILL);
}

void exit_now(int code) { ::_exit(code); }

Status lead_family() {
  // A child inherits what is ignored, but libuv makes every signal default again before it starts
  // one.
  for (int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP,
                     SIGTTIN, SIGTTOU}) {
    ::signal(signal, SIG_IGN);
  }
  ::setsid();
  rlimit files;
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    return Error::os("cannot become the reaper of orphans", errno);
  }
  return {};
}

}  // namespace brood::platform
