// How fds come into the world here; shared by the files of this folder.
#pragma once

#include <fcntl.h>

#include <cerrno>

#include "platform/platform.hpp"

namespace brood::platform {

// Takes a new close-on-exec fd and moves it above the standard streams. -1 stays what it is, errno
// too.
inline Fd adopt_fd(int fd) {
  if (fd < 0 || fd > 2) return Fd(fd);
  Fd low(fd);
  return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace brood::platform
