#include "process/stream_end.hpp"

#include <atomic>
#include <utility>

namespace brood {

namespace {

// A token rings bells, an fd does not: the loop's thread watches the fd and rings. Owned by the
// waiting thread and, until it is taken down, by the loop.
struct FdBell {
  std::shared_ptr<const platform::Fd> fd;
  Bell* bell = nullptr;
  std::atomic<bool> ready{false};
  std::unique_ptr<Watch> watch;  // loop thread only
  platform::Fd copy;             // libuv wants one watch for each fd

  void ring() {
    // Pairs with the load in StreamEnd::wait().
    ready.store(true, std::memory_order_release);
    bell->ring();
  }
};

void put_up(Loop& loop, const std::shared_ptr<FdBell>& wait, bool for_write) {
  auto copy = platform::duplicate(wait->fd->get());
  if (copy) wait->copy = std::move(*copy);
  auto watch = copy ? loop.watch(wait->copy.get(), !for_write, for_write,
                                 [raw = wait.get()](Readiness) {
                                   raw->watch->set(false, false);
                                   raw->ring();
                                 })
                    : Result<std::unique_ptr<Watch>>(copy.error());
  // Not to be watched: let the caller try, and find out why.
  if (!watch) return wait->ring();
  wait->watch = std::move(*watch);
}

}  // namespace

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

StreamEnd::SharedFd StreamEnd::fd() const {
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
    BROOD_TRY(wait(fd, false, deadline, cancel));
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
      BROOD_TRY(wait(fd, true, deadline, cancel));
    }
  }
  return {};
}

Status StreamEnd::wait(const SharedFd& fd, bool for_write, Deadline deadline,
                       const CancelToken* cancel) {
  if (cancel && cancel->fired()) return Error(Code::Canceled);
  if (deadline.is_now()) return Error(Code::Timeout);
  if (!cancel) {
    auto ready = platform::wait_fd(fd->get(), for_write, deadline);
    if (!ready) return ready.error();
    return *ready ? Status() : Status(Error(Code::Timeout));
  }
  Waiter& waiter = Waiter::current(*household_.rack());
  auto bell = std::make_shared<FdBell>();
  bell->fd = fd;
  bell->bell = &waiter.bell();
  Loop& loop = household_.loop();
  loop.post([&loop, bell, for_write] { put_up(loop, bell, for_write); });
  Status status =
      waiter.wait(deadline, cancel, [&] { return bell->ready.load(std::memory_order_acquire); });
  loop.post([bell] { bell->watch.reset(); });
  return status;
}

}  // namespace brood
