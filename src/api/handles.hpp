// From the ABI's opaque types to the inside's classes and back. All but the cancel token are the
// same object under another name.
#pragma once

#include "api/runtime.hpp"
#include "pool/stream.hpp"
#include "process/subprocess.hpp"
#include "sync/completions.hpp"

// The one handle that is more than a name: a shared token, and this process's hold on it.
struct brood_cancel final : public brood::Waitable {
 public:
  explicit brood_cancel(brood::CancelToken held) : token(std::move(held)) {}
  bool ready() const override { return token.fired(); }
  const brood::CancelToken* token_to_watch() const override { return &token; }

  brood::CancelToken token;

 private:
  std::mutex& watch_mutex() const override { return mutex_; }
  mutable std::mutex mutex_;  // guards the watchers
};

namespace brood::api {

#define BROOD_SAME(abi, inside)                                                    \
  inline abi* to_c(inside* object) { return reinterpret_cast<abi*>(object); }      \
  inline inside* from_c(abi* object) { return reinterpret_cast<inside*>(object); } \
  inline const inside* from_c(const abi* object) { return reinterpret_cast<const inside*>(object); }
BROOD_SAME(brood_msg, Message)
BROOD_SAME(brood_pool, Pool)
BROOD_SAME(brood_future, Future)
BROOD_SAME(brood_stream, Stream)
BROOD_SAME(brood_completions, Completions)
BROOD_SAME(brood_process, Subprocess)
BROOD_SAME(brood_handle, Waitable)
#undef BROOD_SAME

// A base may lie elsewhere than its object: this is the way up.
template <class Object>
brood_handle* up(Object* object) {
  return to_c(static_cast<Waitable*>(object));
}

inline const CancelToken* token(const brood_cancel* cancel) {
  return cancel != nullptr ? &cancel->token : nullptr;
}

// Gives back a handle; nothing happens in a forked child, whose parent's objects these are.
template <class Object>
void give_back(Object* object) {
  const Patience patience;
  if (object != nullptr && !Runtime::forked()) object->unref();
}

}  // namespace brood::api
