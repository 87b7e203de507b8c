// brood-keeper: one for each child of brood's. It makes the child what the order says, and stays as
// the adopter of everything below it, so that the whole tree can be ended: nothing below gets past
// it. Its own parent, the nursery, speaks to it over the control socket. When the nursery dies or
// closes the socket, the tree is ended. When a tree is gone, and nothing of it is left here, the
// keeper is ready for the next order.
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
#include <sys/syscall.h>
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
  void take_commands();
  void take_order(size_t inline_size, size_t fd_count);
  void start_child(const OrderView& order, int group_door);
  void take_in();
  void end_tree();
  void report(const KeeperReport& report);
  void report_kind(KeeperReportKind kind);
  void report_failure(SpawnStep step, int os_code);
  void report_death(bool tree_gone);
  static void on_end(void* self, pid_t pid, int status, const rusage& usage);

  pid_t nursery_;
  pid_t child_ = 0;  // 0: ready for an order
  bool child_ended_ = false;
  bool death_reported_ = false;
  bool ending_tree_ = false;
  int status_ = 0;
  rusage usage_ = {};
  bool ending_ = false;
};

// What comes in: a command, and behind it perhaps an order, which is aligned as it must be. Used by
// one call at a time.
struct alignas(8) Incoming {
  KeeperCommand command;
  char order[kMostInlineOrderBytes];
};
Incoming incoming;

// As many fds as a packet can carry.
constexpr size_t kMostFds = 253;

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

// What the child got must not stay open here: its pipes would never end.
void close_order_fds() {
  if (syscall(SYS_close_range, kKeeperStdioFd, ~0u, 0) == 0) return;
  for (int fd = kKeeperStdioFd; fd < kKeeperStdioFd + static_cast<int>(kMostFds); ++fd) close(fd);
}

// Takes one packet into `incoming`: its size, 0 at the end, -1 when there is none. `fd_count` is
// how many fds came, kMostFds + 1 when some were lost.
ssize_t receive(size_t* fd_count) {
  alignas(cmsghdr) char room[CMSG_SPACE(kMostFds * sizeof(int))];
  iovec part = {&incoming, sizeof incoming};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  ssize_t got;
  do {
    got = recvmsg(kKeeperControlFd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
  *fd_count = 0;
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&message)) {
    *fd_count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  }
  if (message.msg_flags & MSG_CTRUNC) *fd_count = kMostFds + 1;
  return message.msg_flags & MSG_TRUNC ? 0 : got;
}

