// What futures, streams, processes and completion queues have in common: they become ready, and
// somebody may want to hear of it. Counted references: the user's handle is one, the object's own
// machinery (a pool that still owes the result) may hold others; any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace brood {

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
  void watch(Watcher* watcher) {
    std::lock_guard lock(watch_mutex());
    if (ready()) {
      watcher->on_ready(*this);
    } else {
      if (!watchers_) watchers_ = new std::vector<Watcher*>;
      watchers_->push_back(watcher);
    }
  }
  // After it returns the watcher is not called any more.
  void unwatch(Watcher* watcher) {
    std::lock_guard lock(watch_mutex());
    if (watchers_) std::erase(*watchers_, watcher);
  }

 protected:
  Waitable() = default;
  virtual ~Waitable() { delete watchers_; }

  // Guards the list of watchers, and whatever ready() must not change under.
  virtual std::mutex& watch_mutex() const = 0;

  // It is ready: tells every watcher once. With watch_mutex() held.
  void notify_locked() {
    if (!watchers_) return;
    std::vector<Watcher*> told;
    told.swap(*watchers_);
    for (Watcher* watcher : told) watcher->on_ready(*this);
  }
  bool watched_locked() const { return watchers_ != nullptr && !watchers_->empty(); }

 private:
  std::atomic<uint32_t> references_{1};
  std::vector<Watcher*>* watchers_ = nullptr;  // made on first use: most futures are never watched
};

}  // namespace brood
