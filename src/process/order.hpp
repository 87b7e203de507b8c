// What a keeper is told, and what it answers. The keeper is a static program without a C++ runtime,
// so nothing here needs one.
//
// Everything is a packet on the keeper's control socket: KeeperCommand going in, KeeperReport
// coming out. Behind CommandKind::Start comes the order for one child,
//
//   | OrderHeader | OrderLimit x limit_count | u32 cpu x cpu_count | folder\0 | arguments\0... |
//   environment\0... |
//
// or, when it is longer than kMostInlineOrderBytes, nothing: the order is then a file that comes
// behind the other fds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace brood {

inline constexpr uint32_t kOrderMagic = 0x6b726f62;  // "brok"
// Changes with every change of these structs: a keeper and a nursery of one version only.
inline constexpr uint32_t kOrderVersion = 3;
inline constexpr uint32_t kMaxOrderBytes = 64 * 1024 * 1024;
inline constexpr uint32_t kMostInlineOrderBytes = 32 * 1024;

// What a keeper finds open when it starts.
inline constexpr int kKeeperControlFd = 3;
// Held and never written to: once every keeper's copy is closed, every tree is gone.
inline constexpr int kKeeperTreesFd = 4;
// What comes with an order takes the next numbers, one after the other, since a keeper has nothing
// else open.
inline constexpr int kKeeperStdioFd = 5;   // and 6 and 7
inline constexpr int kKeeperFolderFd = 8;  // where a relative folder begins; see kOrderFromFolder
inline constexpr int kKeeperPassFd = 9;    // and following

// What a child was doing when it could not be made.
enum class SpawnStep : uint32_t {
  None,
  Keeper,
  Order,
  Files,
  Folder,
  Limits,
  Nice,
  Cpus,
  Privileges,
  Fork,
  Exec,
  Last = Exec
};

inline constexpr uint32_t kOrderHasFileMask = 1;
inline constexpr uint32_t kOrderNoNewPrivileges = 2;
inline constexpr uint32_t kOrderFromFolder = 4;  // otherwise from where the nursery was started
inline constexpr uint32_t kOrderFlags =
    kOrderHasFileMask | kOrderNoNewPrivileges | kOrderFromFolder;

struct OrderHeader {
  uint32_t magic;
  uint32_t version;
  uint32_t total_bytes;
  uint32_t flags;
  uint32_t argument_count;  // at least 1: the program
  uint32_t environment_count;
  uint32_t limit_count;
  uint32_t cpu_count;
  uint32_t pass_count;  // fds that become 3, 4, ... in the child
  uint32_t file_mask;
  int32_t nice;  // what it shall be, not what shall be added
  uint32_t zero;
  uint64_t memory_bytes;  // private memory of each process, unless a control group limits the tree
};
static_assert(sizeof(OrderHeader) == 56);

struct OrderLimit {
  uint32_t resource;
  uint32_t zero;
  uint64_t soft;
  uint64_t hard;
};
static_assert(sizeof(OrderLimit) == 24);

// An order that was checked; points into the bytes it was read from.
struct OrderView {
  OrderHeader header;
  const OrderLimit* limits;
  const uint32_t* cpus;
  const char* folder;       // "" stays where the parent is
  const char* arguments;    // one after the other, each with its end
  const char* environment;  // likewise
};

// False unless the bytes are an order, whole and with nothing behind it. `data` is 8-aligned.
inline bool parse_order(const char* data, size_t size, OrderView* out) {
  OrderHeader& header = out->header;
  if (size < sizeof header || size > kMaxOrderBytes) return false;
  std::memcpy(&header, data, sizeof header);
  if (header.magic != kOrderMagic || header.version != kOrderVersion ||
      header.total_bytes != size || (header.flags & ~kOrderFlags) != 0 || header.zero != 0 ||
      header.argument_count == 0 || header.file_mask > 0777) {
    return false;
  }
  // Each count is below the size, so these sums cannot overflow.
  if (header.limit_count > size || header.cpu_count > size || header.argument_count > size ||
      header.environment_count > size || header.pass_count > 253) {
    return false;
  }
  const uint64_t strings = sizeof header + uint64_t{header.limit_count} * sizeof(OrderLimit) +
                           uint64_t{header.cpu_count} * sizeof(uint32_t);
  if (strings >= size || data[size - 1] != 0) return false;
  out->limits = reinterpret_cast<const OrderLimit*>(data + sizeof header);
  out->cpus = reinterpret_cast<const uint32_t*>(out->limits + header.limit_count);
  const char* at = data + strings;
  const char* const end = data + size;
  const uint64_t wanted = 1 + uint64_t{header.argument_count} + header.environment_count;
  out->folder = at;
  uint64_t seen = 0;
  for (; at < end; at += std::strlen(at) + 1, ++seen) {
    if (seen == 1) out->arguments = at;
    if (seen == 1 + uint64_t{header.argument_count}) out->environment = at;
  }
  if (seen == 1 + uint64_t{header.argument_count}) out->environment = end;
  return seen == wanted;
}

// Signal and Kill mean the tree that the keeper has just then, if it has one; End is the keeper's
// own.
enum class CommandKind : uint32_t { Signal = 1, Kill, Start, End };

// Start: the door of a control group comes as the last fd, behind the order's file if there is one.
inline constexpr uint32_t kStartHasGroup = 1;

struct KeeperCommand {
  uint32_t magic;
  CommandKind kind;
  int32_t signal;
  uint32_t flags;  // Start
};
static_assert(sizeof(KeeperCommand) == 16 && sizeof(KeeperCommand) % alignof(OrderLimit) == 0);

// After Failed and TreeGone, and Died with `tree_gone`, the keeper is ready for the next order.
enum class KeeperReportKind : uint32_t { Started = 1, Failed = 2, Died = 3, TreeGone = 4 };

struct KeeperReport {
  uint32_t magic;
  KeeperReportKind kind;
  int32_t pid;
  int32_t os_code;
  SpawnStep step;
  int32_t exit_code;  // -1: by a signal
  int32_t signal;
  uint32_t tree_gone;  // Died: nothing of the tree was left, and no TreeGone follows
  uint64_t user_us;
  uint64_t system_us;
  uint64_t max_resident_bytes;
  uint64_t minor_faults;
  uint64_t major_faults;
};
static_assert(sizeof(KeeperReport) == 72);

}  // namespace brood
