// The children that this process started and that are not over: so that they can be listed, and
// joined or ended at the end. Any thread.
#pragma once

#include <mutex>
#include <set>
#include <vector>

#include "process/subprocess.hpp"

namespace brood {

class Children {
 public:
  // Holds a reference until its tree is gone.
  void add(Subprocess* process);
  // The pids of those that run.
  std::vector<int64_t> running() const;
  // Kills those that are daemons, then waits for all.
  void end();

 private:
  std::vector<Subprocess*> referenced() const;

  mutable std::mutex mutex_;  // guards what follows
  std::set<Subprocess*> processes_;
};

}  // namespace brood
