// A token in shared memory that ends waits: any member may hold it, fire it and reset it.
#pragma once

#include <atomic>

#include "sync/shared_object.hpp"

namespace brood {

//   0   fired
struct CancelState {
  std::atomic<uint32_t> fired;
};
static_assert(SharedPod<CancelState> && sizeof(CancelState) == 4);

class CancelToken final : public SharedObject {
 public:
  static Result<CancelToken> create(Holdings& holdings);
  // From a handle of this type. Invalid when it is of another.
  static Result<CancelToken> from(Held held);

  // Ends every wait that registered, and every later one until the reset. Async-signal-safe.
  void fire() const {
    // Pairs with Registration::enlist(): it registers first and looks at `fired` then.
    state().fired.store(1, std::memory_order_seq_cst);
    waiters()->wake_all(members());
  }
  void reset() const { state().fired.store(0, std::memory_order_seq_cst); }
  // Pairs with fire(): who sees it sees what its caller did before.
  bool fired() const { return state().fired.load(std::memory_order_acquire) != 0; }
  bool ready() const override { return fired(); }

  Handle handle() const { return held().handle(); }

 private:
  explicit CancelToken(Held held) : SharedObject(std::move(held)) {}
  CancelState& state() const { return state_as<CancelState>(); }
};

}  // namespace brood
