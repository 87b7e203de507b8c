// The items of a stream, known by tickets. Of a map all are made at once, and the ticket is the
// index; of a window places are made as they are needed and used again, and the ticket is the
// place.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "pool/job.hpp"

namespace brood {

// The bytes of a map's item, by its index.
using BytesAt = std::function<std::span<const std::byte>(size_t)>;

class StreamItems {
 public:
  struct Item {
    Argument argument;
    OutcomeSlot outcome;
  };

  StreamItems() = default;
  StreamItems(const StreamItems&) = delete;
  StreamItems& operator=(const StreamItems&) = delete;
  ~StreamItems();

  // ---- a map ----
  // Makes so many items. Arguments up to `small` bytes are copied behind them; the others' items
  // have none yet.
  void fill(size_t count, const BytesAt& bytes, size_t small);

  // ---- a window ----
  // A place for the item `index`, with a copy of the bytes as its argument.
  uint64_t place(uint64_t index, std::span<const std::byte> bytes);
  // The item is over: its place serves the next one.
  void clear(uint64_t ticket);

  Item& at(uint64_t ticket) { return all_ != nullptr ? all_[ticket] : places_[ticket].item; }
  const Item& at(uint64_t ticket) const {
    return all_ != nullptr ? all_[ticket] : places_[ticket].item;
  }
  uint64_t index_of(uint64_t ticket) const {
    return all_ != nullptr ? ticket : places_[ticket].index;
  }

 private:
  struct Place {
    Item item;
    uint64_t index = 0;
    std::vector<std::byte> bytes;  // keeps its room from item to item
  };

  std::unique_ptr<std::byte[]> memory_;  // a map's items, and their arguments behind them
  Item* all_ = nullptr;
  uint64_t count_ = 0;
  std::deque<Place> places_;
  std::vector<uint64_t> free_;
};

}  // namespace brood
