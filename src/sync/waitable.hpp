// What futures, streams, processes and completion queues have in common: they become ready, and
// somebody may want to hear of it. Counted references: the user's handle is one, the object's own
// machinery (a pool that still owes the result) may hold others; any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.hpp"

namespace brood {

class ReadyFd;
class SharedObject;
class Waitable;

// Hears that something became ready. Called with the waitable's mutex held: rings a bell, or notes
// it.
class Watcher {
 public:
  virtual void on_ready(Waitable& waitable) = 0;

 protected:
  ~Watcher() = default;
};

class Waitable {
 public:
  Waitable(const Waitable&) = delete;
  Waitable& operator=(const Waitable&) = delete;

  void ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void unref() {
    // Release: what this thread did with the object comes before its end; acquire: in the thread
    // that ends it.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // With watch_mutex() held, unless the type says that it does not matter.
  virtual bool ready() const = 0;

  // Of a handle to an object in shared memory, which may become ready by another process: it is
  // registered with and looked at, not watched. Null for everything else.
  virtual const SharedObject* shared() const { return nullptr; }

  // Tells `watcher` once it is ready, at once if it is. The watcher outlives the watch.
  virtual Status watch(Watcher* watcher) {
    std::lock_guard lock(watch_mutex());
    if (ready()) {
      watcher->on_ready(*this);
    } else {
      watched().watchers.push_back(watcher);
    }
    return {};
  }
  // After it returns the watcher is not called any more.
  virtual void unwatch(Watcher* watcher) {
    std::lock_guard lock(watch_mutex());
    if (watched_ != nullptr) std::erase(watched_->watchers, watcher);
  }

  // An fd that can be read from now on if it is ready, else as soon as it is; the same one each
  // time, until the object goes.
  Result<int> ready_fd();

 protected:
  Waitable() = default;
  virtual ~Waitable() { delete watched_; }

  // The watcher behind ready_fd(), or null.
  Watcher* fd_watcher() const;

  // Guards the list of watchers, and whatever ready() must not change under.
  virtual std::mutex& watch_mutex() const = 0;

  // It is ready: tells every watcher once. With watch_mutex() held.
  void notify_locked() {
    if (watched_ == nullptr) return;
    std::vector<Watcher*> told;
    told.swap(watched_->watchers);
    for (Watcher* watcher : told) watcher->on_ready(*this);
  }
  bool watched_locked() const { return watched_ != nullptr && !watched_->watchers.empty(); }

 private:
  struct Watched {
    std::vector<Watcher*> watchers;
    std::shared_ptr<ReadyFd> fd;
  };
  Watched& watched() {
    if (watched_ == nullptr) watched_ = new Watched;
    return *watched_;
  }

  Watched* watched_ = nullptr;           // made on first use: most futures are never watched
  std::atomic<uint32_t> references_{1};  // last, so that a derived class packs behind it
};

}  // namespace brood
