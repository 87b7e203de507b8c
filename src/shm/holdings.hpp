// What this process holds of shared objects. However many handles it has to one, it has one
// reference to it in shared memory, in lists that its reaper can read. Any thread; must outlive
// every Held.
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "shm/object.hpp"

namespace brood {

class Holdings;

// One handle of this process to a shared object, which lives at least as long.
class Held {
 public:
  Held() = default;
  Held(const Held& other);
  Held(Held&& other) noexcept
      : holdings_(std::exchange(other.holdings_, nullptr)), header_(other.header_) {}
  Held& operator=(Held other) noexcept {
    std::swap(holdings_, other.holdings_);
    std::swap(header_, other.header_);
    return *this;
  }
  ~Held();

  explicit operator bool() const { return holdings_ != nullptr; }
  ObjectHeader* header() const { return header_; }
  std::byte* data() const { return object_data(header_); }
  Offset offset() const;
  Handle handle() const;
  Holdings& holdings() const { return *holdings_; }

 private:
  friend class Holdings;
  // Takes over one use that was counted already.
  Held(Holdings& holdings, ObjectHeader* header) : holdings_(&holdings), header_(header) {}

  Holdings* holdings_ = nullptr;
  ObjectHeader* header_ = nullptr;
};

class Holdings {
 public:
  Holdings(Arena& arena, MemberSlot me) : arena_(arena), me_(me) {}
  ~Holdings();
  Holdings(const Holdings&) = delete;
  Holdings& operator=(const Holdings&) = delete;

  Arena& arena() const { return arena_; }
  MemberSlot me() const { return me_; }

  // A new object with `bytes` zeros behind its header, or what `lay_out` makes of them.
  Result<Held> create(ObjectType type, size_t bytes, LayOut lay_out = nullptr,
                      const void* settings = nullptr);
  // The object that a handle names, which something that cannot go away meanwhile refers to.
  Result<Held> hold(const Handle& handle);
  // Makes a free word of a list that this member owns refer to the object too: it can be sent then.
  Status attach(const Held& held, std::atomic<Offset>& ref) {
    return add_reference(arena_, held.offset(), ref, me_);
  }
  // Takes the object out of a message's list.
  Result<Held> take(std::atomic<Offset>& ref);

 private:
  friend class Held;
  struct Use {
    uint64_t count = 0;
    std::atomic<Offset>* ref = nullptr;
  };
  static constexpr uint64_t kListRefs = 63;

  void again(ObjectHeader* header);
  void less(ObjectHeader* header);
  // A free word in one of our lists. The caller holds the mutex.
  Result<std::atomic<Offset>*> free_ref();

  Arena& arena_;
  const MemberSlot me_;
  std::mutex mutex_;  // guards what follows, and the words of our lists
  std::unordered_map<Offset, Use> uses_;
  std::vector<std::atomic<Offset>*> free_refs_;
  std::vector<Offset> lists_;
};

}  // namespace brood
