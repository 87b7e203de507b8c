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

// Who waits behind the door. Called on the loop thread.
class Host {
 public:
  virtual bool has_room() const = 0;
  virtual void receive(ForeignEnd::Connection visitor) = 0;

 protected:
  ~Host() = default;
};

class Door {
 public:
  static Result<std::unique_ptr<Door>> open(Household& household, platform::Fd place,
                                            Admission admission, Host& host);
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

  Door(Household& household, platform::Fd place, Admission admission, Host& host);
  void on_arrival();
  void greet(platform::Fd fd);
  void hear(Visitors::iterator visitor);
  wire::Answer judge(const wire::Hello& hello) const;
  void let_in(Visitor visitor, uint64_t most_out);
  void refuse(int fd, wire::Answer answer) const;
  void tidy();

  Household& household_;
  platform::Fd place_;
  const Admission admission_;
  const uint32_t user_;
  Host& host_;
  Visitors visitors_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace brood
