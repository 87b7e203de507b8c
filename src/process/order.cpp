// The host's side of order.hpp: writing what a keeper reads.
#include "process/order.hpp"

#include "process/protocol.hpp"

namespace brood::protocol {

namespace {

void append(std::vector<std::byte>& out, const void* data, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

// The string with its end, which must be the only zero in it.
Status append_string(std::vector<std::byte>& out, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    return Error(Code::Invalid, "a string for a child has a zero byte in it: '" +
                                    text.substr(0, text.find('\0')) + "'...");
  }
  append(out, text.c_str(), text.size() + 1);
  return {};
}

}  // namespace

Result<std::vector<std::byte>> encode(const Order& order) {
  if (order.arguments.empty() || order.arguments[0].empty()) {
    return Error(Code::Invalid, "a command needs a program: its first string must not be empty");
  }
  OrderHeader header = {};
  header.magic = kOrderMagic;
  header.version = kOrderVersion;
  if (order.has_file_mask) header.flags |= kOrderHasFileMask;
  if (order.no_new_privileges) header.flags |= kOrderNoNewPrivileges;
  if (order.from_folder) header.flags |= kOrderFromFolder;
  header.argument_count = static_cast<uint32_t>(order.arguments.size());
  header.environment_count = static_cast<uint32_t>(order.environment.size());
  header.limit_count = static_cast<uint32_t>(order.limits.size());
  header.cpu_count = static_cast<uint32_t>(order.cpus.size());
  header.pass_count = order.pass_count;
  header.file_mask = order.file_mask;
  header.nice = order.nice;
  header.memory_bytes = order.memory_bytes;

  std::vector<std::byte> bytes(sizeof header);
  append(bytes, order.limits.data(), order.limits.size() * sizeof(OrderLimit));
  append(bytes, order.cpus.data(), order.cpus.size() * sizeof(uint32_t));
  BROOD_TRY(append_string(bytes, order.folder));
  for (const std::string& argument : order.arguments) BROOD_TRY(append_string(bytes, argument));
  for (const std::string& entry : order.environment) BROOD_TRY(append_string(bytes, entry));
  if (bytes.size() > kMaxOrderBytes) {
    return Error(Code::TooBig, "a command with its environment has " +
                                   std::to_string(bytes.size()) + " bytes; at most " +
                                   std::to_string(kMaxOrderBytes) + " are possible");
  }
  header.total_bytes = static_cast<uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace brood::protocol
