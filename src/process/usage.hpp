// How a child ended and what it used, as every floor from here up sees it.
#pragma once

#include <cstdint>

namespace brood {

struct Usage {
  uint64_t user_us = 0;
  uint64_t system_us = 0;
  uint64_t max_resident_bytes = 0;
  uint64_t minor_faults = 0;
  uint64_t major_faults = 0;

  bool operator==(const Usage&) const = default;
};

struct ExitReport {
  int32_t exit_code = -1;  // -1: it did not exit by itself
  int32_t signal = 0;      // 0: it did
  Usage usage;
  bool nursery_lost = false;   // nobody knows how it ended: the nursery died
  bool keeper_lost = false;    // its keeper died, and it was killed for that
  bool out_of_memory = false;  // likely: it was killed when the system ran out of memory
};

}  // namespace brood
