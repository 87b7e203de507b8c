// A name under which other programs find this one, and those who came and were not accepted yet.
// Ready while there are any. Any thread; counted references.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string_view>

#include "rendezvous/door.hpp"

namespace brood {

class Publication final : public Waitable {
 public:
  // The caller owns a reference. State when the name is published already, or cannot be.
  static Result<Publication*> open(Household& household, std::string_view name,
                                   Admission admission);

  // The next visitor. The caller owns a reference.
  Result<ForeignEnd*> accept(Deadline deadline, const CancelToken* cancel);
  bool ready() const override { return !room_->visitors.empty(); }

 private:
  // Shared with the door, which is gone a little later than the publication.
  struct Room final : Lobby {
    explicit Room(Household& household) : household(household) {}
    bool has_room() const override;
    void receive(ForeignEnd::Connection visitor) override;

    Household& household;
    mutable std::mutex mutex;  // guards what follows, and the watchers
    Publication* owner = nullptr;
    std::deque<ForeignEnd*> visitors;
  };
  static constexpr size_t kMostVisitors = 64;

  Publication(Household& household, SharedFd place);
  // Nobody finds the name any more when it returns, and who was not accepted is turned out.
  ~Publication() override;
  std::mutex& watch_mutex() const override { return room_->mutex; }

  Household& household_;
  const SharedFd place_;
  const std::shared_ptr<Room> room_;
  std::shared_ptr<std::unique_ptr<Door>> door_;  // what it points to: loop thread only
};

}  // namespace brood
