// Items in order, as spans: neighbours of one job are one entry. Guarded by the pool's mutex.
#pragma once

#include <deque>

#include "pool/job.hpp"

namespace brood {

class SpanQueue {
 public:
  bool empty() const { return spans_.empty(); }
  // Items, not spans.
  uint64_t size() const { return size_; }
  const Span& front() const { return spans_.front(); }

  void push_back(const Span& span) {
    size_ += span.count;
    if (!spans_.empty()) {
      Span& last = spans_.back();
      if (last.job == span.job && last.first + last.count == span.first) {
        last.count += span.count;
        return;
      }
    }
    spans_.push_back(span);
  }
  void push_front(const Span& span) {
    size_ += span.count;
    if (!spans_.empty()) {
      Span& next = spans_.front();
      if (next.job == span.job && span.first + span.count == next.first) {
        next.first = span.first;
        next.count += span.count;
        return;
      }
    }
    spans_.push_front(span);
  }
  // Takes `count` items off the front span, which has as many.
  void drop_front(uint64_t count) {
    Span& first = spans_.front();
    size_ -= count;
    first.first += count;
    first.count -= count;
    if (first.count == 0) spans_.pop_front();
  }
  // Takes the front span off.
  Span pop_front() {
    const Span span = spans_.front();
    size_ -= span.count;
    spans_.pop_front();
    return span;
  }
  // Puts all of `other` before what is here.
  void prepend(SpanQueue&& other) {
    while (!other.empty()) {
      push_front(other.spans_.back());
      other.size_ -= other.spans_.back().count;
      other.spans_.pop_back();
    }
  }
  // Puts all of `other` behind what is here.
  void append(SpanQueue&& other) {
    while (!other.empty()) push_back(other.pop_front());
  }
  // Takes out all items of `job`; returns their spans.
  SpanQueue remove(const Job* job) {
    SpanQueue taken;
    SpanQueue kept;
    while (!empty()) {
      const Span span = pop_front();
      (span.job == job ? taken : kept).push_back(span);
    }
    *this = std::move(kept);
    return taken;
  }

 private:
  std::deque<Span> spans_;
  uint64_t size_ = 0;
};

}  // namespace brood
