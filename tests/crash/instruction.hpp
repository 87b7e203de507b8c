// Whether a machine instruction can change memory in a range, so that the sweep looks only after
// those that can.
#pragma once

#include <sys/user.h>

#include <cstdint>

namespace brood::crash {

// False only for an instruction that is known and writes nothing there: registers, the stack by
// push and call, or an address outside. A system call may write anywhere.
bool may_write(const uint8_t* code, const user_regs_struct& registers, uint64_t begin,
               uint64_t end);

}  // namespace brood::crash
