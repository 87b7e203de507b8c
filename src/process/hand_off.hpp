// How a worker learns that it is one: a socket that it inherits, with one packet waiting in it, and
// an environment variable "BROOD_HANDOFF=fd:parent:nonce" that points there. The variable may reach
// programs that are no workers, since some runtimes keep a copy of the environment for those that
// they start; so nothing is believed that the packet does not repeat.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "platform/platform.hpp"

namespace brood {

// Where the worker's end is: the first fd that is passed.
inline constexpr int kHandOffFd = 3;
inline constexpr char kHandOffVariable[] = "BROOD_HANDOFF";

struct HandOff {
  std::string name;                // the process's, for people
  int64_t parent_pid = 0;          // the host
  uint64_t parent_start_time = 0;  // 0: unknown
  uint32_t depth = 0;              // 1 for a worker of the program that the user started
  uint32_t member = 0;             // its slot in the arena
  std::vector<std::byte> payload;  // for the floor above; at most about 100 KiB
  platform::Fd arena;              // may be none
};

struct HandOffEnds {
  std::string variable;     // an entry of the worker's environment
  platform::Fd child_end;   // becomes kHandOffFd of the worker
  platform::Fd parent_end;  // closing it ends the worker
};

struct ReceivedHandOff {
  HandOff hand_off;
  platform::Fd control;  // close-on-exec
};

// The host's side: the packet is in the socket when this returns.
Result<HandOffEnds> offer_hand_off(const HandOff& hand_off);

// The worker's side, once, before there are other threads: takes the hand-off and unsets the
// variable. Nothing when this is no worker. Protocol when the hand-off is damaged or of another
// version.
Result<std::optional<ReceivedHandOff>> receive_hand_off();

// Starts a thread that ends this process at once when the control socket is closed or the parent
// dies, whatever the program is doing.
Status start_parent_watch(const ReceivedHandOff& received);

// ---- pure functions behind them ----------------------------------------------------------------

struct HandOffPlace {
  int fd = -1;
  int64_t parent_pid = 0;
  std::string nonce;  // 32 hexadecimal digits
};
// Protocol, saying what would be right.
Result<HandOffPlace> parse_hand_off_variable(const std::string& value);

Result<std::vector<std::byte>> encode_hand_off(const HandOff& hand_off, const HandOffPlace& place);
// Nothing when the packet is not the one that `place` means; Protocol when it is, but cannot be
// read.
Result<std::optional<HandOff>> decode_hand_off(std::span<const std::byte> packet,
                                               const HandOffPlace& place);

}  // namespace brood
