#include "channel/fd_offer.hpp"

#include <cstring>
#include <deque>

namespace brood {

namespace {

// What a call that may not wait grants somebody who is there already.
constexpr int64_t kPatienceMs = 50;
// Connections that have said nothing yet: more than a family has takers at once are strangers'.
constexpr size_t kMostSilent = 64;

struct Secrets {
  FdSecret name, question, answer;
};
static_assert(sizeof(Secrets) == sizeof(FdOffer::secrets));

std::span<const std::byte> meeting_name(const Secrets& secrets) {
  return std::as_bytes(std::span(secrets.name));
}

// Waits in `set` until `look` has something to say. While somebody at the other side is `engaged`,
// it looks now and then: a stranger rings nobody, and the dead may have nobody who reaps them.
template <class Look, class Engaged, class Check>
Status wait_for_peer(BellRack& rack, WaiterSet& set, Deadline deadline, const CancelToken* cancel,
                     Look&& look, Engaged&& engaged, Check&& check) {
  for (;;) {
    const Deadline slice =
        engaged() ? deadline.sooner(Deadline::after_ms(kLivenessCheckMs)) : deadline;
    bool finished = false;
    const Status status = Waiter::current(rack).wait_on(
        set, slice, cancel,
        [&] {
          const bool before = engaged();
          finished = look();
          return finished || engaged() != before;
        },
        [] { return false; });
    if (finished) return {};
    if (status) continue;
    if (status.code() != Code::Timeout || deadline.passed()) return status;
    check();
  }
}

// One standing offer: made under the lock, gone with this.
class Giver {
 public:
  Giver(BellRack& rack, FdOffer& offer, int fd, const IsOver& is_over)
      : members_(rack.arena().members()), offer_(offer), fd_(fd), is_over_(is_over) {}
  ~Giver() { withdraw(); }
  Giver(const Giver&) = delete;
  Giver& operator=(const Giver&) = delete;

  Status open() {
    platform::random_bytes(std::as_writable_bytes(std::span(&secrets_, 1)));
    auto meeting = platform::open_meeting(meeting_name(secrets_));
    if (!meeting) return meeting.error();
    meeting_ = std::move(*meeting);
    // One that died may have left its offer standing. Takers look at the word before and after.
    const uint64_t number = (offer_.word.load(std::memory_order_relaxed) >> 1) + 1;
    offer_.word.store(number << 1, std::memory_order_seq_cst);
    uint64_t words[6];
    std::memcpy(words, &secrets_, sizeof words);
    for (int i = 0; i < 6; ++i) offer_.secrets[i].store(words[i], std::memory_order_release);
    // The commit of the offer.
    offer_.word.store(number << 1 | 1, std::memory_order_seq_cst);
    offer_.takers.wake_all(members_);
    return {};
  }

  // Somebody is there, and may have said something that could not be read yet.
  bool engaged() const { return taker_ || !silent_.empty(); }
  // True when it is over, one way or the other: outcome().
  bool look() {
    if (taker_ && hear()) return true;
    if (is_over_()) return finish(Error(Code::Closed));
    if (!taker_) {
      accept();
      if (outcome_) return true;
      for (size_t i = 0; i < silent_.size() && !taker_ && !outcome_;) serve(i);
    }
    return outcome_.has_value();
  }
  // When the wait was given up: no, unless it was taken before.
  bool taken_after_all() {
    if (!taker_) return false;
    platform::stop_receiving(taker_.get());
    return hear() && outcome_ && outcome_->ok();
  }
  const Status& outcome() const { return *outcome_; }

