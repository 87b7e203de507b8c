// What a host and its nursery say to each other: one packet each, with fds beside it. Every packet
// begins with magic, version and kind, in every version to come, so that two that do not fit
// together can say so. Nothing here does any input or output.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "process/order.hpp"
#include "process/usage.hpp"

namespace brood::protocol {

inline constexpr uint32_t kMagic = 0x6e726f62;  // "bron"
inline constexpr uint32_t kVersion = 4;

// ---- host to nursery ---------------------------------------------------------------------------

enum class RequestKind : uint32_t { Hello = 1, Spawn, Signal, Kill, Last = Kill };

// Fields that a kind does not name are zero.
struct Request {
  RequestKind kind = RequestKind::Hello;
  uint64_t child = 0;  // the host's number for it; all but Hello

  // Hello, first and once. Fds: the trees pipe, then the host's pidfd and the arena if they are
  // there.
  bool has_host = false;
  bool has_arena = false;
  int64_t host_pid = 0;
  uint64_t host_start_time = 0;
  // `member`: the host's, with the arena.

  // Spawn. Fds: the order if it is not here, then the folder to start from and those of the streams
  // that are there, in their order, then `pass_count` more.
  std::vector<std::byte> order;  // for the keeper; at most kMostInlineOrderBytes, empty: in a file
  uint32_t member = 0;           // the child's
  uint32_t pass_count = 0;
  bool has_folder = false;
  std::array<bool, 3> has_stream = {};
  uint64_t memory_bytes = 0;  // of the whole tree, where a control group can be made

  int32_t signal = 0;  // Signal

  bool operator==(const Request&) const = default;
};

// How many fds belong to it.
size_t fd_count(const Request& request);

// ---- nursery to host ---------------------------------------------------------------------------

enum class ReportKind : uint32_t { Ready = 1, Started, Failed, Died, TreeGone, Last = TreeGone };

struct Report {
  ReportKind kind = ReportKind::Ready;
  uint64_t child = 0;  // all but Ready
  int64_t pid = 0;     // Ready: the nursery's; Started: the child's

  // Failed: nothing else comes of this child.
  SpawnStep step = SpawnStep::None;
  int32_t os_code = 0;

  // Died.
  int32_t exit_code = 0;
  int32_t signal = 0;
  bool keeper_lost = false;
  bool out_of_memory = false;
  bool tree_gone = false;  // with the process: no TreeGone follows
  Usage usage;

  bool operator==(const Report&) const = default;
};

// ---- bytes -------------------------------------------------------------------------------------

std::vector<std::byte> encode(const Request& request);
std::vector<std::byte> encode(const Report& report);

// Protocol, saying what is wrong, unless every field is what an encoder could have written.
Result<Request> decode_request(std::span<const std::byte> bytes);
Result<Report> decode_report(std::span<const std::byte> bytes);

// The order for a keeper; Invalid for a string with a zero in it, TooBig beyond kMaxOrderBytes.
struct Order {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string folder;
  bool from_folder = false;
  std::vector<OrderLimit> limits;
  std::vector<uint32_t> cpus;
  uint32_t pass_count = 0;
  int32_t nice = 0;
  uint64_t memory_bytes = 0;
  bool has_file_mask = false;
  uint32_t file_mask = 0;
  bool no_new_privileges = false;
};
Result<std::vector<std::byte>> encode(const Order& order);

}  // namespace brood::protocol
