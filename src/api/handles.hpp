// From the ABI's opaque types to the inside's classes and back. Handles of what lives in one
// process are the same object under another name; handles of what lives in shared memory
// (SharedHandle) hold this process's view of it.
#pragma once

#include "api/runtime.hpp"
#include "channel/pipe.hpp"
#include "channel/queue.hpp"
#include "pool/stream.hpp"
#include "process/subprocess.hpp"
#include "rendezvous/publication.hpp"
#include "sync/completions.hpp"

namespace brood::api {

// A type's handle is `struct brood_x final : SharedHandle<X>`, where X is a SharedObject.
// `Base` is what the ABI's type is, where that may be something else too.
template <class Object, class Base = Waitable>
class SharedHandle : public Base {
 public:
  using Inside = Object;
  explicit SharedHandle(Object held) : object(std::move(held)) {}
  ~SharedHandle() override {
    if (Watcher* fd = this->fd_watcher()) unwatch(fd);
  }
  bool ready() const override { return object.ready(); }
  const SharedObject* shared() const override { return &object; }

  // Nobody in this process need hear of what another does: the bridge waits for it.
  Status watch(Watcher* watcher) override {
    if (object.waiters() == nullptr) {
      return Error(Code::Unsupported, "nothing about this handle ever becomes ready");
    }
    BROOD_LET(bridge, Runtime::instance().bridge());
    bridge->watch(object, *this, *watcher);
    return {};
  }
  void unwatch(Watcher* watcher) override {
    if (Bridge* bridge = Runtime::instance().bridge_if_made()) bridge->unwatch(*watcher);
  }

  Object object;

 private:
  std::mutex& watch_mutex() const override { return mutex_; }
  mutable std::mutex mutex_;  // guards the watchers
};

}  // namespace brood::api

struct brood_cancel final : brood::api::SharedHandle<brood::CancelToken> {
  using SharedHandle::SharedHandle;
};
struct brood_queue final : brood::api::SharedHandle<brood::Queue> {
  using SharedHandle::SharedHandle;
};
// Within the family, or to another program: one of the two.
struct brood_pipe : brood::Waitable {
  brood::PipeEnd* end = nullptr;
  brood::ForeignEnd* foreign = nullptr;
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
BROOD_SAME(brood_publication, Publication)
BROOD_SAME(brood_handle, Waitable)
#undef BROOD_SAME

// A base may lie elsewhere than its object: this is the way up.
template <class Object>
brood_handle* up(Object* object) {
  return to_c(static_cast<Waitable*>(object));
}

inline const CancelToken* token(const brood_cancel* cancel) {
  return cancel != nullptr ? &cancel->object : nullptr;
}

// Gives back a handle; nothing happens in a forked child, whose parent's objects these are.
template <class Object>
void give_back(Object* object) {
  const Patience patience;
  if (object != nullptr && !Runtime::forked()) object->unref();
}

}  // namespace brood::api