 private:
  bool finish(Status status) {
    outcome_.emplace(std::move(status));
    return true;
  }
  // Whether the taker said that it has it; one that says anything else, or goes, is none. What the
  // kernel has no memory for stays where it is, for the next look.
  bool hear() {
    const auto packet = platform::receive_packet(taker_.get(), Deadline::after_ms(0));
    if (!packet && packet.error().code() != Code::Closed) return false;
    if (packet && says(packet->bytes, FdWord::Taken, secrets_.answer)) return finish({});
    taker_.reset();
    return false;
  }
  void accept() {
    for (;;) {
      auto met = platform::accept_met(meeting_.get());
      if (!met) {
        if (met.error().code() != Code::Timeout) finish(met.error());
        return;
      }
      silent_.push_back(std::move(*met));
      if (silent_.size() > kMostSilent) silent_.pop_front();
    }
  }
  // Gives it to the one at `index` if that knows the question, drops it if it said something else.
  void serve(size_t& index) {
    auto packet = platform::receive_packet(silent_[index].get(), Deadline::after_ms(0));
    if (!packet && packet.error().code() != Code::Closed) {
      ++index;
      return;
    }
    platform::Fd speaker = std::move(silent_[index]);
    silent_.erase(silent_.begin() + static_cast<ptrdiff_t>(index));
    if (!packet || !says(packet->bytes, FdWord::Question, secrets_.question)) return;
    const auto words = say(FdWord::Answer, secrets_.answer);
    const Status sent =
        platform::send_packet(speaker.get(), words, {&fd_, 1}, Deadline::after_ms(0));
    if (sent) {
      taker_ = std::move(speaker);
      offer_.takers.wake_all(members_);
    } else if (sent.code() != Code::Closed && sent.code() != Code::Timeout) {
      finish(sent.error());
    }
  }
  void withdraw() {
    if (!meeting_) return;
    const uint64_t standing = offer_.word.load(std::memory_order_relaxed);
    offer_.word.store(standing & ~uint64_t{1}, std::memory_order_seq_cst);
    meeting_.reset();
    silent_.clear();
    taker_.reset();
    // Whoever was connected has to look: there is nothing for it here.
    offer_.takers.wake_all(members_);
  }

  const Members& members_;
  FdOffer& offer_;
  const int fd_;
  const IsOver& is_over_;
  Secrets secrets_ = {};
  platform::Fd meeting_;
  std::deque<platform::Fd> silent_;
  platform::Fd taker_;  // has the fd before it, and has not said that it took it
  std::optional<Status> outcome_;
};

// One call that wants an fd.
class Taker {
 public:
  Taker(BellRack& rack, FdOffer& offer, const IsOver& is_over)
      : members_(rack.arena().members()), offer_(offer), is_over_(is_over) {}
  ~Taker() { leave(); }
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;

  // Somebody offers one, as far as can be seen.
  bool anybody() const {
    return (offer_.word.load(std::memory_order_seq_cst) & 1) != 0 &&
           !members_.is_gone(offer_.lock.look().holder());
  }
  bool engaged() const { return static_cast<bool>(giver_); }
  // True when it is over, one way or the other: outcome().
  bool look() {
    if (giver_ && hear()) return true;
    if (is_over_()) return finish(Error(Code::Closed));
    // Another offer by now: whoever this is, a stranger perhaps who took a dead one's name, is not
    // to be waited for.
    if (giver_ && offer_.word.load(std::memory_order_seq_cst) != number_) leave();
    if (!giver_) connect();
    return outcome_.has_value();
  }
  Result<platform::Fd>& outcome() { return *outcome_; }

 private:
  bool finish(Result<platform::Fd> outcome) {
    outcome_.emplace(std::move(outcome));
    return true;
  }
  // What was written to the offer, if it stands, and was not tried in vain before.
  bool read_offer() {
    const uint64_t seen = offer_.word.load(std::memory_order_seq_cst);
    if ((seen & 1) == 0 || seen == tried_) return false;
    uint64_t words[6];
    for (int i = 0; i < 6; ++i) words[i] = offer_.secrets[i].load(std::memory_order_acquire);
    std::memcpy(&secrets_, words, sizeof words);
    if (offer_.word.load(std::memory_order_seq_cst) != seen) return false;
    number_ = seen;
    return true;
  }
  void connect() {
    if (!read_offer()) return;
    auto met = platform::meet(meeting_name(secrets_));
    if (!met) {
      // Closed: the giver is gone or has just given up. Timeout: strangers crowd there.
      if (met.error().code() == Code::Closed) tried_ = number_;
      const bool no = met.error().code() == Code::Closed || met.error().code() == Code::Timeout;
      if (!no) finish(met.error());
      return;
    }
    const auto words = say(FdWord::Question, secrets_.question);
    const Status asked = platform::send_packet(met->get(), words, {}, Deadline::after_ms(0));
    if (!asked) {
      tried_ = number_;
      if (asked.code() != Code::Closed && asked.code() != Code::Timeout) finish(asked.error());
      return;
    }
    giver_ = std::move(*met);
    offer_.givers.wake_all(members_);
  }
  bool hear() {
    auto packet = platform::receive_packet(giver_.get(), Deadline::after_ms(0));
    if (!packet && packet.error().code() == Code::Timeout) return false;
    const bool answered = packet && !packet->fds_lost && packet->fds.size() == 1 &&
                          says(packet->bytes, FdWord::Answer, secrets_.answer);
    Status failure;
    if (!packet) failure = packet.error();
    if (packet && packet->fds_lost) failure = platform::no_room_for_fd();
    if (answered) {
      // The commit: once this is said, the fd is ours. Closed: the giver gave up before.
      const auto words = say(FdWord::Taken, secrets_.answer);
      failure = platform::send_packet(giver_.get(), words, {}, Deadline::after_ms(0));
    }
    tried_ = number_;
    leave();
    if (answered && failure) return finish(std::move(packet->fds[0]));
    // Whoever goes is not to be waited for; what this process lacks is told.
    if (!failure && failure.code() != Code::Closed && failure.code() != Code::Timeout) {
      return finish(failure.error());
    }
    return false;
  }
  // The giver hears of it, be it the end of the connection or what was said before.
  void leave() {
    if (!giver_) return;
    giver_.reset();
    offer_.givers.wake_all(members_);
  }

