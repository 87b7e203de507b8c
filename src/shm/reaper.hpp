// What is done once for each member that died: everything it had, or had begun, is given back or
// finished. Whoever hears of a death may call it, any number of times, and may be killed at any
// step: the next call goes on. A stopped reaper keeps the slot until it is dead itself.
#pragma once

#include "shm/arena.hpp"

namespace brood {

// `dead` has ended for certain. `by` is the caller's own slot. False when another living member is
// at it.
bool reap(Arena& arena, MemberId dead, MemberSlot by);

// Reaps members of whose end nobody tells, because who would have told has ended too: those below
// `by` and below dead members whose process is no more.
void reap_unseen(Arena& arena, MemberSlot by);

// Goes on with what a reaper left that died itself. reap() does this too.
void reap_left_behind(Arena& arena, MemberSlot by);

}  // namespace brood
