// One operation that the sweep kills a victim in.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "world.hpp"

namespace brood::crash {

struct Operation {
  const char* name;
  // Before the victim starts; in the process that checks afterwards.
  std::function<void(World&)> setup;
  // What the victim does. It may be killed after any instruction.
  std::function<void(World&)> act;
  // Starts a survivor that is parked; 0 for none.
  std::function<pid_t(World&)> survivor;
  // After the victim was reaped: what is wrong, or nothing. Gives everything back that the
  // operation left rightfully behind.
  std::function<std::string(World&, pid_t survivor, bool acked)> check;
  // What the living do between the death and the reaper; may be empty.
  std::function<void(World&)> meanwhile = {};
};

// The texts of records in the sweep: one letter throughout.
inline constexpr size_t kRecordSize = 100;

std::vector<Operation> lane_operations();
std::vector<Operation> worker_operations();
std::vector<Operation> heap_operations();
std::vector<Operation> object_operations();
std::vector<Operation> member_operations();
std::vector<Operation> waiter_operations();
std::vector<Operation> queue_operations();
std::vector<Operation> ticket_operations();
std::vector<Operation> pipe_operations();
std::vector<Operation> lock_operations();
std::vector<Operation> meeting_operations();

inline pid_t no_survivor(World&) { return 0; }

}  // namespace brood::crash
