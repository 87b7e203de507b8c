#include "process/fd_wait.hpp"

#include <atomic>

namespace brood {

namespace {

// A token rings bells, an fd does not: the loop's thread watches the fd and rings. Owned by the
// waiting thread and, until it is taken down, by the loop.
struct FdBell {
  SharedFd fd;
  Bell* bell = nullptr;
  std::atomic<bool> ready{false};
  std::unique_ptr<Watch> watch;  // loop thread only
  platform::Fd copy;             // libuv wants one watch for each fd

  void ring() {
    // Pairs with the load in wait_for_fd().
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

Status wait_for_fd(Household& household, const SharedFd& fd, bool for_write, Deadline deadline,
                   const CancelToken* cancel) {
  if (cancel && cancel->fired()) return Error(Code::Canceled);
  if (deadline.is_now()) return Error(Code::Timeout);
  if (!cancel) {
    auto ready = platform::wait_fd(fd->get(), for_write, deadline);
    if (!ready) return ready.error();
    return *ready ? Status() : Status(Error(Code::Timeout));
  }
  Waiter& waiter = Waiter::current(*household.rack());
  auto bell = std::make_shared<FdBell>();
  bell->fd = fd;
  bell->bell = &waiter.bell();
  Loop& loop = household.loop();
  loop.post([&loop, bell, for_write] { put_up(loop, bell, for_write); });
  const Status status =
      waiter.wait(deadline, cancel, [&] { return bell->ready.load(std::memory_order_acquire); });
  loop.post([bell] { bell->watch.reset(); });
  return status;
}

}  // namespace brood
