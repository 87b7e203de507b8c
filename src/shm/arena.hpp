// The memory that a family shares: one sparse memfd, mapped whole by every member. It owns nothing
// by name and vanishes with the last member. Any thread may use it; it must outlive whatever points
// into it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/result.hpp"
#include "base/shared_pod.hpp"
#include "platform/platform.hpp"
#include "shm/heap.hpp"
#include "shm/layout.hpp"
#include "shm/members.hpp"

namespace brood {

//   0   magic
//   8   version
//   16  bytes        of the whole arena, from which every other place follows
//   24  id           random, so that a handle of another family is told apart
//   32  generation   the last one given to an object
struct ArenaHeader {
  uint64_t magic;
  uint64_t version;
  uint64_t bytes;
  uint64_t id;
  std::atomic<uint64_t> generation;
};
static_assert(SharedPod<ArenaHeader> && sizeof(ArenaHeader) == 40);

class Arena {
 public:
  // `bytes` of address space; 0 takes the larger of 64 GiB and 16 times the machine's memory, and
  // halves it, down to 1 GiB, while the system refuses to map so much.
  static Result<std::unique_ptr<Arena>> create(uint64_t bytes = 0);
  // Maps the arena that another member created. Protocol when the fd holds no arena of this
  // version.
  static Result<std::unique_ptr<Arena>> attach(platform::Fd fd);

  int fd() const { return fd_.get(); }
  uint64_t id() const { return header().id; }
  uint64_t bytes() const { return layout_.bytes; }
  const Layout& layout() const { return layout_; }
  // The `bytes` at `offset`; null when they are not all inside, or `offset` is 0.
  std::byte* at(Offset offset, size_t bytes) const {
    if (offset == 0 || offset > layout_.bytes || bytes > layout_.bytes - offset) return nullptr;
    return mapping_.get().data + offset;
  }
  Offset offset_of(const void* place) const {
    return static_cast<Offset>(static_cast<const std::byte*>(place) - mapping_.get().data);
  }

  Members& members() { return members_; }
  Heap& heap() { return heap_; }

  // A number that no living object has; never 0.
  uint32_t next_generation();
  // Held while this process reaps: the slot in the member table keeps other processes away, this
  // its own threads.
  std::mutex& reaping() { return reaping_; }
  // Held while this process uses the intent in its member's record.
  std::mutex& intending() { return intending_; }
  // Held while this process takes dying objects apart.
  std::mutex& dismantling() { return dismantling_; }

 private:
  Arena(platform::Fd fd, platform::Mapping mapping, const Layout& layout);
  static Result<std::unique_ptr<Arena>> create_of(uint64_t bytes);

  ArenaHeader& header() const { return *reinterpret_cast<ArenaHeader*>(mapping_.get().data); }

  platform::Fd fd_;
  platform::Mapping mapping_;
  Layout layout_;
  Members members_;
  Heap heap_;
  std::mutex reaping_;
  std::mutex intending_;
  std::mutex dismantling_;
};

}  // namespace brood