void Keeper::report(const KeeperReport& report) {
  // The nursery always reads, and if it is gone nobody needs to know.
  while (send(kKeeperControlFd, &report, sizeof report, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

void Keeper::report_kind(KeeperReportKind kind) {
  KeeperReport plain = {};
  plain.magic = kOrderMagic;
  plain.kind = kind;
  plain.pid = child_;
  report(plain);
}

void Keeper::report_failure(SpawnStep step, int os_code) {
  KeeperReport failure = {};
  failure.magic = kOrderMagic;
  failure.kind = KeeperReportKind::Failed;
  failure.step = step;
  failure.os_code = os_code;
  report(failure);
}

void Keeper::report_death(bool tree_gone) {
  constexpr uint64_t kSecond = 1'000'000;
  KeeperReport death = {};
  death.magic = kOrderMagic;
  death.kind = KeeperReportKind::Died;
  death.pid = child_;
  death.exit_code = WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  death.signal = WIFSIGNALED(status_) ? WTERMSIG(status_) : 0;
  death.tree_gone = tree_gone;
  death.user_us = static_cast<uint64_t>(usage_.ru_utime.tv_sec) * kSecond +
                  static_cast<uint64_t>(usage_.ru_utime.tv_usec);
  death.system_us = static_cast<uint64_t>(usage_.ru_stime.tv_sec) * kSecond +
                    static_cast<uint64_t>(usage_.ru_stime.tv_usec);
  death.max_resident_bytes = static_cast<uint64_t>(usage_.ru_maxrss) * 1024;
  death.minor_faults = static_cast<uint64_t>(usage_.ru_minflt);
  death.major_faults = static_cast<uint64_t>(usage_.ru_majflt);
  report(death);
  death_reported_ = true;
}

// ---- starting ----------------------------------------------------------------------------------

void Keeper::take_order(size_t inline_size, size_t fd_count) {
  OrderView order;
  const bool in_file = inline_size == 0;
  const bool has_group = incoming.command.flags & kStartHasGroup;
  const size_t extra = size_t{in_file} + has_group;
  if (fd_count > kMostFds || fd_count < 4 + extra) {
    return report_failure(SpawnStep::Files, fd_count > kMostFds ? EMFILE : EPROTO);
  }
  size_t size = inline_size;
  char* file = nullptr;
  const int end = kKeeperStdioFd + static_cast<int>(fd_count);
  if (in_file) file = read_file(end - static_cast<int>(extra), &size);
  const char* bytes = in_file ? file : incoming.order;
  if (!bytes || !parse_order(bytes, size, &order)) {
    report_failure(SpawnStep::Order, bytes ? EINVAL : EIO);
  } else if (fd_count != 4 + order.header.pass_count + extra) {
    report_failure(SpawnStep::Files, EPROTO);
  } else {
    start_child(order, has_group ? end - 1 : -1);
  }
  free(file);
}

void Keeper::start_child(const OrderView& order, int group_door) {
  char** arguments = list_strings(order.arguments, order.header.argument_count);
  char** environment = list_strings(order.environment, order.header.environment_count);
  LaunchFailure failure = {SpawnStep::Order, ENOMEM};
  pid_t child = -1;
  if (arguments && environment) {
    child = launch_child(order, arguments, environment, group_door, &failure);
  }
  free(arguments);
  free(environment);
  if (child < 0) return report_failure(failure.step, failure.os_code);
  child_ = child;
  child_ended_ = death_reported_ = false;
  report_kind(KeeperReportKind::Started);
}

void Keeper::take_commands() {
  while (!ending_) {
    size_t fd_count = 0;
    const ssize_t got = receive(&fd_count);
    if (got < 0) return;
    const auto size = static_cast<size_t>(got);
    const KeeperCommand& command = incoming.command;
    const bool known = size >= sizeof command && command.magic == kOrderMagic;
    if (known && command.kind == CommandKind::Start && child_ == 0) {
      take_order(size - sizeof command, fd_count);
    } else if (known && command.kind == CommandKind::Signal && size == sizeof command) {
      if (child_ != 0 && command.signal > 0 && command.signal < NSIG) {
        tree::signal_descendants(command.signal, child_);
      }
    } else if (known && command.kind == CommandKind::Kill && size == sizeof command) {
      // Of a tree that is gone by now, perhaps.
      if (child_ != 0) end_tree();
    } else {
      // CommandKind::End, end of file, or what no nursery says.
      ending_ = true;
    }
    if (fd_count != 0) close_order_fds();
  }
}

// ---- ending ------------------------------------------------------------------------------------

void Keeper::on_end(void* self, pid_t pid, int status, const rusage& usage) {
  auto& keeper = *static_cast<Keeper*>(self);
  if (pid == keeper.child_ && !keeper.child_ended_) {
    keeper.child_ended_ = true;
    keeper.status_ = status;
    keeper.usage_ = usage;
    // Otherwise a moment later, when it is known whether anything else is left.
    if (keeper.ending_tree_) keeper.report_death(false);
  } else if (keeper.child_ended_ && !keeper.death_reported_) {
    // There is more to be taken in, which takes its time: the host acts upon the death now.
    keeper.report_death(false);
  }
}

// Takes in what has ended, and with the child its tree.
void Keeper::take_in() {
  const int left = tree::reap({on_end, this});
  if (child_ == 0 || !child_ended_) return;
  // Most trees are one process, so that its death is the tree's.
  if (!death_reported_ && (left < 0 || tree::reap({on_end, this}) < 0)) {
    report_death(true);
    child_ = 0;
    return;
  }
  if (!death_reported_) report_death(false);
  end_tree();
}

void Keeper::end_tree() {
  ending_tree_ = true;
  tree::end_all({on_end, this}, child_ended_ ? 0 : child_);
  ending_tree_ = false;
  report_kind(KeeperReportKind::TreeGone);
  child_ = 0;
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
  while (!ending_) {
    pollfd control = {kKeeperControlFd, POLLIN, 0};
    // Signals come in only here.
    ppoll(&control, 1, nullptr, &waiting);
    if (getppid() != nursery_) ending_ = true;
    if (control.revents) take_commands();
    take_in();
  }
  if (child_ != 0) end_tree();
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
