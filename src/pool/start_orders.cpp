#include "pool/start_orders.hpp"

#include <cstring>

namespace brood {

namespace {

struct Header {
  uint32_t role;
  int32_t worker_id;
  uint64_t channel;
  uint64_t channel_bytes;
  uint64_t pool_block;
  HeapBytes initializer_data;
  uint32_t initializer_size;
  uint32_t finalizer_size;
};

}  // namespace

std::vector<std::byte> encode_start_orders(const StartOrders& orders) {
  const Header header{static_cast<uint32_t>(orders.role),
                      orders.worker_id,
                      orders.channel,
                      orders.channel_bytes,
                      orders.pool_block,
                      orders.initializer_data,
                      static_cast<uint32_t>(orders.initializer.size()),
                      static_cast<uint32_t>(orders.finalizer.size())};
  std::vector<std::byte> bytes(sizeof header + orders.initializer.size() + orders.finalizer.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, orders.initializer.data(), orders.initializer.size());
  std::memcpy(bytes.data() + sizeof header + orders.initializer.size(), orders.finalizer.data(),
              orders.finalizer.size());
  return bytes;
}

Result<StartOrders> decode_start_orders(std::span<const std::byte> bytes) {
  const Error damaged(Code::Protocol,
                      "the start orders in the hand-off are damaged: host and worker must run the "
                      "same brood, and nobody else may write to the control socket");
  Header header;
  if (bytes.size() < sizeof header) return damaged;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto texts = bytes.subspan(sizeof header);
  if (header.role != 1 && header.role != 2) return damaged;
  if (uint64_t{header.initializer_size} + header.finalizer_size != texts.size()) return damaged;
  StartOrders orders;
  orders.role = static_cast<StartOrders::Role>(header.role);
  orders.worker_id = header.worker_id;
  orders.channel = header.channel;
  orders.channel_bytes = header.channel_bytes;
  orders.pool_block = header.pool_block;
  orders.initializer_data = header.initializer_data;
  const char* text = reinterpret_cast<const char*>(texts.data());
  orders.initializer.assign(text, header.initializer_size);
  orders.finalizer.assign(text + header.initializer_size, header.finalizer_size);
  return orders;
}

}  // namespace brood
