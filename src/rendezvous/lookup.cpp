#include "rendezvous/lookup.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include "rendezvous/meeting_place.hpp"

namespace brood {

namespace {

// What a call that may not wait grants a publisher that is there.
constexpr int64_t kPatienceMs = 250;
// Nobody tells when a name is published: it is looked for again, ever less often.
constexpr int64_t kFirstPauseMs = 1;
constexpr int64_t kLongestPauseMs = 100;

Error refused(wire::Answer answer, uint32_t version) {
  switch (answer) {
    case wire::Answer::OtherUser:
      return Error::os("the publisher does not let other users in", EACCES);
    case wire::Answer::WrongToken:
      return Error::os("the publisher does not know this token", EACCES);
    case wire::Answer::OtherVersion:
      return Error(Code::Unsupported, "the publisher speaks version " + std::to_string(version) +
                                          " of the rendezvous, this library " +
                                          std::to_string(wire::kVersion));
    case wire::Answer::Admitted:
    case wire::Answer::Full:
      break;
  }
  return Error(Code::Closed);
}

// One approach. Closed: nobody is there, or it has no time for one more.
Result<ForeignEnd*> visit_once(Household& household, std::string_view name, const Visit& visit,
                               Deadline deadline, const CancelToken* cancel) {
  auto found = approach(name, visit.user);
  if (!found && found.error().code() == Code::Timeout) return Error(Code::Closed);
  if (!found) return found.error();
  const auto fd = std::make_shared<const platform::Fd>(std::move(found->connection));
  const auto hello = wire::encode(wire::Hello{wire::kVersion, visit.most_bytes, visit.token});
  const Status sent = platform::send_packet(fd->get(), hello, {}, Deadline::after_ms(0));
  // Closed: it may have refused this user already, which is still to be read.
  if (!sent && sent.code() != Code::Closed) return sent.error();
  BROOD_TRY(wait_for_fd(household, fd, false, deadline, cancel));
  auto packet = platform::receive_packet(fd->get(), Deadline::after_ms(0));
  if (!packet) return packet.error();
  const auto welcome = wire::decode_welcome(packet->bytes);
  if (!welcome) return Error(Code::Protocol, "the publisher's answer is none");
  if (welcome->answer != wire::Answer::Admitted) return refused(welcome->answer, welcome->version);
  if (packet->fds_lost) return platform::no_room_for_fd();
  if (packet->fds.size() != 1 || !platform::is_packet_socket(packet->fds[0].get())) {
    return Error(Code::Protocol, "the publisher's answer comes without a socket");
  }
  auto own = platform::duplicate(fd->get());
  if (!own) return own.error();
  return ForeignEnd::make(household, {std::move(*own), std::move(packet->fds[0]), found->publisher,
                                      welcome->most_bytes, visit.most_bytes});
}

}  // namespace

Result<ForeignEnd*> look_up(Household& household, std::string_view name, const Visit& visit,
                            Deadline deadline, const CancelToken* cancel) {
  BROOD_TRY(household.start(false));
  const Deadline answer_by = deadline.is_now() ? Deadline::after_ms(kPatienceMs) : deadline;
  int64_t pause_ms = kFirstPauseMs;
  for (;;) {
    auto visited = visit_once(household, name, visit, answer_by, cancel);
    if (visited ||
        (visited.error().code() != Code::Closed && visited.error().code() != Code::Timeout)) {
      return visited;
    }
    if (deadline.passed()) {
      return Error(Code::Timeout, "nobody of user " + std::to_string(visit.user) + " publishes '" +
                                      std::string(name) + "', or answers");
    }
    const Status paused =
        Waiter::current(*household.rack())
            .wait(deadline.sooner(Deadline::after_ms(pause_ms)), cancel, [] { return false; });
    if (paused.code() == Code::Canceled) return paused.error();
    pause_ms = std::min(2 * pause_ms, kLongestPauseMs);
  }
}

}  // namespace brood
