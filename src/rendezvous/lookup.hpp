// Finding a program that published a name.
#pragma once

#include <string_view>

#include "rendezvous/foreign_end.hpp"

namespace brood {

struct Visit {
  std::span<const std::byte> token;
  uint32_t user = 0;  // whose publication it must be
  uint64_t most_bytes = wire::kMostMessage;
};

// Waits until somebody publishes the name and answers. The caller owns a reference. Os with EACCES
// when it does not let this program in; Timeout, Canceled.
Result<ForeignEnd*> look_up(Household& household, std::string_view name, const Visit& visit,
                            Deadline deadline, const CancelToken* cancel);

}  // namespace brood