  const Members& members_;
  FdOffer& offer_;
  const IsOver& is_over_;
  Secrets secrets_ = {};
  uint64_t number_ = 0;  // the word of the offer that was read last
  uint64_t tried_ = 0;   // the word of one that nothing came of
  platform::Fd giver_;
  std::optional<Result<platform::Fd>> outcome_;
};

Error nobody_there(const IsOver& is_over) {
  return Error(is_over() ? Code::Closed : Code::Timeout);
}

}  // namespace

Status give_fd(BellRack& rack, FdOffer& offer, int fd, Deadline deadline, const CancelToken* cancel,
               const IsOver& is_over) {
  if (is_over()) return Error(Code::Closed);
  if (deadline.is_now() && !offer.takers.anyone()) return nobody_there(is_over);
  const Deadline until = deadline.is_now() ? Deadline::after_ms(kPatienceMs) : deadline;
  OwnerGuard guard(rack, offer.lock, offer.givers, until, cancel);
  if (!guard.status()) return guard.status();
  Giver giver(rack, offer, fd, is_over);
  BROOD_TRY(giver.open());
  const Status waited = wait_for_peer(
      rack, offer.givers, until, cancel, [&] { return giver.look(); },
      [&] { return giver.engaged(); }, [] {});
  if (waited) return giver.outcome();
  return giver.taken_after_all() ? Status() : waited;
}

Result<platform::Fd> take_fd(BellRack& rack, FdOffer& offer, Deadline deadline,
                             const CancelToken* cancel, const IsOver& is_over) {
  Taker taker(rack, offer, is_over);
  if (deadline.is_now() && !taker.anybody()) return nobody_there(is_over);
  const Deadline until = deadline.is_now() ? Deadline::after_ms(kPatienceMs) : deadline;
  BROOD_TRY(wait_for_peer(
      rack, offer.takers, until, cancel, [&] { return taker.look(); },
      [&] { return taker.engaged(); },
      [&] { look_after(rack.arena(), offer.lock.look().holder(), rack.me()); }));
  return std::move(taker.outcome());
}

void wake_fd_waiters(FdOffer& offer, const Members& members) {
  // Pairs with Registration::enlist(): what changed is seen by who is not woken.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  offer.givers.wake_all(members);
  offer.takers.wake_all(members);
}

std::array<std::byte, 24> say(FdWord word, const FdSecret& secret) {
  const uint64_t words[3] = {static_cast<uint64_t>(word), secret[0], secret[1]};
  std::array<std::byte, 24> packet;
  std::memcpy(packet.data(), words, sizeof words);
  return packet;
}

bool says(std::span<const std::byte> packet, FdWord word, const FdSecret& secret) {
  uint64_t words[3];
  if (packet.size() != sizeof words) return false;
  std::memcpy(words, packet.data(), sizeof words);
  // All of it is looked at, so that the time taken tells nothing of where the difference is.
  const uint64_t different =
      (words[0] ^ static_cast<uint64_t>(word)) | (words[1] ^ secret[0]) | (words[2] ^ secret[1]);
  return different == 0;
}

}  // namespace brood
