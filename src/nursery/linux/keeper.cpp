// brood-keeper: one for each child of brood's. It makes the child what the order says, and stays as
// the adopter of everything below it, so that the whole tree can be ended: nothing below gets past
// it. Its own parent, the nursery, speaks to it over the control socket. When the nursery dies or
// closes the socket, the tree is ended.
//
// A static program without a C++ runtime: half a millisecond and 300 KiB for each child.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nursery/linux/launch.hpp"
#include "nursery/linux/tree.hpp"
#include "process/order.hpp"

namespace brood {

namespace {

// Sent by the kernel when the nursery dies. SIGTERM and the like would be mistaken for it when
// somebody signals a whole tree, with this keeper in it.
constexpr int kParentGone = SIGUSR2;

class Keeper {
 public:
  explicit Keeper(pid_t nursery) : nursery_(nursery) {}
  int run();

 private:
  bool start_child();
  void report(const KeeperReport& report);
  void report_failure(SpawnStep step, int os_code);
  void report_death(int status, const rusage& usage);
  void take_commands();
  static void on_end(void* self, pid_t pid, int status, const rusage& usage);

  pid_t nursery_;
  pid_t child_ = 0;
  bool child_ended_ = false;
  bool ending_ = false;
};

void note_signal(int) {}  // being interrupted is all that is wanted

// The pointers that exec wants, into the order's bytes.
char** list_strings(const char* first, uint32_t count) {
  auto** list = static_cast<char**>(calloc(size_t{count} + 1, sizeof(char*)));
  if (!list) return nullptr;
  char* at = const_cast<char*>(first);
  for (uint32_t i = 0; i < count; ++i, at += strlen(at) + 1) list[i] = at;
  return list;
}

// The whole file, or null.
char* read_file(int file, size_t* size) {
  struct stat info;
  if (fstat(file, &info) != 0 || info.st_size <= 0 || info.st_size > kMaxOrderBytes) return nullptr;
  *size = static_cast<size_t>(info.st_size);
  auto* bytes = static_cast<char*>(malloc(*size));
  if (!bytes) return nullptr;
  for (size_t at = 0; at < *size;) {
    const ssize_t got = pread(file, bytes + at, *size - at, static_cast<off_t>(at));
    if (got > 0) {
      at += static_cast<size_t>(got);
    } else if (got == 0 || errno != EINTR) {
      free(bytes);
      return nullptr;
    }
  }
  return bytes;
}

void Keeper::report(const KeeperReport& report) {
  // The nursery always reads, and if it is gone nobody needs to know.
  while (send(kKeeperControlFd, &report, sizeof report, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

void Keeper::report_failure(SpawnStep step, int os_code) {
  KeeperReport failure = {};
  failure.magic = kOrderMagic;
  failure.kind = KeeperReportKind::Failed;
  failure.step = step;
  failure.os_code = os_code;
  report(failure);
}

void Keeper::report_death(int status, const rusage& usage) {
  constexpr uint64_t kSecond = 1'000'000;
  KeeperReport death = {};
  death.magic = kOrderMagic;
  death.kind = KeeperReportKind::Died;
  death.pid = child_;
  death.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  death.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  death.user_us = static_cast<uint64_t>(usage.ru_utime.tv_sec) * kSecond +
                  static_cast<uint64_t>(usage.ru_utime.tv_usec);
  death.system_us = static_cast<uint64_t>(usage.ru_stime.tv_sec) * kSecond +
                    static_cast<uint64_t>(usage.ru_stime.tv_usec);
  death.max_resident_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  death.minor_faults = static_cast<uint64_t>(usage.ru_minflt);
  death.major_faults = static_cast<uint64_t>(usage.ru_majflt);
  report(death);
}

bool Keeper::start_child() {
  size_t size = 0;
  char* bytes = read_file(kKeeperOrderFd, &size);
  OrderView order;
  if (!bytes || !parse_order(bytes, size, &order)) {
    report_failure(SpawnStep::Order, bytes ? EINVAL : EIO);
    return false;
  }
  char** arguments = list_strings(order.arguments, order.header.argument_count);
  char** environment = list_strings(order.environment, order.header.environment_count);
  if (!arguments || !environment) {
    report_failure(SpawnStep::Order, ENOMEM);
    return false;
  }
  LaunchFailure failure;
  child_ = launch_child(order, arguments, environment, &failure);
  // What the child got must not stay open here: its pipes would never end.
  const int last = kKeeperPassFd + static_cast<int>(order.header.pass_count);
  for (int fd = 0; fd < last; ++fd) {
    if (fd != kKeeperControlFd && fd != kKeeperTreesFd) close(fd);
  }
  free(arguments);
  free(environment);
  free(bytes);
  if (child_ < 0) {
    report_failure(failure.step, failure.os_code);
    return false;
  }
  KeeperReport started = {};
  started.magic = kOrderMagic;
  started.kind = KeeperReportKind::Started;
  started.pid = child_;
  report(started);
  return true;
}

void Keeper::take_commands() {
  for (;;) {
    KeeperCommand command;
    const ssize_t got = recv(kKeeperControlFd, &command, sizeof command, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got != sizeof command || command.magic != kOrderMagic ||
        command.kind == CommandKind::Kill) {
      // End of file, or what no nursery says.
      ending_ = true;
      return;
    }
    if (command.kind == CommandKind::Signal && command.signal > 0 && command.signal < NSIG) {
      tree::signal_descendants(command.signal, child_);
    }
  }
}

void Keeper::on_end(void* self, pid_t pid, int status, const rusage& usage) {
  auto& keeper = *static_cast<Keeper*>(self);
  if (pid != keeper.child_ || keeper.child_ended_) return;
  // Before the tree is ended, which takes its time: the host acts upon the death now.
  keeper.report_death(status, usage);
  keeper.child_ended_ = keeper.ending_ = true;
}

int Keeper::run() {
  sigset_t all, waiting;
  sigfillset(&all);
  waiting = all;
  sigdelset(&waiting, SIGCHLD);
  sigdelset(&waiting, kParentGone);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  struct sigaction action = {};
  action.sa_handler = note_signal;
  sigaction(SIGCHLD, &action, nullptr);
  sigaction(kParentGone, &action, nullptr);
  // The order of these two closes the gap in which the nursery dies unnoticed.
  prctl(PR_SET_PDEATHSIG, kParentGone, 0, 0, 0);
  if (getppid() != nursery_) return 1;
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  fcntl(kKeeperControlFd, F_SETFD, FD_CLOEXEC);
  fcntl(kKeeperTreesFd, F_SETFD, FD_CLOEXEC);
  if (!start_child()) return 1;
  const tree::Reaped reaped = {on_end, this};
  while (!ending_) {
    pollfd control = {kKeeperControlFd, POLLIN, 0};
    // Signals come in only here.
    ppoll(&control, 1, nullptr, &waiting);
    if (getppid() != nursery_) ending_ = true;
    if (control.revents) take_commands();
    tree::reap(reaped);
  }
  tree::end_all(reaped, child_);
  return 0;
}

}  // namespace
}  // namespace brood

int main(int argc, char** argv) {
  if (argc != 2) {
    constexpr char kHint[] = "brood-keeper is started by brood-nursery, not by hand\n";
    return write(2, kHint, sizeof kHint - 1) > 0 ? 2 : 1;
  }
  brood::Keeper keeper(static_cast<pid_t>(atoi(argv[1])));
  return keeper.run();
}
