#include "process/stream_end.hpp"

#include <utility>

namespace brood {

Status StreamEnd::open(platform::Fd fd) {
  BROOD_TRY(platform::set_nonblocking(fd.get(), true));
  std::lock_guard lock(mutex_);
  fd_ = std::make_shared<const platform::Fd>(std::move(fd));
  return {};
}

void StreamEnd::close() {
  SharedFd closed;
  std::lock_guard lock(mutex_);
  closed.swap(fd_);
}

SharedFd StreamEnd::fd() const {
  std::lock_guard lock(mutex_);
  return fd_;
}

Result<size_t> StreamEnd::read(void* data, size_t size, Deadline deadline,
                               const CancelToken* cancel) {
  const SharedFd fd = this->fd();
  if (!fd) return Error(Code::Closed);
  for (;;) {
    auto got = platform::read_some(fd->get(), data, size);
    if (got && *got == 0 && size != 0) return Error(Code::Closed);
    if (got || got.error().code() != Code::Timeout) return got;
    BROOD_TRY(wait_for_fd(household_, fd, false, deadline, cancel));
  }
}

Status StreamEnd::write(const void* data, size_t size, Deadline deadline, const CancelToken* cancel,
                        size_t& written) {
  written = 0;
  const SharedFd fd = this->fd();
  if (!fd) return Error(Code::Closed);
  const auto* bytes = static_cast<const std::byte*>(data);
  while (written != size) {
    auto some = platform::write_some(fd->get(), bytes + written, size - written);
    if (some) {
      written += *some;
    } else if (some.error().code() != Code::Timeout) {
      return some.error();
    } else {
      BROOD_TRY(wait_for_fd(household_, fd, true, deadline, cancel));
    }
  }
  return {};
}

}  // namespace brood
