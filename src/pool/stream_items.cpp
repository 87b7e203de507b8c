#include "pool/stream_items.hpp"

#include <cstring>
#include <new>

#include "pool/frames.hpp"

namespace brood {

StreamItems::~StreamItems() {
  for (uint64_t i = 0; i < count_; ++i) all_[i].~Item();
}

void StreamItems::fill(std::span<const std::span<const std::byte>> arguments, size_t small) {
  if (arguments.empty()) return;
  size_t bytes = arguments.size() * sizeof(Item);
  for (const auto& argument : arguments) {
    if (argument.size() <= small) bytes += padded(argument.size());
  }
  memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
  all_ = reinterpret_cast<Item*>(memory_.get());
  std::byte* at = memory_.get() + arguments.size() * sizeof(Item);
  for (const auto& argument : arguments) {
    Item* item = new (all_ + count_) Item;
    ++count_;
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
