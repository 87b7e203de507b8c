#include "nursery/linux/tree.hpp"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace brood::tree {

namespace {

// The kernel's own upper bound of pids.
constexpr pid_t kMostPids = 4 * 1024 * 1024;

// A growing list of pids; what does not fit because memory is out is found in the next round.
struct Pids {
  pid_t* items = nullptr;
  size_t count = 0;
  size_t room = 0;

  ~Pids() { free(items); }
  void add(pid_t pid) {
    if (count == room) {
      const size_t more = room ? room * 2 : 64;
      auto* grown = static_cast<pid_t*>(realloc(items, more * sizeof(pid_t)));
      if (!grown) return;
      items = grown;
      room = more;
    }
    items[count++] = pid;
  }
  bool has(pid_t pid) const {
    for (size_t i = 0; i < count; ++i) {
      if (items[i] == pid) return true;
    }
    return false;
  }
};

struct Visitor {
  int signal;
  bool (*spare)(pid_t);
  int count;

  void visit(pid_t pid) {
    if (spare && spare(pid)) return;
    kill(pid, signal);
    ++count;
  }
};

// The kernel's list of this thread's children; false where it keeps none.
bool visit_listed(Visitor& visitor) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[4096];
  pid_t pid = 0;
  for (ssize_t got; (got = read(file, text, sizeof text)) > 0;) {
    for (ssize_t i = 0; i < got; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid != 0) {
        visitor.visit(pid);
        pid = 0;
      }
    }
  }
  close(file);
  if (pid != 0) visitor.visit(pid);
  return true;
}

// The parent of a process, by /proc/<pid>/stat; 0 for zombies and for what is gone.
pid_t parent_of(const char* pid) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t got = read(file, text, sizeof text - 1);
  close(file);
  if (got <= 0) return 0;
  text[got] = 0;
  const char* name_end = strrchr(text, ')');
  char state = 'Z';
  int parent = 0;
  if (!name_end || sscanf(name_end + 1, " %c %d", &state, &parent) != 2 || state == 'Z') return 0;
  return parent;
}

// Pids and parents of all that runs, in two lists of equal length; false without /proc.
bool list_all(Pids& pids, Pids& parents) {
  DIR* folder = opendir("/proc");
  if (!folder) return false;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const pid_t parent = parent_of(entry->d_name);
    if (parent == 0) continue;
    pids.add(atoi(entry->d_name));
    parents.add(parent);
  }
  closedir(folder);
  return pids.count != 0 && pids.count == parents.count;
}

bool visit_scanned(Visitor& visitor) {
  Pids pids, parents;
  if (!list_all(pids, parents)) return false;
  for (size_t i = 0; i < pids.count; ++i) {
    if (parents.items[i] == getpid()) visitor.visit(pids.items[i]);
  }
  return true;
}

// Without /proc: the kernel says of each number whether it is a child. Half a second, rarely
// needed.
void visit_tried(Visitor& visitor) {
  for (pid_t pid = 2; pid < kMostPids; ++pid) {
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
        info.si_pid == 0) {
      visitor.visit(pid);
    }
  }
}

}  // namespace

int signal_children(int signal, bool (*spare)(pid_t)) {
  Visitor visitor = {signal, spare, 0};
  if (!visit_listed(visitor) && !visit_scanned(visitor)) visit_tried(visitor);
  return visitor.count;
}

void signal_descendants(int signal, pid_t group) {
  Pids done;
  done.add(getpid());
  // A tree that grows for ever is not caught up with; whoever must end it comes again.
  constexpr int kMostScans = 16;
  bool found = true;
  for (int scan = 0; found && scan < kMostScans; ++scan) {
    found = false;
    Pids pids, parents;
    if (!list_all(pids, parents)) {
      if (group > 0) kill(-group, signal);
      signal_children(signal, nullptr);
      return;
    }
    // A child may stand before its parent in the list, hence until nothing is added.
    for (bool added = true; added;) {
      added = false;
      for (size_t i = 0; i < pids.count; ++i) {
        if (done.has(pids.items[i]) || !done.has(parents.items[i])) continue;
        kill(pids.items[i], signal);
        done.add(pids.items[i]);
        added = found = true;
      }
    }
  }
}

int reap(const Reaped& reaped) {
  int status, count = 0;
  rusage usage;
  for (;; ++count) {
    const pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &usage);
    if (pid < 0 && errno == ECHILD) return count > 0 ? count : -1;
    if (pid <= 0) return count;
    if (reaped.call) reaped.call(reaped.context, pid, status, usage);
  }
}

bool reap_others(bool (*spare)(pid_t)) {
  for (;;) {
    siginfo_t info;
    info.si_pid = 0;
    // Looking only: whose it is decides who takes it in.
    const int failed = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL);
    if (failed != 0 || info.si_pid == 0) return true;
    if (spare(info.si_pid)) return false;
    waitpid(info.si_pid, nullptr, WNOHANG | __WALL);
  }
}

// Killing a process hands its children over to this one, so everything comes up in the end; when
// that takes many rounds, somebody forks against it, and the whole tree is hit at once.
void end_all(const Reaped& reaped, pid_t group) {
  constexpr int kPatience = 3;
  // The kernel's list of children may miss one while others end: look again, signal or not.
  constexpr timespec kLookAgain = {0, 20'000'000};
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  for (int round = 0;; ++round) {
    if (round >= kPatience) signal_descendants(SIGKILL, group);
    // All that were hit will end, so that many need no second look.
    int hit = signal_children(SIGKILL, nullptr);
    do {
      const int count = reap(reaped);
      if (count < 0) return;
      hit -= count;
      if (hit > 0 && count == 0 && sigtimedwait(&child_signal, nullptr, &kLookAgain) < 0) break;
    } while (hit > 0);
  }
}

}  // namespace brood::tree
