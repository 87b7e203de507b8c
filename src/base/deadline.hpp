// When a wait ends. Made once from a timeout, so that a wait in several steps does not grow.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace brood {

using Clock = std::chrono::steady_clock;

class Deadline {
 public:
  static Deadline forever() { return Deadline{}; }
  // `timeout_ms` as the public calls take it: 0 tries once, negative waits for ever. 0 reads no
  // clock.
  static Deadline after_ms(int64_t timeout_ms) {
    Deadline deadline;
    if (timeout_ms == 0) deadline.at_ = Clock::time_point::min();
    // More than the clock can count (292 years) is for ever.
    if (timeout_ms > 0 && timeout_ms < INT64_MAX / 2'000'000) {
      deadline.at_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    }
    return deadline;
  }
  static Deadline at(Clock::time_point at) {
    Deadline deadline;
    deadline.at_ = at;
    return deadline;
  }

  Deadline sooner(Deadline other) const {
    if (!at_) return other;
    return other.at_ && *other.at_ < *at_ ? other : *this;
  }

  bool is_forever() const { return !at_; }
  bool is_now() const { return at_ == Clock::time_point::min(); }
  bool passed() const { return at_ && (is_now() || Clock::now() >= *at_); }

  // Nanoseconds left, 0 when passed; nothing when for ever.
  std::optional<int64_t> left_ns() const {
    if (!at_) return std::nullopt;
    if (is_now()) return 0;
    const auto left = std::chrono::nanoseconds(*at_ - Clock::now()).count();
    return left > 0 ? left : 0;
  }

 private:
  std::optional<Clock::time_point> at_;
};

}  // namespace brood
