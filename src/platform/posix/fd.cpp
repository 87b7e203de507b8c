// File descriptors, the part that every POSIX system does the same way.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#include "platform/platform.hpp"

namespace brood::platform {

namespace {

// write() to a pipe that nobody reads raises SIGPIPE in this thread, which belongs to the program:
// hold it back, and take it away again unless it was pending before.
ssize_t write_without_signal(int fd, const void* data, size_t size) {
  sigset_t pipe_only, before, pending;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const ssize_t written = ::write(fd, data, size);
  const int error = errno;
  if (written < 0 && error == EPIPE && !was_pending) {
    const timespec at_once = {0, 0};
    while (sigtimedwait(&pipe_only, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

// False when the deadline passed first.
Result<bool> poll_until(std::span<pollfd> entries, Deadline deadline) {
  for (;;) {
    const auto left_ns = deadline.left_ns();
    int wait_ms = -1;
    // Rounded up, so that the last step does not become a spin of zero-length waits.
    if (left_ns) {
      wait_ms = static_cast<int>(std::min<int64_t>((*left_ns + 999'999) / 1'000'000, INT_MAX));
    }
    const int ready = ::poll(entries.data(), entries.size(), wait_ms);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return Error::os("cannot wait for fds", errno);
    if (ready == 0 && deadline.passed()) return false;
  }
}

}  // namespace

void FdTraits::close(int fd) { ::close(fd); }

Status set_nonblocking(int fd, bool nonblocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  const int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (flags < 0 || (wanted != flags && ::fcntl(fd, F_SETFL, wanted) != 0)) {
    return Error::os("cannot change the mode of fd " + std::to_string(fd), errno);
  }
  return {};
}

Result<size_t> read_some(int fd, void* data, size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd, data, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Error(Code::Timeout);
    if (errno != EINTR) return Error::os("cannot read fd " + std::to_string(fd), errno);
  }
}

Result<size_t> write_some(int fd, const void* data, size_t size) {
  for (;;) {
    ssize_t written = ::send(fd, data, size, MSG_NOSIGNAL);
    if (written < 0 && errno == ENOTSOCK) written = write_without_signal(fd, data, size);
    if (written >= 0) return static_cast<size_t>(written);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Error(Code::Timeout);
    if (errno == EPIPE || errno == ECONNRESET) return Error(Code::Closed);
    if (errno != EINTR) return Error::os("cannot write to fd " + std::to_string(fd), errno);
  }
}

Result<bool> wait_fd(int fd, bool for_write, Deadline deadline) {
  pollfd entry = {fd, static_cast<short>(for_write ? POLLOUT : POLLIN), 0};
  return poll_until(std::span(&entry, 1), deadline);
}

Result<size_t> wait_readable(std::span<const int> fds, Deadline deadline) {
  std::vector<pollfd> entries;
  for (int fd : fds) entries.push_back({fd, POLLIN, 0});
  const auto ready = poll_until(entries, deadline);
  if (!ready) return ready.error();
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].revents) return i;
  }
  return Error(Code::Timeout);
}

}  // namespace brood::platform
