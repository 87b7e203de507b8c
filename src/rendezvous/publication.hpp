// A name under which other programs find this one, and those who came and were not accepted yet.
// Ready while there are any. Any thread; counted references.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string_view>

#include "rendezvous/door.hpp"

namespace brood {

class Publication final : public Waitable, private Host {
 public:
  // The caller owns a reference. State when the name is published already, or cannot be.
  static Result<Publication*> open(Household& household, std::string_view name,
                                   Admission admission);

  // The next visitor. The caller owns a reference.
  Result<ForeignEnd*> accept(Deadline deadline, const CancelToken* cancel);
  bool ready() const override { return !visitors_.empty(); }

 private:
  static constexpr size_t kMostVisitors = 64;

  explicit Publication(Household& household) : household_(household) {}
  // The name is free when it returns, and who was not accepted is turned out.
  ~Publication() override;
  std::mutex& watch_mutex() const override { return mutex_; }
  bool has_room() const override;
  void receive(ForeignEnd::Connection visitor) override;

  Household& household_;
  std::unique_ptr<Door> door_;  // loop thread only
  mutable std::mutex mutex_;    // guards visitors_ and the watchers
  std::deque<ForeignEnd*> visitors_;
};

}  // namespace brood
