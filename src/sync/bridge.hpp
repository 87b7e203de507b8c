// A thread that waits for objects in shared memory on behalf of who cannot sleep on a bell:
// completion queues, and the fds of foreign event loops. One for each process, made on first use;
// idle it sleeps.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "sync/shared_object.hpp"
#include "sync/waitable.hpp"
#include "sync/waiter.hpp"

namespace brood {

class Bridge {
 public:
  static Result<std::unique_ptr<Bridge>> start(std::shared_ptr<BellRack> rack);
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  // Tells `watcher` once that `object`, whose handle is `waitable`, is ready. Both outlive the
  // watch.
  void watch(const SharedObject& object, Waitable& waitable, Watcher& watcher);
  // After it returns the watcher is not called any more.
  void unwatch(Watcher& watcher);

 private:
  struct Entry {
    const SharedObject& object;
    Waitable& waitable;
    Watcher& watcher;
    std::unique_ptr<Registration> place;
  };

  explicit Bridge(std::shared_ptr<BellRack> rack) : rack_(std::move(rack)) {}
  void run();
  // With the mutex held.
  bool tell_if_ready(Entry& entry, Waiter& waiter);
  void leave(Entry& entry);
  void ring();

  const std::shared_ptr<BellRack> rack_;
  platform::Thread* thread_ = nullptr;
  std::mutex mutex_;  // guards what follows; watchers are called with it held
  std::list<Entry> entries_;
  Bell* bell_ = nullptr;  // the thread's, once it runs
  bool stop_ = false;
};

}  // namespace brood
