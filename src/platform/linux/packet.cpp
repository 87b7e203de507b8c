// Packets between processes: sequenced-packet sockets that carry fds.
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "platform/linux/fd_birth.hpp"

namespace brood::platform {

namespace {

// Room for the fds of one packet, aligned as the kernel wants it.
struct alignas(cmsghdr) ControlRoom {
  char bytes[CMSG_SPACE(kMaxPacketFds * sizeof(int))];
};

void take_fds(msghdr& message, Packet& packet) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      packet.fds.push_back(adopt_fd(fd));
    }
  }
  for (const Fd& fd : packet.fds) packet.fds_lost |= !fd;
  packet.fds_lost |= (message.msg_flags & MSG_CTRUNC) != 0;
  if (packet.fds_lost) packet.fds.clear();
}

Status wait_or_timeout(int fd, bool for_write, Deadline deadline) {
  if (deadline.is_now()) return Error(Code::Timeout);
  auto ready = wait_fd(fd, for_write, deadline);
  if (!ready) return ready.error();
  if (!*ready) return Error(Code::Timeout);
  return {};
}

// Takes the packet in front, which has `size` bytes.
Result<Packet> take_packet(int fd, size_t size) {
  Packet packet;
  packet.bytes.resize(std::min(size, kMaxPacketBytes));
  ControlRoom control;
  iovec part = {packet.bytes.data(), packet.bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t got;
  do {
    got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    // A reset is reported once, as in receive_packet().
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0) return Error::os("cannot receive a packet", errno);
  take_fds(message, packet);
  // brood sends no empty packet, so nothing read is the end.
  if (got == 0) return Error(Code::Closed);
  if (message.msg_flags & MSG_TRUNC) {
    return Error(Code::Protocol, "a packet longer than " + std::to_string(kMaxPacketBytes) +
                                     " bytes was cut short");
  }
  packet.bytes.resize(static_cast<size_t>(got));
  return packet;
}

}  // namespace

Result<FdPair> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::os("cannot make a socket pair", errno);
  }
  FdPair pair;
  pair.first = adopt_fd(ends[0]);
  pair.second = adopt_fd(ends[1]);
  if (!pair.first || !pair.second) return Error::os("cannot make a socket pair", errno);
  // The largest packet must fit whatever the system's default is; the kernel takes a smaller
  // maximum in silence, and then send_packet() says so.
  const int room = 2 * static_cast<int>(kMaxPacketBytes);
  ::setsockopt(pair.first.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  ::setsockopt(pair.second.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  return pair;
}

Status send_packet(int fd, std::span<const std::byte> bytes, std::span<const int> fds,
                   Deadline deadline) {
  if (bytes.empty() || bytes.size() > kMaxPacketBytes || fds.size() > kMaxPacketFds) {
    return Error(Code::TooBig, "a packet holds 1 to " + std::to_string(kMaxPacketBytes) +
                                   " bytes and at most " + std::to_string(kMaxPacketFds) +
                                   " fds, not " + std::to_string(bytes.size()) + " and " +
                                   std::to_string(fds.size()));
  }
  iovec part = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlRoom control;
  if (!fds.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return Error(Code::Closed);
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      BROOD_TRY(wait_or_timeout(fd, true, deadline));
    } else if (errno != EINTR) {
      return Error::os("cannot send a packet", errno);
    }
  }
}

Error no_room_for_fd() { return Error::os("this process has no room for one more fd", EMFILE); }

Result<Packet> receive_packet(int fd, Deadline deadline) {
  for (;;) {
    // Asks for the size first: most packets are small, and the largest would cost a mapping each
    // time.
    const ssize_t size = ::recv(fd, nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (size >= 0) return take_packet(fd, static_cast<size_t>(size));
    // The other end went with something unread in it, which is reported once: what it had sent is
    // there all the same, and then its end.
    if (errno == ECONNRESET) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      BROOD_TRY(wait_or_timeout(fd, false, deadline));
    } else if (errno != EINTR) {
      return Error::os("cannot receive a packet", errno);
    }
  }
}

bool is_packet_socket(int fd) {
  const auto is = [fd](int option, int wanted) {
    int value = 0;
    socklen_t size = sizeof value;
    // Where it cannot be told for another reason, whoever uses the socket will hear that.
    if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) {
      return errno != ENOTSOCK && errno != EBADF;
    }
    return value == wanted;
  };
  return is(SO_TYPE, SOCK_SEQPACKET) && is(SO_DOMAIN, AF_UNIX);
}

void stop_receiving(int fd) { ::shutdown(fd, SHUT_RD); }
void hang_up(int fd) { ::shutdown(fd, SHUT_RDWR); }

Result<std::vector<std::byte>> peek_packet(int fd) {
  if (!is_packet_socket(fd)) {
    return Error(Code::Invalid, "fd " + std::to_string(fd) + " is no packet socket");
  }
  std::vector<std::byte> bytes;
  for (;;) {
    // Its size first, as in receive_packet().
    const ssize_t whole = ::recv(fd, nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (whole > 0) bytes.resize(std::min(static_cast<size_t>(whole), kMaxPacketBytes));
    const ssize_t got =
        whole <= 0 ? whole : ::recv(fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) {
      bytes.resize(static_cast<size_t>(got));
      return bytes;
    }
    if (got == 0 || errno == ECONNRESET) return Error(Code::Closed);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Error(Code::Timeout);
    if (errno != EINTR) return Error::os("cannot look at a packet", errno);
  }
}

}  // namespace brood::platform
