#include "rendezvous/foreign_end.hpp"

#include <algorithm>
#include <cstring>

#include "base/patience.hpp"
#include "sync/wait_any.hpp"

namespace brood {

namespace {

const Deadline kNow = Deadline::after_ms(0);
constexpr std::byte kFdWord{'f'};

Error broken(const char* what) {
  return Error(Code::Protocol, std::string("the other program's end of the pipe ") + what);
}

// Tries until it is not the socket's room, or its emptiness, that is in the way.
template <class Attempt>
auto until_ready(Household& household, const SharedFd& fd, bool for_write, Deadline deadline,
                 const CancelToken* cancel, Attempt&& attempt) -> decltype(attempt()) {
  for (;;) {
    auto result = attempt();
    if (result) return result;
    const Error error = result.error();
    if (error.code() != Code::Timeout) return error;
    if (const Status waited = wait_for_fd(household, fd, for_write, deadline, cancel); !waited) {
      return waited.error();
    }
  }
}

}  // namespace

// ---- turns -------------------------------------------------------------------------------------

Status Turn::take(BellRack& rack, Deadline deadline, const CancelToken* cancel) {
  Waiter& waiter = Waiter::current(rack);
  Bell* bell = &waiter.bell();
  bool enlisted = false;
  const Status status = waiter.wait(deadline, cancel, [&] {
    std::lock_guard lock(mutex_);
    if (taken_ && !enlisted) {
      sleepers_.push_back(bell);
      enlisted = true;
    }
    return !std::exchange(taken_, true);
  });
  if (enlisted) {
    std::lock_guard lock(mutex_);
    sleepers_.erase(std::find(sleepers_.begin(), sleepers_.end(), bell));
  }
  return status;
}

void Turn::give() {
  std::lock_guard lock(mutex_);
  taken_ = false;
  for (Bell* sleeper : sleepers_) sleeper->ring();
}

// ---- the loop's part ---------------------------------------------------------------------------

ForeignEnd* ForeignEnd::make(Household& household, Connection connection) {
  return new ForeignEnd(household, std::move(connection));
}

ForeignEnd::ForeignEnd(Household& household, Connection connection)
    : household_(household),
      messages_(std::make_shared<const platform::Fd>(std::move(connection.messages))),
      fds_(std::make_shared<const platform::Fd>(std::move(connection.fds))),
      peer_(connection.peer),
      most_out_(connection.most_out),
      wakeup_(std::make_shared<Wakeup>()),
      assembly_(connection.most_in) {
  wakeup_->owner = this;
  wakeup_->fd = messages_;
}

ForeignEnd::~ForeignEnd() {
  {
    std::lock_guard lock(wakeup_->mutex);
    wakeup_->owner = nullptr;
    wakeup_->fd.reset();
  }
  // At once, whoever else still has a copy of the sockets.
  shut_down();
  household_.loop().post([wakeup = wakeup_] { wakeup->watch.reset(); });
}

void ForeignEnd::on_readable(Wakeup& wakeup) {
  std::lock_guard lock(wakeup.mutex);
  ForeignEnd* owner = wakeup.owner;
  if (owner != nullptr) owner->pump();
  // Until somebody wants to know again. What nobody waits for is left in the socket.
  if (owner == nullptr || !owner->watched_locked()) wakeup.watch->set(false, false);
}

void ForeignEnd::arm() {
  Loop& loop = household_.loop();
  loop.post([&loop, wakeup = wakeup_] {
    if (wakeup->watch) return wakeup->watch->set(true, false);
    SharedFd fd;
    {
      std::lock_guard lock(wakeup->mutex);
      fd = wakeup->fd;
    }
    if (!fd) return;
    auto copy = platform::duplicate(fd->get());
    if (copy) wakeup->copy = std::move(*copy);
    auto watch = copy ? loop.watch(wakeup->copy.get(), true, false,
                                   [raw = wakeup.get()](Readiness) { on_readable(*raw); })
                      : Result<std::unique_ptr<Watch>>(copy.error());
    if (watch) {
      wakeup->watch = std::move(*watch);
      return;
    }
    // It cannot be watched: whoever waits hears why.
    std::lock_guard lock(wakeup->mutex);
    if (wakeup->owner == nullptr) return;
    wakeup->owner->end_with(watch.error());
    wakeup->owner->notify_locked();
  });
}

bool ForeignEnd::ready() const {
  auto* self = const_cast<ForeignEnd*>(this);
  self->pump();
  return answered();
}

Status ForeignEnd::watch(Watcher* watcher) {
  BROOD_TRY(Waitable::watch(watcher));
  arm();
  return {};
}

// ---- receiving ---------------------------------------------------------------------------------

void ForeignEnd::end_with(Error error) {
  if (over_) return;
  over_ = std::move(error);
  if (over_->code() != Code::Closed) {
    platform::hang_up(messages_->get());
    platform::hang_up(fds_->get());
  }
}

void ForeignEnd::pump() {
  if (answered()) return;
  const Patience patience;  // what was received cannot be given back
  read_answer();
  // Whoever called, all who wait must hear of it: the loop's watch will not tell them, since what
  // it waits for was read.
  if (answered()) notify_locked();
}

void ForeignEnd::read_answer() {
  while (!answered()) {
    auto packet = platform::receive_packet(messages_->get(), kNow);
    if (!packet && packet.error().code() == Code::Timeout) return;
    if (!packet) return end_with(packet.error());
    const auto frame = wire::decode_frame(packet->bytes);
    if (!frame || !packet->fds.empty() || packet->fds_lost || !assembly_.add(*frame)) {
      return end_with(broken("sent what is no message"));
    }
    if (!assembly_.whole()) continue;
    next_ = Message::copy(assembly_.bytes().data(), assembly_.bytes().size(), assembly_.codec());
    assembly_.begin();
  }
}

template <class Take>
auto ForeignEnd::with_answer(Deadline deadline, const CancelToken* cancel, Take&& take)
    -> Result<decltype(take())> {
  Waitable* self = this;
  for (;;) {
    {
      std::lock_guard lock(watch_mutex());
      pump();
      if (next_ != nullptr) return take();
      if (over_) return *over_;
    }
    const auto waited = wait_any(*household_.rack(), {&self, 1}, deadline, cancel);
    if (!waited) return waited.error();
  }
}

Result<Message::Ptr> ForeignEnd::receive(Deadline deadline, const CancelToken* cancel) {
  return with_answer(deadline, cancel, [&] { return std::move(next_); });
}

Result<bool> ForeignEnd::receive_into(std::span<std::byte> room, uint64_t& size, uint8_t& codec,
                                      Deadline deadline, const CancelToken* cancel) {
  return with_answer(deadline, cancel, [&] {
    size = next_->size();
    codec = next_->codec();
    if (size > room.size()) return false;
    if (size > 0) std::memcpy(room.data(), next_->data(), size);
    next_.reset();
    return true;
  });
}

Result<uint64_t> ForeignEnd::peek_size(Deadline deadline, const CancelToken* cancel) {
  return with_answer(deadline, cancel, [&] { return static_cast<uint64_t>(next_->size()); });
}

Status ForeignEnd::poll(Deadline deadline, const CancelToken* cancel) {
  const auto size = peek_size(deadline, cancel);
  return size || size.error().code() == Code::Closed ? Status() : Status(size.error());
}

// ---- sending -----------------------------------------------------------------------------------

Status ForeignEnd::send(std::span<const std::byte> bytes, uint8_t codec, Deadline deadline,
                        const CancelToken* cancel) {
  if (bytes.size() > most_out_) {
    return Error(Code::TooBig, "the message has " + std::to_string(bytes.size()) +
                                   " bytes, and the other program takes at most " +
                                   std::to_string(most_out_));
  }
  BROOD_TRY(sending_.take(*household_.rack(), deadline, cancel));
  const Status sent = send_frames(bytes, codec, deadline, cancel);
  sending_.give();
  return sent;
}

Status ForeignEnd::send_frames(std::span<const std::byte> bytes, uint8_t codec, Deadline deadline,
                               const CancelToken* cancel) {
  if (dropped_) {
    BROOD_TRY(send_frame({wire::FrameKind::Dropped, 0, 0, {}}, deadline, cancel));
    dropped_ = false;
  }
  wire::Frame frame{wire::FrameKind::First, codec, bytes.size(), {}};
  do {
    frame.bytes = bytes.first(std::min(bytes.size(), wire::kFrameBytes));
    if (const Status sent = send_frame(frame, deadline, cancel); !sent) {
      dropped_ = frame.kind == wire::FrameKind::More;
      return sent;
    }
    bytes = bytes.subspan(frame.bytes.size());
    frame = {wire::FrameKind::More, 0, 0, {}};
  } while (!bytes.empty());
  return {};
}

Status ForeignEnd::send_frame(const wire::Frame& frame, Deadline deadline,
                              const CancelToken* cancel) {
  packet_.resize(wire::kFrameHeader + frame.bytes.size());
  wire::encode_header(frame, std::span(packet_).first<wire::kFrameHeader>());
  if (!frame.bytes.empty()) {
    std::memcpy(packet_.data() + wire::kFrameHeader, frame.bytes.data(), frame.bytes.size());
  }
  return until_ready(household_, messages_, true, deadline, cancel, [&]() -> Status {
    return platform::send_packet(messages_->get(), packet_, {}, kNow);
  });
}

void ForeignEnd::shut_down() {
  platform::hang_up(messages_->get());
  platform::hang_up(fds_->get());
}

// ---- file descriptors --------------------------------------------------------------------------

Status ForeignEnd::send_fd(int fd, Deadline deadline, const CancelToken* cancel) {
  return until_ready(household_, fds_, true, deadline, cancel, [&]() -> Status {
    return platform::send_packet(fds_->get(), {&kFdWord, 1}, {&fd, 1}, kNow);
  });
}

Result<platform::Fd> ForeignEnd::receive_fd(Deadline deadline, const CancelToken* cancel) {
  return until_ready(household_, fds_, false, deadline, cancel, [&]() -> Result<platform::Fd> {
    // Without room for it the kernel would throw it away: find out before.
    if (auto room = platform::duplicate(fds_->get()); !room) {
      return platform::no_room_for_fd();
    }
    const Patience patience;
    auto packet = platform::receive_packet(fds_->get(), kNow);
    if (!packet) return packet.error();
    if (packet->bytes.size() != 1 || packet->bytes[0] != kFdWord || packet->fds.size() != 1) {
      shut_down();
      return broken("sent what is no file descriptor");
    }
    return std::move(packet->fds[0]);
  });
}

}  // namespace brood
