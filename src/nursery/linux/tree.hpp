// The process tree below the calling process, for the nursery and the keeper, both of which adopt
// all orphans below them. No C++ runtime is needed. Single-threaded callers only.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace brood::tree {

// Sends `signal` to each child of this process but those for which `spare` (may be null) says true,
// and returns how many that were; zombies may be among them.
int signal_children(int signal, bool (*spare)(pid_t));

// Sends `signal` once to every process below this one, also to those that are made meanwhile.
// Without /proc: to the process group `group` and the children.
void signal_descendants(int signal, pid_t group);

// Told of a process below that has ended.
struct Reaped {
  void (*call)(void* context, pid_t pid, int status, const rusage& usage);
  void* context;
};

// Takes in what has ended: how many, or -1 when no child is left.
int reap(const Reaped& reaped);

// Takes in what has ended but those for which `spare` says true, beside somebody else who waits for
// these. False when one of them has ended and hides whatever else has.
bool reap_others(bool (*spare)(pid_t));

// Kills whatever is below until nothing is. Leaves SIGCHLD blocked.
void end_all(const Reaped& reaped, pid_t group);

}  // namespace brood::tree
