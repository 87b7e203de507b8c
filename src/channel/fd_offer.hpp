// How a file descriptor goes from one member to another: the one who gives it stays in its call
// until a taker has it, so that none is ever on its way by itself, to be lost with a process.
//
// The giver opens a meeting under a random name and writes the name into shared memory, with two
// secrets. A taker connects and says the first one; the giver answers with the second one and the
// fd; the taker says "taken", which is the commit: from there on the fd is its, before that the
// giver's. A giver that gives up shuts the connection against that word first, so both know the
// same. Whoever dies, the kernel closes its end, and with it what was on its way there; the other
// one goes on. The names of meetings can be seen by the whole machine, the secrets only by who maps
// the family's memory: that is the proof of membership, on both sides.
#pragma once

#include <array>
#include <functional>
#include <span>

#include "shm/waiter_set.hpp"
#include "sync/owner_wait.hpp"

namespace brood {

//   0    lock       who offers an fd
//   8    word       number of the offer << 1 | it stands
//   16   name       of the meeting
//   32   question   what the taker says
//   48   answer     what the giver says
//   128  givers     who waits for the lock, and who waits for a taker
//   256  takers
struct FdOffer {
  OwnerLock lock;
  std::atomic<uint64_t> word;
  std::atomic<uint64_t> secrets[6];
  alignas(kFalseSharing) WaiterSet givers;
  alignas(kFalseSharing) WaiterSet takers;
};
static_assert(SharedPod<FdOffer> && offsetof(FdOffer, secrets) == 16 && sizeof(FdOffer) == 384);

// True once nobody will be at the other side any more.
using IsOver = std::function<bool()>;

// Until a taker has a copy of it. Closed, Timeout, Canceled: nobody has. A call that may not wait
// succeeds if somebody waits for an fd.
Status give_fd(BellRack& rack, FdOffer& offer, int fd, Deadline deadline, const CancelToken* cancel,
               const IsOver& is_over);
// The next one that is offered. Os when this process has no room for one more: it stays with the
// giver. A call that may not wait succeeds if somebody offers one.
Result<platform::Fd> take_fd(BellRack& rack, FdOffer& offer, Deadline deadline,
                             const CancelToken* cancel, const IsOver& is_over);
// Something that `is_over` looks at has changed.
void wake_fd_waiters(FdOffer& offer, const Members& members);

// ---- what is said, as it arrives from whoever connected ----------------------------------------

using FdSecret = std::array<uint64_t, 2>;
enum class FdWord : uint64_t {
  Question = 0x3f64662d646f6f72,
  Answer = 0x2164662d646f6f72,
  Taken = 0x2e64662d646f6f72,
};
std::array<std::byte, 24> say(FdWord word, const FdSecret& secret);
bool says(std::span<const std::byte> packet, FdWord word, const FdSecret& secret);

}  // namespace brood
