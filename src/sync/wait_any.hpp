// Waiting for the first of many.
#pragma once

#include <span>

#include "sync/waitable.hpp"
#include "sync/waiter.hpp"

namespace brood {

// The lowest index of what is ready; waits until there is one. Timeout, Canceled.
Result<size_t> wait_any(BellRack& rack, std::span<Waitable* const> objects, Deadline deadline,
                        const CancelToken* cancel);

}  // namespace brood
