// The two kinds of brood_pipe.
#pragma once

#include "api/handles.hpp"

namespace brood::api {

struct FamilyPipe final : SharedHandle<PipeEnd, brood_pipe> {
  explicit FamilyPipe(PipeEnd held) : SharedHandle(std::move(held)) { end = &object; }
};

// Holds a reference to the end, and stands for it where somebody waits.
class ForeignPipe final : public brood_pipe {
 public:
  // Takes over the caller's reference.
  explicit ForeignPipe(ForeignEnd* taken) { foreign = taken; }
  ~ForeignPipe() override {
    if (Watcher* fd = fd_watcher()) unwatch(fd);
    foreign->unref();
  }
  bool ready() const override { return foreign->ready(); }
  Status watch(Watcher* watcher) override { return foreign->watch(watcher); }
  void unwatch(Watcher* watcher) override { foreign->unwatch(watcher); }

 private:
  std::mutex& watch_mutex() const override { return mutex_; }
  mutable std::mutex mutex_;  // guards the fd of brood_handle_fd()
};

}  // namespace brood::api
