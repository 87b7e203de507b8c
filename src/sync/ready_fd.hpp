// An fd that can be read once something is ready, for event loops that are not brood's.
#pragma once

#include "platform/platform.hpp"
#include "sync/waitable.hpp"

namespace brood {

class ReadyFd final : public Watcher {
 public:
  static Result<ReadyFd*> create();

  int fd() const { return ends_.first.get(); }
  // Cannot be read any more, until it is told again.
  void clear();
  void on_ready(Waitable&) override;

 private:
  ReadyFd() = default;
  platform::FdPair ends_;
};

}  // namespace brood
