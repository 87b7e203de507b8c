// Where programs that share nothing find each other: a few abstract socket names for each published
// name of each user, tried in order. The kernel frees a name with its socket, so no dead publisher
// is in the way, and says who opened it, so nobody is taken for somebody else. There are several
// places because a name can be held without being served: by another user who took it first, or by
// a child that a dead publisher forked.
#pragma once

#include <string_view>

#include "platform/platform.hpp"

namespace brood {

inline constexpr size_t kMostPublishedName = 80;
inline constexpr unsigned kPlaces = 4;

// A place that is this user's own from now on, for as long as the fd lives. State, saying who is
// there, when the name is published already or every place is taken.
Result<platform::Fd> open_place(std::string_view name);

// A connection to the live publisher of `user`. Closed when there is none; Timeout when it has too
// many to answer.
struct Approach {
  platform::Fd connection;
  platform::PeerIdentity publisher;
};
Result<Approach> approach(std::string_view name, uint32_t user);

}  // namespace brood
