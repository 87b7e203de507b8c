// What all objects in shared memory have in common for those who wait for them or send them: this
// process's hold on one, a look that says whether it is ready, and the set where waiters register.
#pragma once

#include <string>

#include "shm/holdings.hpp"

namespace brood {

class SharedObject {
 public:
  virtual ~SharedObject() = default;
  SharedObject(const SharedObject&) = default;
  SharedObject(SharedObject&&) = default;
  SharedObject& operator=(const SharedObject&) = default;
  SharedObject& operator=(SharedObject&&) = default;

  // A look: something that others do may change the answer at once.
  virtual bool ready() const = 0;
  // Where to register before a look that comes before a sleep. Null: it is never ready, and nobody
  // can wait for it.
  virtual WaiterSet* waiters() const { return &held_.header()->waiters; }

  const Held& held() const { return held_; }
  Arena& arena() const { return held_.holdings().arena(); }
  Members& members() const { return arena().members(); }

 protected:
  explicit SharedObject(Held held) : held_(std::move(held)) {}

  // What lies behind the header. `bytes` were checked by expect().
  template <class State>
  State& state_as() const {
    return *reinterpret_cast<State*>(held_.data());
  }
  // Invalid when the handle is of another type; Protocol when it is smaller than its state.
  static Status expect(const Held& held, ObjectType type, size_t bytes, const char* what);

 private:
  Held held_;
};

}  // namespace brood
