#include "sync/completions.hpp"

#include "sync/shared_object.hpp"

namespace brood {

Completions::~Completions() {
  // Nobody else holds this object any more, but its entries may still be told.
  for (;;) {
    Entry* entry;
    {
      std::lock_guard lock(mutex_);
      if (entries_.empty()) break;
      entry = &entries_.front();
    }
    entry->object.unwatch(entry);
    Waitable& object = entry->object;
    {
      std::lock_guard lock(mutex_);
      // It may have been told in between.
      (entry->told ? told_ : entries_).erase(entry->self);
    }
    object.unref();
  }
  for (Entry& entry : told_) entry.object.unref();
}

Status Completions::add(Waitable& object, uint64_t tag) {
  if (const SharedObject* shared = object.shared(); shared && shared->waiters() == nullptr) {
    return Error(Code::Unsupported, "nothing about this handle ever becomes ready");
  }
  Entry* entry;
  object.ref();
  {
    std::lock_guard lock(mutex_);
    entries_.emplace_back(*this, object, tag);
    entries_.back().self = std::prev(entries_.end());
    entry = &entries_.back();
  }
  Status watched = object.watch(entry);
  if (!watched) {
    {
      std::lock_guard lock(mutex_);
      entries_.erase(entry->self);
    }
    object.unref();
  }
  return watched;
}

void Completions::on_entry_ready(Entry& entry) {
  std::lock_guard lock(mutex_);
  entry.told = true;
  told_.splice(told_.end(), entries_, entry.self);
  for (Bell* sleeper : sleepers_) sleeper->ring();
  notify_locked();
}

Result<uint64_t> Completions::next(Deadline deadline, const CancelToken* cancel) {
  Waiter& waiter = Waiter::current(*rack_);
  Status status;
  for (;;) {
    Waitable* object = nullptr;
    uint64_t tag = 0;
    {
      std::lock_guard lock(mutex_);
      std::erase(sleepers_, &waiter.bell());
      if (!told_.empty()) {
        object = &told_.front().object;
        tag = told_.front().tag;
        told_.pop_front();
        if (ready()) {
          // The last one was taken: whoever waits for more has to know.
          for (Bell* sleeper : sleepers_) sleeper->ring();
          notify_locked();
        }
      } else if (entries_.empty()) {
        return Error(Code::Closed);
      } else if (status.ok()) {
        sleepers_.push_back(&waiter.bell());
      }
    }
    if (object != nullptr) {
      object->unref();
      return tag;
    }
    if (!status) return status.error();
    status = waiter.wait(deadline, cancel, [this] {
      std::lock_guard lock(mutex_);
      return ready();
    });
  }
}

}  // namespace brood
