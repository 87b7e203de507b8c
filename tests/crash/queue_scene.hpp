// A queue in the sweep's family: the host's, the victim's and the survivor's views of it.
#pragma once

#include <optional>

#include "channel/queue.hpp"
#include "operation.hpp"

namespace brood::crash {

// One member's way to the queue. Made in the checker; those of others are never destroyed there,
// since what they refer to is the reaper's.
struct Party {
  Party(World& world, MemberId id)
      : holdings(*world.arena, id.slot), rack(std::make_shared<BellRack>(*world.arena, id)) {}

  Holdings holdings;
  std::shared_ptr<BellRack> rack;
  std::optional<Queue> queue;
};

struct QueueScene {
  QueueScene(World& world, const RingSettings& settings);

  Ring& host_ring() { return host->queue->ring(); }
  Ring& victim_ring() { return victim->queue->ring(); }
  // Lets the host's views go, and with the last one the queue.
  std::string end();

  World& world;
  std::unique_ptr<Party> host;
  Party* victim;
  Party* survivor;
  std::optional<CancelToken> token;  // the host's, to be sent along
  std::optional<CancelToken> victims_token;
};

inline constexpr size_t kLarge = 5000;

// "b100 v5000h": messages of one letter each, so large; h carries a handle. Read before the victim
// starts, so that the sweep need not step through it.
class Letters {
 public:
  Letters(const std::string& words);
  Letters(const char* words) : Letters(std::string(words)) {}
  // Closed; Timeout if they could not all be put at once. In one commit.
  Status put(Party& party, int64_t timeout_ms = 0, const CancelToken* token = nullptr) const;

 private:
  struct Letter {
    std::string text;
    bool with_handle;
  };
  std::vector<Letter> letters_;
};
inline Status put_letters(Party& party, const Letters& letters, int64_t timeout_ms = 0,
                          const CancelToken* token = nullptr) {
  return letters.put(party, timeout_ms, token);
}
// What a message is, as Letters has it; "torn" if it is not whole.
std::string read_letters(Message& message);
// Everything that is there, with blanks between.
std::string drain(Ring& ring);
// The queue must go on: what is put now is what comes.
std::string goes_on(QueueScene& scene);

// An operation on a fresh queue with these settings. `survive` may be empty.
Operation queue_operation(const char* name, const RingSettings& settings,
                          const std::function<void(QueueScene&)>& prepare,
                          const std::function<void(QueueScene&)>& act,
                          const std::function<int(QueueScene&)>& survive,
                          const std::function<std::string(QueueScene&, pid_t, bool)>& check);

}  // namespace brood::crash
