#include "sync/bridge.hpp"

namespace brood {

Result<std::unique_ptr<Bridge>> Bridge::start(std::shared_ptr<BellRack> rack) {
  std::unique_ptr<Bridge> bridge(new Bridge(std::move(rack)));
  auto thread = platform::start_thread("brood-bridge", [raw = bridge.get()] { raw->run(); });
  if (!thread) return thread.error();
  bridge->thread_ = *thread;
  return bridge;
}

Bridge::~Bridge() {
  if (thread_ == nullptr) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    ring();
  }
  platform::join_thread(thread_);
}

void Bridge::ring() {
  if (bell_ != nullptr) bell_->ring();
}

void Bridge::watch(const SharedObject& object, Waitable& waitable, Watcher& watcher) {
  std::lock_guard lock(mutex_);
  if (object.ready()) {
    watcher.on_ready(waitable);
    return;
  }
  entries_.push_back({object, waitable, watcher, nullptr});
  ring();
}

void Bridge::unwatch(Watcher& watcher) {
  std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const bool its = &entry->watcher == &watcher;
    if (its) leave(*entry);
    entry = its ? entries_.erase(entry) : std::next(entry);
  }
}

// A wake that was meant for this thread is another's, since nothing is taken here.
void Bridge::leave(Entry& entry) {
  if (entry.place && entry.place->leave() && entry.object.ready()) {
    entry.object.waiters()->wake_one(entry.object.members());
  }
}

bool Bridge::tell_if_ready(Entry& entry, Waiter& waiter) {
  if (!entry.place) {
    entry.place = std::make_unique<Registration>(entry.object.waiters(), rack_->arena().members(),
                                                 rack_->me(), waiter.bell_id());
  }
  // Registered first, looked at then.
  entry.place->enlist();
  if (!entry.object.ready()) return false;
  leave(entry);
  entry.watcher.on_ready(entry.waitable);
  return true;
}

void Bridge::run() {
  Waiter& waiter = Waiter::current(*rack_);
  {
    std::lock_guard lock(mutex_);
    bell_ = &waiter.bell();
  }
  // Each look tells what has become ready since the last one.
  (void)waiter.wait(Deadline::forever(), nullptr, [&] {
    std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      entry = tell_if_ready(*entry, waiter) ? entries_.erase(entry) : std::next(entry);
    }
    return stop_;
  });
  std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) leave(entry);
  entries_.clear();
  bell_ = nullptr;
}

}  // namespace brood
