// Which of many things became ready, in that order. Each registration is delivered once; it holds a
// reference to its object until then. Any thread.
#pragma once

#include <deque>
#include <list>

#include "sync/waitable.hpp"
#include "sync/waiter.hpp"

namespace brood {

class Completions final : public Waitable {
 public:
  explicit Completions(std::shared_ptr<BellRack> rack) : rack_(std::move(rack)) {}

  // Unsupported for what never becomes ready.
  Status add(Waitable& object, uint64_t tag);
  // Closed when nothing is registered any more.
  Result<uint64_t> next(Deadline deadline, const CancelToken* cancel);

  // Something is there, or nothing will ever be.
  bool ready() const override { return !told_.empty() || entries_.empty(); }

 private:
  // One registration; hears of its object.
  struct Entry final : Watcher {
    Entry(Completions& owner, Waitable& watched, uint64_t its_tag)
        : completions(owner), object(watched), tag(its_tag) {}
    void on_ready(Waitable&) override { completions.on_entry_ready(*this); }

    Completions& completions;
    Waitable& object;
    uint64_t tag;
    bool told = false;  // which of the two lists it is in
    std::list<Entry>::iterator self;
  };

  ~Completions() override;
  std::mutex& watch_mutex() const override { return mutex_; }
  void on_entry_ready(Entry& entry);

  const std::shared_ptr<BellRack> rack_;
  mutable std::mutex mutex_;  // guards what follows; taken after an object's own, never before it
  std::list<Entry> entries_;  // not ready yet
  std::list<Entry> told_;     // ready, in that order
  std::vector<Bell*> sleepers_;
};

}  // namespace brood
