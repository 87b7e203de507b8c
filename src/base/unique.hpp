// One owner for anything that is closed exactly once: an fd, a mapping, a child.
#pragma once

#include <utility>

namespace brood {

// Traits has `using Value`, `static Value none()` and `static void close(Value)`.
template <class Traits>
class Unique {
 public:
  using Value = typename Traits::Value;

  Unique() : value_(Traits::none()) {}
  explicit Unique(Value value) : value_(std::move(value)) {}
  Unique(Unique&& other) noexcept : value_(other.release()) {}
  Unique& operator=(Unique&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Unique(const Unique&) = delete;
  Unique& operator=(const Unique&) = delete;
  ~Unique() { reset(); }

  const Value& get() const { return value_; }
  explicit operator bool() const { return value_ != Traits::none(); }
  Value release() { return std::exchange(value_, Traits::none()); }
  void reset(Value value = Traits::none()) {
    Value old = std::exchange(value_, std::move(value));
    if (old != Traits::none()) Traits::close(old);
  }

 private:
  Value value_;
};

}  // namespace brood
