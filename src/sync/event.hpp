// A flag that any member sets, clears and waits for. A set wakes all who wait at that moment, also
// when it is cleared again before they look.
#pragma once

#include "sync/shared_object.hpp"
#include "sync/waiter.hpp"

namespace brood {

//   0   word   how often it was set << 1 | set
struct EventState {
  std::atomic<uint64_t> word;
};
static_assert(SharedPod<EventState> && sizeof(EventState) == 8);

class Event final : public SharedObject {
 public:
  static Result<Event> create(Holdings& holdings);
  static Result<Event> from(Held held);

  void set() const;
  void clear() const { state().word.fetch_and(~uint64_t{1}, std::memory_order_seq_cst); }
  bool is_set() const { return (state().word.load(std::memory_order_seq_cst) & 1) != 0; }
  bool ready() const override { return is_set(); }
  // Until it is set, or was set since the call. Timeout, Canceled.
  Status wait(BellRack& rack, Deadline deadline, const CancelToken* cancel) const;

 private:
  explicit Event(Held held) : SharedObject(std::move(held)) {}
  EventState& state() const { return state_as<EventState>(); }
};

}  // namespace brood
