// Who can tell nobody that memory is out waits until there is some: brood's own threads, and calls
// that cannot fail or are in the middle of what must be finished. Which of a thread's allocations
// these are is a scope; who allocates is the library's operator new (src/api/memory.cpp).
#pragma once

#include <utility>

namespace brood {

class Patience {
 public:
  Patience() : before_(std::exchange(scope_, true)) {}
  ~Patience() { scope_ = before_; }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  // True inside a scope of the calling thread.
  static bool in_scope() { return scope_; }

 private:
  const bool before_;
  // One byte of what is there from a thread's beginning: no call to find it.
  [[gnu::tls_model("initial-exec")]] static inline thread_local bool scope_ = false;
};

}  // namespace brood
