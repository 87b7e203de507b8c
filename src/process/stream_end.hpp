// This process's end of a child's piped standard stream. Any thread; calls on different threads may
// overlap.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "process/household.hpp"
#include "sync/cancel.hpp"

namespace brood {

class StreamEnd {
 public:
  explicit StreamEnd(Household& household) : household_(household) {}

  // Takes over the fd, which becomes non-blocking.
  Status open(platform::Fd fd);
  void close();

  // As soon as there are any bytes. Closed at end of file, and after close().
  Result<size_t> read(void* data, size_t size, Deadline deadline, const CancelToken* cancel);
  // All bytes. Closed when nobody reads any more, and after close(). `written` is how many were
  // written, also when the time ran out or the token fired on the way.
  Status write(const void* data, size_t size, Deadline deadline, const CancelToken* cancel,
               size_t& written);

 private:
  using SharedFd = std::shared_ptr<const platform::Fd>;
  SharedFd fd() const;
  Status wait(const SharedFd& fd, bool for_write, Deadline deadline, const CancelToken* cancel);

  Household& household_;
  mutable std::mutex mutex_;  // guards fd_; whoever uses the fd holds a reference of its own
  SharedFd fd_;
};

}  // namespace brood
