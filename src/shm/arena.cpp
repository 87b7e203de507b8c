#include "shm/arena.hpp"

#include <algorithm>
#include <new>

namespace brood {

namespace {

constexpr uint64_t kMagic = 0x616e657261646f72;
constexpr uint64_t kVersion = 1;
constexpr uint64_t kDefaultBytes = uint64_t{64} << 30;
constexpr uint64_t kSmallestDefault = uint64_t{1} << 30;

uint64_t default_bytes() {
  const uint64_t wanted = std::max(kDefaultBytes, platform::physical_memory() * 16);
  return std::min(wanted / kBlockBytes * kBlockBytes, kLargestArena);
}

}  // namespace

Arena::Arena(platform::Fd fd, platform::Mapping mapping, const Layout& layout)
    : fd_(std::move(fd)),
      mapping_(std::move(mapping)),
      layout_(layout),
      members_(mapping_.get().data, fd_.get(), layout_),
      heap_(mapping_.get().data, fd_.get(), layout_) {}

Result<std::unique_ptr<Arena>> Arena::create_of(uint64_t bytes) {
  auto fd = platform::create_shared_memory(bytes);
  if (!fd) return fd.error();
  auto mapping = platform::map_shared(fd->get(), bytes);
  if (!mapping) return mapping.error();

  const Layout layout = layout_of(bytes);
  const Offset first_records[] = {0, layout.members_at, layout.control_at};
  for (const Offset record : first_records) {
    BROOD_TRY(platform::commit_shared(fd->get(), record, platform::page_size()));
  }
  auto* header = new (mapping->get().data) ArenaHeader{};
  header->version = kVersion;
  header->bytes = bytes;
  platform::random_bytes(std::as_writable_bytes(std::span(&header->id, 1)));
  header->magic = kMagic;
  return std::unique_ptr<Arena>(new Arena(std::move(*fd), std::move(*mapping), layout));
}

Result<std::unique_ptr<Arena>> Arena::create(uint64_t bytes) {
  if (bytes != 0) {
    if (bytes < kSmallestArena || bytes > kLargestArena) {
      return Error(Code::Invalid, "an arena of " + std::to_string(bytes) +
                                      " bytes: it must have from 16 MiB to 32 TiB");
    }
    auto arena = create_of(bytes);
    if (!arena) return arena.error().with_context("making the family's shared memory");
    return arena;
  }
  for (bytes = default_bytes();; bytes /= 2) {
    auto arena = create_of(bytes / kBlockBytes * kBlockBytes);
    if (arena) return arena;
    // Only "too much" gets better with less.
    if (arena.error().code() != Code::NoMemory || bytes / 2 < kSmallestDefault) {
      return arena.error().with_context("making the family's shared memory");
    }
  }
}

Result<std::unique_ptr<Arena>> Arena::attach(platform::Fd fd) {
  const auto bytes = platform::shared_memory_size(fd.get());
  if (!bytes) return bytes.error();
  if (*bytes < kSmallestArena || *bytes > kLargestArena) {
    return Error(Code::Protocol,
                 "this is no family's shared memory: it has " + std::to_string(*bytes) + " bytes");
  }
  auto mapping = platform::map_shared(fd.get(), *bytes);
  if (!mapping) return mapping.error().with_context("joining the family's shared memory");

  const auto* header = reinterpret_cast<const ArenaHeader*>(mapping->get().data);
  if (header->magic != kMagic || header->bytes != *bytes) {
    return Error(Code::Protocol, "this is no family's shared memory: its header is wrong");
  }
  if (header->version != kVersion) {
    return Error(Code::Protocol, "the family's shared memory is of version " +
                                     std::to_string(header->version) + ", this library makes " +
                                     std::to_string(kVersion));
  }
  return std::unique_ptr<Arena>(new Arena(std::move(fd), std::move(*mapping), layout_of(*bytes)));
}

uint32_t Arena::next_generation() {
  // Only the number matters: nothing else is ordered by it.
  const uint64_t count = header().generation.fetch_add(1, std::memory_order_relaxed);
  return static_cast<uint32_t>(count % UINT32_MAX) + 1;
}

}  // namespace brood
