// Packets between processes arrive whole, with all their fds, or as an error that leaks nothing.
#include <dirent.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;
using platform::kMaxPacketBytes;
using platform::kMaxPacketFds;
using Bytes = std::vector<std::byte>;

namespace {

size_t count_fds() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

platform::FdPair pair() {
  auto made = platform::make_socket_pair();
  assert_true(made.ok());
  return std::move(*made);
}

Bytes some_bytes(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

// As another program would: without the library's own limits.
void send_raw(int fd, const Bytes& bytes, const std::vector<int>& fds) {
  alignas(cmsghdr) char room[CMSG_SPACE(kMaxPacketFds * sizeof(int))];
  iovec part = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = room;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), bytes.size());
}

void sizes_up_to_the_largest_arrive(void**) {
  auto sockets = pair();
  for (const size_t size : {size_t{1}, size_t{4096}, kMaxPacketBytes}) {
    const Bytes sent = some_bytes(size);
    assert_true(platform::send_packet(sockets.first.get(), sent, {}, Deadline::after_ms(0)).ok());
    const auto seen = platform::peek_packet(sockets.second.get());
    assert_true(seen.ok() && *seen == sent);
    const auto got = platform::receive_packet(sockets.second.get(), Deadline::after_ms(0));
    assert_true(got.ok() && got->bytes == sent);
  }
  for (const size_t size : {size_t{0}, kMaxPacketBytes + 1}) {
    const auto refused =
        platform::send_packet(sockets.first.get(), some_bytes(size), {}, Deadline::after_ms(0));
    assert_int_equal(refused.code(), Code::TooBig);
  }
}

void a_packet_cut_short_is_an_error_and_its_fds_are_closed(void**) {
  auto sockets = pair();
  const size_t before = count_fds();
  send_raw(sockets.first.get(), some_bytes(kMaxPacketBytes + 100), {0, 1, 2});
  send_raw(sockets.first.get(), some_bytes(5), {});
  const auto cut = platform::receive_packet(sockets.second.get(), Deadline::after_ms(0));
  assert_false(cut.ok());
  assert_int_equal(cut.error().code(), Code::Protocol);
  assert_non_null(strstr(cut.error().message().c_str(), "cut short"));
  assert_int_equal(count_fds(), before);
  // What comes behind it is not touched.
  const auto next = platform::receive_packet(sockets.second.get(), Deadline::after_ms(0));
  assert_true(next.ok() && next->bytes == some_bytes(5));
}

void all_fds_arrive_or_none(void**) {
  auto sockets = pair();
  const size_t before = count_fds();
  const std::vector<int> many(kMaxPacketFds, sockets.first.get());
  const Bytes bytes = some_bytes(3);
  {
    assert_true(
        platform::send_packet(sockets.first.get(), bytes, many, Deadline::after_ms(0)).ok());
    const auto got = platform::receive_packet(sockets.second.get(), Deadline::after_ms(0));
    assert_true(got.ok() && !got->fds_lost);
    assert_int_equal(got->fds.size(), many.size());
  }
  assert_int_equal(count_fds(), before);

  rlimit limit, small;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  small = limit;
  small.rlim_cur = before + 10;
  assert_true(platform::send_packet(sockets.first.get(), bytes, many, Deadline::after_ms(0)).ok());
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
  const auto got = platform::receive_packet(sockets.second.get(), Deadline::after_ms(0));
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  assert_true(got.ok());
  assert_true(got->fds_lost);
  assert_true(got->bytes == bytes);
  assert_int_equal(got->fds.size(), 0);
  assert_int_equal(count_fds(), before);
}

void ends_are_told_apart(void**) {
  auto sockets = pair();
  const auto now = Deadline::after_ms(0);
  assert_int_equal(platform::receive_packet(sockets.second.get(), now).error().code(),
                   Code::Timeout);
  assert_int_equal(platform::peek_packet(sockets.second.get()).error().code(), Code::Timeout);
  assert_int_equal(platform::peek_packet(0).error().code(), Code::Invalid);
  // Until the other side takes some.
  const Bytes large = some_bytes(kMaxPacketBytes);
  Status sent;
  while ((sent = platform::send_packet(sockets.first.get(), large, {}, now)).ok()) {
  }
  assert_int_equal(sent.code(), Code::Timeout);
  sockets.second.reset();
  assert_int_equal(platform::send_packet(sockets.first.get(), large, {}, now).code(), Code::Closed);
  assert_int_equal(platform::receive_packet(sockets.first.get(), now).error().code(), Code::Closed);
  assert_int_equal(platform::peek_packet(sockets.first.get()).error().code(), Code::Closed);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(sizes_up_to_the_largest_arrive),
      cmocka_unit_test(a_packet_cut_short_is_an_error_and_its_fds_are_closed),
      cmocka_unit_test(all_fds_arrive_or_none),
      cmocka_unit_test(ends_are_told_apart),
  };
  return cmocka_run_group_tests_name("packet", tests, nullptr, nullptr);
}
