// Making the child that an order describes. Part of the keeper: no C++ runtime, one thread.
#pragma once

#include <sys/types.h>

#include "process/order.hpp"

namespace brood {

struct LaunchFailure {
  SpawnStep step = SpawnStep::None;
  int os_code = 0;
};

// Starts the child, in the control group whose door is given (-1: none), and returns once it runs
// its program: its pid, or -1 and why. `arguments` and `environment` are those of the order, as
// pointers that end with null.
pid_t launch_child(const OrderView& order, char** arguments, char** environment, int group_door,
                   LaunchFailure* failure);

}  // namespace brood
