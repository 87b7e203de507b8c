#include "rendezvous/publication.hpp"

#include <latch>

#include "rendezvous/meeting_place.hpp"
#include "sync/wait_any.hpp"

namespace brood {

namespace {

// On the loop thread, which waits for nobody, so that this takes no longer than its next step.
template <class Function>
void run_on(Loop& loop, Function&& function) {
  if (loop.on_loop_thread()) return function();
  std::latch done(1);
  loop.post([&] {
    function();
    done.count_down();
  });
  done.wait();
}

}  // namespace

Result<Publication*> Publication::open(Household& household, std::string_view name,
                                       Admission admission) {
  BROOD_TRY(household.start(false));
  auto place = open_place(name);
  if (!place) return place.error();
  std::unique_ptr<Publication, void (*)(Publication*)> publication(
      new Publication(household), [](Publication* made) { made->unref(); });
  Status opened;
  run_on(household.loop(), [&] {
    auto door = Door::open(household, std::move(*place), std::move(admission), *publication);
    if (!door) opened = door.error();
    if (door) publication->door_ = std::move(*door);
  });
  if (!opened) return opened.error().with_context("publishing a name");
  return publication.release();
}

Publication::~Publication() {
  run_on(household_.loop(), [this] { door_.reset(); });
  for (ForeignEnd* visitor : visitors_) visitor->unref();
}

bool Publication::has_room() const {
  std::lock_guard lock(mutex_);
  return visitors_.size() < kMostVisitors;
}

void Publication::receive(ForeignEnd::Connection visitor) {
  ForeignEnd* end = ForeignEnd::make(household_, std::move(visitor));
  std::lock_guard lock(mutex_);
  visitors_.push_back(end);
  notify_locked();
}

Result<ForeignEnd*> Publication::accept(Deadline deadline, const CancelToken* cancel) {
  Waitable* self = this;
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (!visitors_.empty()) {
        ForeignEnd* visitor = visitors_.front();
        visitors_.pop_front();
        return visitor;
      }
    }
    const auto waited = wait_any(*household_.rack(), {&self, 1}, deadline, cancel);
    if (!waited) return waited.error();
  }
}

}  // namespace brood
