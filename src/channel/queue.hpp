// A queue of messages that any number of members put into and take from. In shared memory it is one
// ring (channel/ring); this is a handle of this process to it.
#pragma once

#include "channel/parcel.hpp"
#include "sync/shared_object.hpp"

namespace brood {

class Queue final : public SharedObject {
 public:
  static Result<Queue> create(Holdings& holdings, std::shared_ptr<BellRack> rack,
                              const RingSettings& settings);
  // From a handle of this type. Invalid when it is of another.
  static Result<Queue> from(Held held, std::shared_ptr<BellRack> rack);

  Ring& ring() const { return *ring_; }
  Holdings& holdings() const { return held().holdings(); }

  // There is something to take, or there never will be.
  bool ready() const override { return ring_->has_something() || ring_->is_shut_down(); }
  WaiterSet* waiters() const override { return &ring_->shared().takers; }

 private:
  Queue(Held held, std::shared_ptr<BellRack> rack);
  std::shared_ptr<Ring> ring_;
};

}  // namespace brood
