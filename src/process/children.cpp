#include "process/children.hpp"

namespace brood {

void Children::add(Subprocess* process) {
  process->ref();
  {
    std::lock_guard lock(mutex_);
    processes_.insert(process);
  }
  process->on_gone([this, process] {
    {
      std::lock_guard lock(mutex_);
      processes_.erase(process);
    }
    process->unref();
  });
}

std::vector<Subprocess*> Children::referenced() const {
  std::lock_guard lock(mutex_);
  for (Subprocess* process : processes_) process->ref();
  return {processes_.begin(), processes_.end()};
}

std::vector<int64_t> Children::running() const {
  std::lock_guard lock(mutex_);
  std::vector<int64_t> pids;
  for (const Subprocess* process : processes_) {
    if (process->alive()) pids.push_back(process->pid());
  }
  return pids;
}

void Children::end() {
  const std::vector<Subprocess*> processes = referenced();
  for (Subprocess* process : processes) {
    if (process->daemon()) process->kill();
  }
  for (Subprocess* process : processes) {
    (void)process->join(Deadline::forever(), nullptr);
    process->unref();
  }
}

}  // namespace brood
