// What a host tells a new worker beyond the hand-off: where its lanes are and what to run first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "pool/frames.hpp"

namespace brood {

struct StartOrders {
  enum class Role : uint32_t { PoolWorker = 1, Process = 2 };
  Role role = Role::PoolWorker;
  int32_t worker_id = -1;
  uint64_t channel = 0;          // offset of the ChannelBlock in the arena
  uint64_t channel_bytes = 0;    // with its lanes
  uint64_t pool_block = 0;       // offset of the PoolBlock
  HeapBytes initializer_data{};  // a chunk of the host's; offset 0: no bytes
  std::string initializer;       // empty: none
  std::string finalizer;
};

std::vector<std::byte> encode_start_orders(const StartOrders& orders);
Result<StartOrders> decode_start_orders(std::span<const std::byte> bytes);

}  // namespace brood
