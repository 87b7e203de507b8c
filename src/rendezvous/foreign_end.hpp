// The end of a pipe whose other end is with a program of another family: two sockets, one for
// messages and one for file descriptors. Nothing that comes from there is believed. Any thread;
// counted references, as every Waitable.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "channel/message.hpp"
#include "process/fd_wait.hpp"
#include "rendezvous/wire.hpp"
#include "sync/waitable.hpp"

namespace brood {

// One thread at a time; the others wait for their turn.
class Turn {
 public:
  Status take(BellRack& rack, Deadline deadline, const CancelToken* cancel);
  void give();

 private:
  std::mutex mutex_;  // guards what follows
  bool taken_ = false;
  std::vector<Bell*> sleepers_;
};

class ForeignEnd final : public Waitable {
 public:
  struct Connection {
    platform::Fd messages;
    platform::Fd fds;
    platform::PeerIdentity peer;
    uint64_t most_out = wire::kMostMessage;  // bytes of a message that the other side takes
    uint64_t most_in = wire::kMostMessage;
  };
  // The caller owns a reference. The household's loop was started.
  static ForeignEnd* make(Household& household, Connection connection);

  // Closed when the other end is gone or the pipe shut down. TooBig. Timeout and Canceled: nothing
  // of it arrives.
  Status send(std::span<const std::byte> bytes, uint8_t codec, Deadline deadline,
              const CancelToken* cancel);
  // Closed when that is so and everything was received; Protocol when the other side broke it.
  Result<Message::Ptr> receive(Deadline deadline, const CancelToken* cancel);
  // False when there is too little room: the message stays.
  Result<bool> receive_into(std::span<std::byte> room, uint64_t& size, uint8_t& codec,
                            Deadline deadline, const CancelToken* cancel);
  Result<uint64_t> peek_size(Deadline deadline, const CancelToken* cancel);
  Status poll(Deadline deadline, const CancelToken* cancel);
  // An fd is on its way when this returns.
  Status send_fd(int fd, Deadline deadline, const CancelToken* cancel);
  Result<platform::Fd> receive_fd(Deadline deadline, const CancelToken* cancel);
  // Both directions: what is on its way can still be received.
  void shut_down();

  const platform::PeerIdentity& peer() const { return peer_; }
  bool ready() const override;
  Status watch(Watcher* watcher) override;

 private:
  // What the loop's watch refers to, which may outlive the end by a little.
  struct Wakeup {
    std::mutex mutex;  // guards owner, and what it keeps under watch_mutex()
    ForeignEnd* owner = nullptr;
    SharedFd fd;
    platform::Fd copy;             // libuv wants one watch for each fd
    std::unique_ptr<Watch> watch;  // loop thread only
  };

  ForeignEnd(Household& household, Connection connection);
  ~ForeignEnd() override;
  std::mutex& watch_mutex() const override { return wakeup_->mutex; }
  static void on_readable(Wakeup& wakeup);
  void arm();

  // With the mutex held: reads until there is a message or nothing more to read, and tells who
  // waits.
  void pump();
  void read_answer();
  bool answered() const { return next_ != nullptr || over_.has_value(); }
  void end_with(Error error);
  // Calls `take` with the mutex held once there is an answer.
  template <class Take>
  auto with_answer(Deadline deadline, const CancelToken* cancel, Take&& take)
      -> Result<decltype(take())>;
  Status send_frames(std::span<const std::byte> bytes, uint8_t codec, Deadline deadline,
                     const CancelToken* cancel);
  Status send_frame(const wire::Frame& frame, Deadline deadline, const CancelToken* cancel);

  Household& household_;
  const SharedFd messages_;
  const SharedFd fds_;
  const platform::PeerIdentity peer_;
  const uint64_t most_out_;
  const std::shared_ptr<Wakeup> wakeup_;

  Turn sending_;          // guards what follows
  bool dropped_ = false;  // a message was given up half way: the other side is to forget it
  std::vector<std::byte> packet_;

  // Guarded by watch_mutex().
  wire::Assembly assembly_;
  Message::Ptr next_;
  std::optional<Error> over_;  // what every receive says once there is no message
};

}  // namespace brood
