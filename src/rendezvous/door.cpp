#include "rendezvous/door.hpp"

#include "base/patience.hpp"

namespace brood {

namespace {

const Deadline kNow = Deadline::after_ms(0);

// Takes the same time wherever they differ.
bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  auto different = std::byte{0};
  for (size_t i = 0; i < a.size(); ++i) different |= a[i] ^ b[i];
  return different == std::byte{0};
}

}  // namespace

Door::Door(Household& household, SharedFd place, Admission admission, std::shared_ptr<Lobby> lobby)
    : household_(household),
      place_(std::move(place)),
      admission_(std::move(admission)),
      user_(platform::effective_user()),
      lobby_(std::move(lobby)) {}

Door::~Door() = default;

Result<std::unique_ptr<Door>> Door::open(Household& household, SharedFd place, Admission admission,
                                         std::shared_ptr<Lobby> lobby) {
  std::unique_ptr<Door> door(
      new Door(household, std::move(place), std::move(admission), std::move(lobby)));
  auto watch = household.loop().watch(door->place_->get(), true, false,
                                      [raw = door.get()](Readiness) { raw->on_arrival(); });
  if (!watch) return watch.error();
  door->watch_ = std::move(*watch);
  door->timer_ = household.loop().timer([raw = door.get()] { raw->tidy(); });
  return door;
}

void Door::on_arrival() {
  const Patience patience;
  for (;;) {
    auto met = platform::accept_met(place_->get());
    if (met) {
      greet(std::move(*met));
      continue;
    }
    if (met.error().code() == Code::Timeout) return;
    // Closed: it was revoked. No room for one more fd, say: who waits goes on waiting, and this is
    // tried again later.
    watch_->set(false, false);
    if (met.error().code() == Code::Closed) return;
    timer_->start_at(Clock::now() + std::chrono::milliseconds(100));
    return;
  }
}

void Door::greet(platform::Fd fd) {
  const auto who = platform::peer_identity(fd.get());
  if (!who) return;
  if (!admission_.any_user && who->user != user_) {
    return refuse(fd.get(), wire::Answer::OtherUser);
  }
  if (visitors_.size() == kMostSilent) visitors_.pop_front();
  visitors_.push_back({std::move(fd), *who, Clock::now(), nullptr});
  hear(std::prev(visitors_.end()));
}

void Door::hear(Visitors::iterator visitor) {
  const auto packet = platform::receive_packet(visitor->fd.get(), kNow);
  if (!packet && packet.error().code() == Code::Timeout) {
    if (visitor->watch) return;
    auto watch = household_.loop().watch(visitor->fd.get(), true, false,
                                         [this, visitor](Readiness) { hear(visitor); });
    if (watch) {
      visitor->watch = std::move(*watch);
      timer_->start_at(visitors_.front().since + kMostSilence);
      return;
    }
  }
  Visitor heard = std::move(*visitor);
  visitors_.erase(visitor);
  heard.watch.reset();
  if (!packet || !packet->fds.empty()) return;
  const auto hello = wire::decode_hello(packet->bytes);
  if (!hello) return;
  const wire::Answer answer = judge(*hello);
  if (answer != wire::Answer::Admitted) return refuse(heard.fd.get(), answer);
  let_in(std::move(heard), hello->most_bytes);
}

wire::Answer Door::judge(const wire::Hello& hello) const {
  if (hello.version != wire::kVersion) return wire::Answer::OtherVersion;
  if (!same_bytes(hello.token, admission_.token)) return wire::Answer::WrongToken;
  return wire::Answer::Admitted;
}

void Door::let_in(Visitor visitor, uint64_t most_out) {
  if (!lobby_->has_room()) return refuse(visitor.fd.get(), wire::Answer::Full);
  auto fds = platform::make_socket_pair();
  if (!fds) return;
  const auto welcome =
      wire::encode(wire::Welcome{wire::kVersion, wire::Answer::Admitted, admission_.most_bytes});
  const int theirs = fds->second.get();
  // Said before anything else is.
  if (!platform::send_packet(visitor.fd.get(), welcome, {&theirs, 1}, kNow)) return;
  lobby_->receive(
      {std::move(visitor.fd), std::move(fds->first), visitor.who, most_out, admission_.most_bytes});
}

void Door::refuse(int fd, wire::Answer answer) const {
  const auto welcome = wire::encode(wire::Welcome{wire::kVersion, answer, admission_.most_bytes});
  (void)platform::send_packet(fd, welcome, {}, kNow);
}

void Door::tidy() {
  const Patience patience;
  const auto now = Clock::now();
  while (!visitors_.empty() && visitors_.front().since + kMostSilence <= now) {
    visitors_.pop_front();
  }
  if (!visitors_.empty()) timer_->start_at(visitors_.front().since + kMostSilence);
  watch_->set(true, false);
}

}  // namespace brood
