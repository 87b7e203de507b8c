// Starting a process that runs brood_init() as a worker: the hand-off, and the socket whose closing
// ends it.
#pragma once

#include "process/hand_off.hpp"
#include "process/household.hpp"

namespace brood {

struct WorkerProcess {
  std::shared_ptr<Child> child;
  platform::Fd control;  // closed, it ends the worker
};

// `program` says what is run and how; the hand-off's parent, arena and environment variable are
// added here.
Result<WorkerProcess> launch_worker(Household& household, ChildRequest program, HandOff hand_off,
                                    std::shared_ptr<ChildEvents> events);

}  // namespace brood
