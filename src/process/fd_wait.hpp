// Waiting for a file descriptor and a cancel token at once.
#pragma once

#include <memory>

#include "process/household.hpp"
#include "sync/cancel.hpp"

namespace brood {

// Closed with its last user.
using SharedFd = std::shared_ptr<const platform::Fd>;

// Until `fd` can be read or written, or has hung up. Timeout, Canceled. Any thread but the loop's,
// which must have been started.
Status wait_for_fd(Household& household, const SharedFd& fd, bool for_write, Deadline deadline,
                   const CancelToken* cancel);

}  // namespace brood
