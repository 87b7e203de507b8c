// Where visitors of a publication come in: hears them, and lets in who may. Loop thread only, from
// its making to its end; nobody's silence keeps the others waiting.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "rendezvous/foreign_end.hpp"

namespace brood {

// Who may come in.
struct Admission {
  std::vector<std::byte> token;  // empty: none is asked for
  bool any_user = false;         // else this user alone
  uint64_t most_bytes = wire::kMostMessage;
};

// What lies behind the door: visitors that nobody has accepted yet.
class Lobby {
 public:
  virtual ~Lobby() = default;
  // Called on the loop thread.
  virtual bool has_room() const = 0;
  virtual void receive(ForeignEnd::Connection visitor) = 0;
};

class Door {
 public:
  static Result<std::unique_ptr<Door>> open(Household& household, SharedFd place,
                                            Admission admission, std::shared_ptr<Lobby> lobby);
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

 private:
  // Somebody who has said nothing yet.
  struct Visitor {
    platform::Fd fd;
    platform::PeerIdentity who;
    Clock::time_point since;
    std::unique_ptr<Watch> watch;
  };
  using Visitors = std::list<Visitor>;
  static constexpr size_t kMostSilent = 64;
  static constexpr std::chrono::seconds kMostSilence{2};

  Door(Household& household, SharedFd place, Admission admission, std::shared_ptr<Lobby> lobby);
  void on_arrival();
  void greet(platform::Fd fd);
  void hear(Visitors::iterator visitor);
  wire::Answer judge(const wire::Hello& hello) const;
  void let_in(Visitor visitor, uint64_t most_out);
  void refuse(int fd, wire::Answer answer) const;
  void tidy();

  Household& household_;
  const SharedFd place_;
  const Admission admission_;
  const uint32_t user_;
  const std::shared_ptr<Lobby> lobby_;
  Visitors visitors_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace brood
