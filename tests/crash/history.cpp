#include "history.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace brood::crash {

History::~History() { munmap(logs_.data(), logs_.size_bytes()); }

bool History::nearly_full() const {
  return std::any_of(logs_.begin(), logs_.end(),
                     [](const HistoryLog& log) { return log.nearly_full(); });
}

bool History::kill(StormFamily& family, const Process& process, size_t place,
                   const std::function<void()>& gone) const {
  const int64_t before = history_now();
  const bool killed = family.kill(process);
  of(place).add(Did::Killed, 0, 0, before);
  gone();
  family.reap(process);
  of(place).add(Did::Reaped);
  return killed;
}

}  // namespace brood::crash
