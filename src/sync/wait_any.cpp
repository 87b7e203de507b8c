#include "sync/wait_any.hpp"

#include <deque>

#include "sync/bell_watcher.hpp"
#include "sync/shared_object.hpp"

namespace brood {

namespace {

// What one wait has registered with the objects, taken back when it ends.
class Registrations {
 public:
  Registrations(BellRack& rack, Waiter& waiter, std::span<Waitable* const> objects)
      : objects_(objects) {
    for (Waitable* object : objects) {
      const SharedObject* shared = object->shared();
      watchers_.emplace_back(waiter.bell());
      places_.emplace_back(shared != nullptr ? shared->waiters() : nullptr, rack.arena().members(),
                           rack.me(), waiter.bell_id());
      if (shared == nullptr) (void)object->watch(&watchers_.back());
    }
  }
  ~Registrations() {
    for (size_t i = 0; i < objects_.size(); ++i) {
      if (const SharedObject* shared = objects_[i]->shared()) {
        // Nothing was taken: who was woken here was woken in another's stead.
        if (places_[i].leave() && shared->ready()) shared->waiters()->wake_one(shared->members());
      } else {
        objects_[i]->unwatch(&watchers_[i]);
      }
    }
  }
  Registrations(const Registrations&) = delete;
  Registrations& operator=(const Registrations&) = delete;

  // The lowest that is ready; how many there are if none is.
  size_t first_ready() {
    for (size_t i = 0; i < objects_.size(); ++i) {
      places_[i].enlist();
      const SharedObject* shared = objects_[i]->shared();
      if (shared != nullptr ? shared->ready() : watchers_[i].rung()) return i;
    }
    return objects_.size();
  }

 private:
  std::span<Waitable* const> objects_;
  std::deque<BellWatcher> watchers_;
  std::deque<Registration> places_;
};

}  // namespace

Result<size_t> wait_any(BellRack& rack, std::span<Waitable* const> objects, Deadline deadline,
                        const CancelToken* cancel) {
  for (size_t i = 0; i < objects.size(); ++i) {
    const SharedObject* shared = objects[i]->shared();
    if (shared == nullptr || shared->waiters() != nullptr) continue;
    return Error(Code::Unsupported, "nothing about handle " + std::to_string(i) +
                                        " ever becomes ready: it cannot be waited for");
  }
  Waiter& waiter = Waiter::current(rack);
  Registrations registrations(rack, waiter, objects);
  size_t index = objects.size();
  BROOD_TRY(waiter.wait(deadline, cancel, [&] {
    index = registrations.first_ready();
    return index < objects.size();
  }));
  return index;
}

}  // namespace brood
