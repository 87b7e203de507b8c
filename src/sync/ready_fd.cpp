#include "sync/ready_fd.hpp"

#include <memory>

namespace brood {

Result<ReadyFd*> ReadyFd::create() {
  auto ends = platform::make_pipe();
  if (!ends) return ends.error();
  BROOD_TRY(platform::set_nonblocking(ends->first.get(), true));
  BROOD_TRY(platform::set_nonblocking(ends->second.get(), true));
  std::unique_ptr<ReadyFd> fd(new ReadyFd);
  fd->ends_ = std::move(*ends);
  return fd.release();
}

void ReadyFd::clear() {
  char bytes[64];
  while (true) {
    const auto got = platform::read_some(ends_.first.get(), bytes, sizeof bytes);
    if (!got || *got < sizeof bytes) return;
  }
}

void ReadyFd::on_ready(Waitable&) {
  // A full pipe can be read as well.
  (void)platform::write_some(ends_.second.get(), "r", 1);
}

Watcher* Waitable::fd_watcher() const { return watched_ != nullptr ? watched_->fd.get() : nullptr; }

Result<int> Waitable::ready_fd() {
  std::shared_ptr<ReadyFd> fd;
  {
    std::lock_guard lock(watch_mutex());
    if (!watched().fd) {
      auto made = ReadyFd::create();
      if (!made) return made.error();
      watched().fd.reset(*made);
    }
    fd = watched().fd;
  }
  unwatch(fd.get());
  fd->clear();
  BROOD_TRY(watch(fd.get()));
  return fd->fd();
}

}  // namespace brood
