#include "rendezvous/publication.hpp"

#include "rendezvous/meeting_place.hpp"
#include "sync/wait_any.hpp"

namespace brood {

Publication::Publication(Household& household, SharedFd place)
    : household_(household),
      place_(std::move(place)),
      room_(std::make_shared<Room>(household)),
      door_(std::make_shared<std::unique_ptr<Door>>()) {
  room_->owner = this;
}

Result<Publication*> Publication::open(Household& household, std::string_view name,
                                       Admission admission) {
  BROOD_TRY(household.start(false));
  auto place = open_place(name);
  if (!place) return place.error();
  std::unique_ptr<Publication, void (*)(Publication*)> publication(
      new Publication(household, std::make_shared<const platform::Fd>(std::move(*place))),
      [](Publication* made) { made->unref(); });
  Status opened;
  household.loop().run([&] {
    auto door =
        Door::open(household, publication->place_, std::move(admission), publication->room_);
    if (!door) opened = door.error();
    if (door) *publication->door_ = std::move(*door);
  });
  if (!opened) return opened.error().with_context("publishing a name");
  return publication.release();
}

Publication::~Publication() {
  // Before the socket itself goes, which the loop's thread may still look at.
  platform::hang_up(place_->get());
  std::deque<ForeignEnd*> left;
  {
    std::lock_guard lock(room_->mutex);
    room_->owner = nullptr;
    left.swap(room_->visitors);
  }
  for (ForeignEnd* visitor : left) visitor->unref();
  household_.loop().post([door = std::move(door_)] { door->reset(); });
}

bool Publication::Room::has_room() const {
  std::lock_guard lock(mutex);
  return owner != nullptr && visitors.size() < kMostVisitors;
}

void Publication::Room::receive(ForeignEnd::Connection visitor) {
  ForeignEnd* end = ForeignEnd::make(household, std::move(visitor));
  {
    std::lock_guard lock(mutex);
    if (owner != nullptr) {
      visitors.push_back(end);
      owner->notify_locked();
      return;
    }
  }
  end->unref();
}

Result<ForeignEnd*> Publication::accept(Deadline deadline, const CancelToken* cancel) {
  Waitable* self = this;
  for (;;) {
    {
      std::lock_guard lock(watch_mutex());
      if (!room_->visitors.empty()) {
        ForeignEnd* visitor = room_->visitors.front();
        room_->visitors.pop_front();
        return visitor;
      }
    }
    const auto waited = wait_any(*household_.rack(), {&self, 1}, deadline, cancel);
    if (!waited) return waited.error();
  }
}

}  // namespace brood
