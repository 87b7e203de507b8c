// A pipe for messages: two ends, each of which any number of members may hold. In shared memory it
// is an object with a ring for each direction, which both ends refer to, and an object for each
// end, which is what handles name: when nobody holds an end any more, its object goes, and the
// other end knows.
//
//   end object -> | End |        a part of it carries its reference to the pipe
//   pipe       -> | the two ends | ring to the first | ring to the second | the same for fds |
#pragma once

#include "channel/fd_offer.hpp"
#include "channel/parcel.hpp"
#include "sync/shared_object.hpp"

namespace brood {

// What waits in a pipe before the next send has to wait; a larger message goes when nothing does.
inline constexpr uint64_t kPipeBytes = 1 << 20;

struct PipeShared {
  // Names an end's object, as a handle does.
  struct Name {
    std::atomic<Offset> object;
    std::atomic<uint64_t> generation;
  };
  Name ends[2];
  alignas(kFalseSharing) RingShared to[2];
  FdOffer fds_to[2];
};
static_assert(SharedPod<PipeShared> &&
              sizeof(PipeShared) == 128 + 2 * sizeof(RingShared) + 2 * sizeof(FdOffer));

struct EndShared {
  Offset pipe;
  uint32_t side;     // which end it is
  uint32_t one_way;  // the first end only receives, the second only sends
};
static_assert(SharedPod<EndShared> && sizeof(EndShared) == 16);

class PipeEnd final : public SharedObject {
 public:
  struct Pair;
  static Result<Pair> create(Holdings& holdings, const std::shared_ptr<BellRack>& rack,
                             bool duplex);
  // From a handle of this type. Invalid when it is of another.
  static Result<PipeEnd> from(Held held, std::shared_ptr<BellRack> rack);

  // Closed when the other end is gone or shut down; Invalid for an end that only receives.
  Status send(const Outgoing& item, const Deadline& deadline, const CancelToken* cancel) const;
  // Sends if nothing stands in the way (Ring::put_quickly): else false, and nothing was done.
  bool send_quickly(const std::byte* data, uint64_t size, uint8_t codec) const noexcept {
    return can_send() && !peer_is_gone() && outgoing_->put_quickly(data, size, codec);
  }
  // The same for receive(); null: nothing was done.
  Message* receive_quickly() const noexcept {
    return can_receive() ? incoming_->get_quickly() : nullptr;
  }
  // Closed when that is so and everything was received; Invalid for an end that only sends.
  Result<Message::Ptr> receive(const Deadline& deadline, const CancelToken* cancel) const;
  // False when there is too little room: the message stays.
  Result<bool> receive_into(std::span<std::byte> room, uint64_t& size, uint8_t& codec,
                            const Deadline& deadline, const CancelToken* cancel) const;
  Result<uint64_t> peek_size(const Deadline& deadline, const CancelToken* cancel) const;
  // Waits until it can be received from, or never will be.
  Status poll(const Deadline& deadline, const CancelToken* cancel) const;
  // The same for file descriptors, which are never on their way: see channel/fd_offer.
  Status send_fd(int fd, Deadline deadline, const CancelToken* cancel) const;
  Result<platform::Fd> receive_fd(Deadline deadline, const CancelToken* cancel) const;
  // Both directions, for everyone: what is on its way can still be received.
  void shut_down() const;

  bool can_send() const { return outgoing_ != nullptr; }
  bool can_receive() const { return incoming_ != nullptr; }
  Holdings& holdings() const { return held().holdings(); }

  bool ready() const override;
  WaiterSet* waiters() const override {
    return can_receive() ? &incoming_->shared().takers : nullptr;
  }

 private:
  PipeEnd(Held held, std::shared_ptr<BellRack> rack, ObjectHeader& pipe, const EndShared& end);
  Status check_receives() const;
  bool peer_is_gone() const;
  Ended ended() const;

  std::shared_ptr<BellRack> rack_;
  PipeShared* pipe_;
  unsigned side_;
  std::shared_ptr<Ring> incoming_;  // null: it only sends
  std::shared_ptr<Ring> outgoing_;  // null: it only receives
};

struct PipeEnd::Pair {
  PipeEnd first;
  PipeEnd second;
};

}  // namespace brood
