// Which of many things became ready, in that order. Each registration is delivered once; it holds a
// reference to its object until then. Any thread.
#pragma once

#include <deque>
#include <list>
#include <mutex>

#include "base/result.hpp"
#include "sync/waitable.hpp"
#include "sync/waiter.hpp"

namespace brood {

class Completions final : public Waitable {
 public:
  Completions(Arena& arena, MemberSlot member) : arena_(arena), member_(member) {}

  void add(Waitable& object, uint64_t tag);
  // Closed when nothing is registered any more.
  Result<uint64_t> next(Deadline deadline, const CancelToken* cancel);

  // Something is there, or nothing will ever be.
  bool ready() const override { return !tags_.empty() || entries_.empty(); }

 private:
  // One registration; hears of its object.
  struct Entry final : Watcher {
    Entry(Completions& owner, Waitable& watched, uint64_t its_tag)
        : completions(owner), object(watched), tag(its_tag) {}
    void on_ready(Waitable&) override { completions.on_entry_ready(*this); }

    Completions& completions;
    Waitable& object;
    uint64_t tag;
    bool told = false;
    std::list<Entry>::iterator self;
  };

  ~Completions() override;
  std::mutex& watch_mutex() const override { return mutex_; }
  void on_entry_ready(Entry& entry);
  void look_at_tokens();
  void drop_told();

  Arena& arena_;
  const MemberSlot member_;
  mutable std::mutex mutex_;  // guards what follows; taken after an object's own
  std::list<Entry> entries_;
  std::deque<uint64_t> tags_;
  std::vector<Bell*> sleepers_;
};

}  // namespace brood
