#include "pool/stream_items.hpp"

#include <cstring>
#include <new>

#include "pool/frames.hpp"

namespace brood {

StreamItems::~StreamItems() {
  for (uint64_t i = 0; i < count_; ++i) all_[i].~Item();
}

void StreamItems::fill(size_t count, const BytesAt& bytes, size_t small) {
  size_t whole = count * sizeof(Item);
  for (size_t i = 0; i < count; ++i) {
    if (const size_t size = bytes(i).size(); size <= small) whole += padded(size);
  }
  memory_ = std::make_unique_for_overwrite<std::byte[]>(whole);
  all_ = reinterpret_cast<Item*>(memory_.get());
  std::byte* at = memory_.get() + count * sizeof(Item);
  for (; count_ < count; ++count_) {
    Item* item = new (all_ + count_) Item;
    const std::span<const std::byte> argument = bytes(count_);
    if (argument.size() > small) continue;
    if (!argument.empty()) std::memcpy(at, argument.data(), argument.size());
    item->argument = Argument::at(at, argument.size());
    at += padded(argument.size());
  }
}

uint64_t StreamItems::place(uint64_t index, std::span<const std::byte> bytes) {
  if (free_.empty()) {
    // Room to give every place back, so that clear() cannot fail.
    free_.reserve(places_.size() + 1);
    places_.emplace_back();
    free_.push_back(places_.size() - 1);
  }
  const uint64_t ticket = free_.back();
  Place& place = places_[ticket];
  place.bytes.assign(bytes.begin(), bytes.end());
  place.item.argument = Argument::at(place.bytes.data(), bytes.size());
  place.index = index;
  free_.pop_back();
  return ticket;
}

void StreamItems::clear(uint64_t ticket) {
  places_[ticket].item.outcome.reset();
  free_.push_back(ticket);
}

}  // namespace brood
