// Sockets for packets that processes find by a name in the kernel's own table ("abstract" names):
// no file, so nothing stays behind a dead process, and there is no folder whose owner matters.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "platform/linux/fd_birth.hpp"

namespace brood::platform {

namespace {

struct Address {
  sockaddr_un address = {};
  socklen_t size = 0;
};

Result<Address> address_of(std::span<const std::byte> name) {
  Address result;
  // The first byte of an abstract name is 0.
  if (name.empty() || name.size() > sizeof result.address.sun_path - 1) {
    return Error(Code::Invalid,
                 "a meeting's name has 1 to " + std::to_string(kMaxMeetingName) + " bytes");
  }
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path + 1, name.data(), name.size());
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return result;
}
static_assert(kMaxMeetingName == sizeof(sockaddr_un::sun_path) - 1);

// The largest packet must fit, as in make_socket_pair().
void make_room(int fd) {
  const int room = 2 * static_cast<int>(kMaxPacketBytes);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

Result<Fd> make_socket() {
  Fd fd = adopt_fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::os("cannot make a socket", errno);
  make_room(fd.get());
  return fd;
}

}  // namespace

Result<Fd> open_meeting(std::span<const std::byte> name) {
  auto address = address_of(name);
  if (!address) return address.error();
  auto fd = make_socket();
  if (!fd) return fd;
  const auto* at = reinterpret_cast<const sockaddr*>(&address->address);
  if (::bind(fd->get(), at, address->size) != 0) {
    if (errno == EADDRINUSE) return Error(Code::State, "the meeting's name is taken");
    return Error::os("cannot give a socket a name", errno);
  }
  if (::listen(fd->get(), SOMAXCONN) != 0) return Error::os("cannot listen on a socket", errno);
  return fd;
}

Result<Fd> meet(std::span<const std::byte> name) {
  auto address = address_of(name);
  if (!address) return address.error();
  auto fd = make_socket();
  if (!fd) return fd;
  const auto* at = reinterpret_cast<const sockaddr*>(&address->address);
  if (::connect(fd->get(), at, address->size) == 0) return fd;
  if (errno == EAGAIN || errno == EINTR) return Error(Code::Timeout);
  // EPROTOTYPE: somebody else's socket of another kind has the name.
  if (errno == ECONNREFUSED || errno == EPROTOTYPE) return Error(Code::Closed);
  return Error::os("cannot connect a socket", errno);
}

Result<Fd> accept_met(int fd) {
  for (;;) {
    Fd met = adopt_fd(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (met) {
      make_room(met.get());
      return met;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Error(Code::Timeout);
    if (errno == EINVAL) return Error(Code::Closed);
    // ECONNABORTED: who came is gone already.
    if (errno != EINTR && errno != ECONNABORTED) {
      return Error::os("cannot accept a connection", errno);
    }
  }
}

Result<PeerIdentity> peer_identity(int fd) {
  ucred who = {};
  socklen_t size = sizeof who;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
    return Error::os("cannot tell who is at the other end of a socket", errno);
  }
  return PeerIdentity{who.pid, who.uid};
}

bool is_open_fd(int fd) { return ::fcntl(fd, F_GETFD) >= 0 || errno != EBADF; }
uint32_t effective_user() { return ::geteuid(); }

}  // namespace brood::platform
