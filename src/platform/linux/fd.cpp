// File descriptors as Linux makes them: close-on-exec from birth.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "platform/linux/fd_birth.hpp"

namespace brood::platform {

namespace {

Result<Fd> open_path(const char* path, int flags) {
  int fd;
  do {
    fd = ::open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
  } while (fd < 0 && errno == EINTR);
  Fd result = adopt_fd(fd);
  if (!result) return Error::os(std::string("cannot open '") + path + "'", errno);
  return result;
}

}  // namespace

Result<Fd> duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return Error::os("cannot duplicate fd " + std::to_string(fd), errno);
  return copy;
}

Result<FdPair> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::os("cannot make a pipe", errno);
  FdPair pair;
  pair.first = adopt_fd(ends[0]);
  pair.second = adopt_fd(ends[1]);
  if (!pair.first || !pair.second) return Error::os("cannot make a pipe", errno);
  return pair;
}

Result<Fd> open_read(const std::string& path) { return open_path(path.c_str(), O_RDONLY); }

Result<Fd> open_write(const std::string& path, bool append) {
  return open_path(path.c_str(), O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC));
}

Result<Fd> open_null() { return open_path("/dev/null", O_RDWR); }

std::vector<Fd> fill_standard_streams() {
  std::vector<Fd> filled;
  for (int stream = 0; stream <= 2; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest that is free is what open() gives, so this is it, or another thread was quicker.
    Fd fd(::open("/", O_PATH | O_CLOEXEC));
    if (fd && fd.get() <= 2) filled.push_back(std::move(fd));
  }
  return filled;
}

Result<Fd> open_current_folder() { return open_path(".", O_PATH | O_DIRECTORY); }

Result<Fd> make_anonymous_file(std::span<const std::byte> bytes) {
  Fd file = adopt_fd(::memfd_create("brood", MFD_CLOEXEC));
  if (!file) return Error::os("cannot make an anonymous file", errno);
  while (!bytes.empty()) {
    auto written = write_some(file.get(), bytes.data(), bytes.size());
    if (!written) return written.error().with_context("cannot fill an anonymous file");
    bytes = bytes.subspan(*written);
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) {
    return Error::os("cannot rewind an anonymous file", errno);
  }
  return file;
}

}  // namespace brood::platform
