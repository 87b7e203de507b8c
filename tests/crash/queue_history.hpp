// Whether a history can be that of a queue with leases and a capacity.
#pragma once

#include "history.hpp"

namespace brood::crash {

constexpr uint64_t item_of(uint64_t producer, uint64_t number) { return producer << 32 | number; }
constexpr uint64_t producer_of(uint64_t item) { return item >> 32; }
constexpr uint64_t number_in(uint64_t item) { return item & 0xffffffff; }

struct QueueLimits {
  uint64_t items, bytes;
};

struct QueueVerdict {
  uint64_t puts = 0;        // that returned
  uint64_t leases = 0;      // that returned
  uint64_t again = 0;       // deliveries of an item that had been leased before
  uint64_t most_items = 0;  // surely in the queue at once
  uint64_t most_bytes = 0;
  uint64_t in_hand = 0;  // put, and gone with a process that was killed in a get
  uint64_t missing = 0;  // put, and did not arrive
  uint64_t wrong = 0;
};

// Everything that was put must have been taken in the end, by the host if by nobody else.
// `arrived`: whether who took the item could pass it on.
QueueVerdict check_queue(const History& history, const QueueLimits& limits,
                         const std::function<bool(uint64_t item)>& arrived);

}  // namespace brood::crash
