// This process's end of a child's piped standard stream. Any thread; calls on different threads may
// overlap.
#pragma once

#include <cstddef>
#include <mutex>

#include "process/fd_wait.hpp"

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
  SharedFd fd() const;

  Household& household_;
  mutable std::mutex mutex_;  // guards fd_; whoever uses the fd holds a reference of its own
  SharedFd fd_;
};

}  // namespace brood
