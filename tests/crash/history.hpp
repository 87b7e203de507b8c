// What the processes of a storm did, written down outside the family's memory: when each operation
// began, when it had ended, and on what. The checks (queue_history, lock_history) look only at
// this: an operation took place at some instant between the two, and did or did not if its process
// was killed in it.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <span>

#include "storm_family.hpp"

namespace brood::crash {

enum class Did : uint32_t {
  BeginPut,     // value: the item, detail: its bytes
  EndPut,       //
  BeginGet,     //
  EndGet,       // value: the item
  BeginLease,   //
  EndLease,     // value: the item
  BeginAck,     //
  EndAck,       //
  BeginReturn,  // gives the lease back
  EndReturn,    //
  Acquired,     // value: the object, detail: its weight
  Recovered,    // the same of an object whose holder had died
  Releases,     // value: the object
  Killed,       // by the host, which writes into the log of the dead
  Reaped,
};

struct Event {
  int64_t at;  // ns
  uint64_t value;
  Did did;
  uint32_t detail;
};

inline int64_t history_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

// What the processes in one place did, one after the other. Written by the one that lives, or by
// the host when none does; an entry is there entirely or not at all.
class HistoryLog {
 public:
  static constexpr uint64_t kMostEvents = 1 << 22;

  void add(Did did, uint64_t value = 0, uint64_t detail = 0, int64_t at = history_now()) {
    const uint64_t count = count_.load(std::memory_order_relaxed);
    if (count == kMostEvents) return;
    events_[count] = {at, value, did, static_cast<uint32_t>(detail)};
    count_.store(count + 1, std::memory_order_release);
  }
  std::span<const Event> events() const { return {events_, count_.load()}; }
  // Time to check and begin again: what is written once it is full is not kept.
  bool nearly_full() const { return count_.load() > kMostEvents / 4 * 3; }

 private:
  std::atomic<uint64_t> count_;
  Event events_[kMostEvents];
};

// One log for each place of a storm, in memory that all its processes see.
class History {
 public:
  explicit History(size_t places)
      : logs_(static_cast<HistoryLog*>(storm_memory(places * sizeof(HistoryLog))), places) {}
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  HistoryLog& of(size_t place) const { return logs_[place]; }
  std::span<const HistoryLog> logs() const { return logs_; }
  bool nearly_full() const;

  // Kills the process in that place, settles what was its own, and writes that down; false if it
  // had ended by itself. `gone`: before its things can be had by others.
  bool kill(
      StormFamily& family, const Process& process, size_t place,
      const std::function<void()>& gone = [] {}) const;

 private:
  std::span<HistoryLog> logs_;
};

// The first few complaints of a check are printed, all are counted.
class Complaints {
 public:
  void add(const char* what, uint64_t item) {
    if (++count_ <= 10) printf("history: %s: %llu\n", what, number_of(item));
  }
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
};

}  // namespace brood::crash
