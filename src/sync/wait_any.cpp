#include "sync/wait_any.hpp"

#include <deque>

#include "sync/bell_watcher.hpp"

namespace brood {

namespace {

// What one wait has registered with the objects, taken back when it ends.
class Registrations {
 public:
  Registrations(BellRack& rack, Waiter& waiter, std::span<Waitable* const> objects)
      : objects_(objects) {
    for (Waitable* object : objects) {
      watchers_.emplace_back(waiter.bell());
      if (const CancelToken* token = object->token_to_watch()) {
        tokens_.emplace_back(token, rack.arena(), rack.me(), waiter.bell_id());
      } else {
        object->watch(&watchers_.back());
      }
    }
  }
  ~Registrations() {
    for (size_t i = 0; i < objects_.size(); ++i) {
      if (objects_[i]->token_to_watch() == nullptr) objects_[i]->unwatch(&watchers_[i]);
    }
  }
  Registrations(const Registrations&) = delete;
  Registrations& operator=(const Registrations&) = delete;

  // The lowest that is ready; how many there are if none is.
  size_t first_ready() const {
    for (size_t i = 0; i < objects_.size(); ++i) {
      const CancelToken* token = objects_[i]->token_to_watch();
      if (token != nullptr ? token->fired() : watchers_[i].rung()) return i;
    }
    return objects_.size();
  }

 private:
  std::span<Waitable* const> objects_;
  std::deque<BellWatcher> watchers_;
  std::deque<CancelRegistration> tokens_;
};

}  // namespace

Result<size_t> wait_any(BellRack& rack, std::span<Waitable* const> objects, Deadline deadline,
                        const CancelToken* cancel) {
  Waiter& waiter = Waiter::current(rack);
  const Registrations registrations(rack, waiter, objects);
  BROOD_TRY(
      waiter.wait(deadline, cancel, [&] { return registrations.first_ready() < objects.size(); }));
  return registrations.first_ready();
}

}  // namespace brood
