// A token in shared memory that ends waits: any member may hold it, fire it and reset it.
#pragma once

#include <atomic>

#include "shm/holdings.hpp"

namespace brood {

//   0   fired
struct CancelState {
  std::atomic<uint32_t> fired;
};
static_assert(SharedPod<CancelState> && sizeof(CancelState) == 4);

class CancelToken {
 public:
  static Result<CancelToken> create(Holdings& holdings);
  // From a handle of this type. Invalid when it is of another.
  static Result<CancelToken> from(Held held);

  // Ends every wait that registered, and every later one until the reset. Async-signal-safe.
  void fire() const;
  void reset() const { state().fired.store(0, std::memory_order_seq_cst); }
  // Pairs with fire(): who sees it sees what its caller did before.
  bool fired() const { return state().fired.load(std::memory_order_acquire) != 0; }

  const Held& held() const { return held_; }
  Handle handle() const { return held_.handle(); }

 private:
  friend class CancelRegistration;
  explicit CancelToken(Held held) : held_(std::move(held)) {}
  CancelState& state() const { return *reinterpret_cast<CancelState*>(held_.data()); }

  Held held_;
};

// While it lives, firing the token rings the bell. Look at the token after making it.
class CancelRegistration {
 public:
  // `cancel` may be null: nothing is registered then.
  CancelRegistration(const CancelToken* cancel, Arena& arena, MemberId me, BellId bell);
  ~CancelRegistration();
  CancelRegistration(const CancelRegistration&) = delete;
  CancelRegistration& operator=(const CancelRegistration&) = delete;

 private:
  std::atomic<uint64_t>* place_ = nullptr;
  uint64_t word_ = 0;
};

}  // namespace brood
