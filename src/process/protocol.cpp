#include "process/protocol.hpp"

#include <cstring>

namespace brood::protocol {

namespace {

struct Head {
  uint32_t magic;
  uint32_t version;
  uint32_t kind;
};

enum RequestFlag : uint32_t {
  kHasHost = 1,
  kHasArena = 2,
  kHasFolder = 4,
  kHasStream = 8,  // and 16 and 32
  kRequestFlags = 63,
};

struct RequestBytes {
  Head head;
  uint32_t flags;
  uint64_t child;
  int64_t host_pid;
  uint64_t host_start_time;
  uint32_t member;
  uint32_t pass_count;
  int32_t signal;
  uint32_t order_bytes;  // that follow
  uint64_t memory_bytes;
};
static_assert(sizeof(RequestBytes) == 64 && offsetof(RequestBytes, child) == 16);

enum ReportFlag : uint32_t { kKeeperLost = 1, kOutOfMemory = 2, kTreeGone = 4, kReportFlags = 7 };

struct ReportBytes {
  Head head;
  uint32_t flags;
  uint64_t child;
  int64_t pid;
  uint32_t step;
  int32_t os_code;
  int32_t exit_code;
  int32_t signal;
  uint64_t user_us;
  uint64_t system_us;
  uint64_t max_resident_bytes;
  uint64_t minor_faults;
  uint64_t major_faults;
};
static_assert(sizeof(ReportBytes) == 88 && offsetof(ReportBytes, step) == 32);

constexpr int32_t kMostSignals = 64;
constexpr uint32_t kMostPassed = 240;  // a packet's fds, less those that every spawn may have

Error broken(const char* what) {
  return Error(Code::Protocol, std::string("between host and nursery: ") + what);
}

// Copies once; what is checked is the copy. At most `more` bytes may follow.
template <class Bytes>
Status read_bytes(std::span<const std::byte> bytes, uint32_t last_kind, size_t more, Bytes& out) {
  if (bytes.size() < sizeof(Head)) return broken("a packet without a head");
  Head head;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.magic != kMagic) return broken("a packet that is none of brood's");
  if (head.version != kVersion) {
    return broken(("version " + std::to_string(head.version) + " came, version " +
                   std::to_string(kVersion) +
                   " is spoken here; library and brood-nursery must be of one installation")
                      .c_str());
  }
  if (head.kind == 0 || head.kind > last_kind) return broken("a packet of an unknown kind");
  if (bytes.size() < sizeof out || bytes.size() > sizeof out + more) {
    return broken("a packet of the wrong size");
  }
  std::memcpy(&out, bytes.data(), sizeof out);
  return {};
}

bool is_signal(int32_t signal) { return signal >= 1 && signal <= kMostSignals; }

// How a process can have ended: by an exit code, or by a signal.
bool is_ending(int32_t exit_code, int32_t signal) {
  return signal == 0 ? exit_code >= 0 && exit_code <= 255 : exit_code == -1 && is_signal(signal);
}

}  // namespace

size_t fd_count(const Request& request) {
  if (request.kind == RequestKind::Hello) {
    return 1 + size_t{request.has_host} + size_t{request.has_arena};
  }
  if (request.kind != RequestKind::Spawn) return 0;
  size_t count = size_t{request.order.empty()} + size_t{request.has_folder} + request.pass_count;
  for (bool has : request.has_stream) count += has;
  return count;
}

std::vector<std::byte> encode(const Request& request) {
  RequestBytes bytes = {};
  bytes.head = {kMagic, kVersion, static_cast<uint32_t>(request.kind)};
  if (request.has_host) bytes.flags |= kHasHost;
  if (request.has_arena) bytes.flags |= kHasArena;
  if (request.has_folder) bytes.flags |= kHasFolder;
  for (size_t i = 0; i < 3; ++i) {
    if (request.has_stream[i]) bytes.flags |= kHasStream << i;
  }
  bytes.child = request.child;
  bytes.host_pid = request.host_pid;
  bytes.host_start_time = request.host_start_time;
  bytes.member = request.member;
  bytes.pass_count = request.pass_count;
  bytes.signal = request.signal;
  bytes.order_bytes = static_cast<uint32_t>(request.order.size());
  bytes.memory_bytes = request.memory_bytes;
  std::vector<std::byte> packet(sizeof bytes + request.order.size());
  std::memcpy(packet.data(), &bytes, sizeof bytes);
  if (!request.order.empty()) {
    std::memcpy(packet.data() + sizeof bytes, request.order.data(), request.order.size());
  }
  return packet;
}

std::vector<std::byte> encode(const Report& report) {
  ReportBytes bytes = {};
  bytes.head = {kMagic, kVersion, static_cast<uint32_t>(report.kind)};
  if (report.keeper_lost) bytes.flags |= kKeeperLost;
  if (report.out_of_memory) bytes.flags |= kOutOfMemory;
  if (report.tree_gone) bytes.flags |= kTreeGone;
  bytes.child = report.child;
  bytes.pid = report.pid;
  bytes.step = static_cast<uint32_t>(report.step);
  bytes.os_code = report.os_code;
  bytes.exit_code = report.exit_code;
  bytes.signal = report.signal;
  bytes.user_us = report.usage.user_us;
  bytes.system_us = report.usage.system_us;
  bytes.max_resident_bytes = report.usage.max_resident_bytes;
  bytes.minor_faults = report.usage.minor_faults;
  bytes.major_faults = report.usage.major_faults;
  const auto packet = std::as_bytes(std::span(&bytes, 1));
  return {packet.begin(), packet.end()};
}

Result<Request> decode_request(std::span<const std::byte> packet) {
  RequestBytes bytes;
  constexpr auto kLast = static_cast<uint32_t>(RequestKind::Last);
  BROOD_TRY(read_bytes(packet, kLast, kMostInlineOrderBytes, bytes));
  if ((bytes.flags & ~kRequestFlags) != 0) return broken("unknown flags");
  Request request;
  request.kind = static_cast<RequestKind>(bytes.head.kind);
  const bool hello = request.kind == RequestKind::Hello;
  const bool spawn = request.kind == RequestKind::Spawn;
  if (hello == (bytes.child != 0)) return broken("a request without its child");
  if (hello) {
    request.has_host = bytes.flags & kHasHost;
    request.has_arena = bytes.flags & kHasArena;
    request.host_pid = bytes.host_pid;
    request.host_start_time = bytes.host_start_time;
    request.member = bytes.member;
    if (request.has_arena == (bytes.member == 0)) return broken("an arena without its member");
    if (bytes.host_pid <= 0) return broken("a host without a pid");
  }
  request.child = bytes.child;
  if (spawn) {
    request.has_folder = bytes.flags & kHasFolder;
    for (size_t i = 0; i < 3; ++i) request.has_stream[i] = bytes.flags & (kHasStream << i);
    request.member = bytes.member;
    request.pass_count = bytes.pass_count;
    request.memory_bytes = bytes.memory_bytes;
    if (bytes.pass_count > kMostPassed) return broken("too many fds to pass");
    const auto order = packet.subspan(sizeof bytes);
    request.order.assign(order.begin(), order.end());
  }
  if (request.kind == RequestKind::Signal) {
    request.signal = bytes.signal;
    if (!is_signal(bytes.signal)) return broken("a signal that is none");
  }
  // What the kind does not use must be zero, as the encoder leaves it.
  const std::vector<std::byte> again = encode(request);
  if (again.size() != packet.size() ||
      std::memcmp(again.data(), packet.data(), packet.size()) != 0) {
    return broken("a request with fields that are not its own");
  }
  return request;
}

Result<Report> decode_report(std::span<const std::byte> packet) {
  ReportBytes bytes;
  BROOD_TRY(read_bytes(packet, static_cast<uint32_t>(ReportKind::Last), 0, bytes));
  if ((bytes.flags & ~kReportFlags) != 0) return broken("unknown flags");
  if (bytes.step > static_cast<uint32_t>(SpawnStep::Last)) return broken("an unknown step");
  Report report;
  report.kind = static_cast<ReportKind>(bytes.head.kind);
  report.child = bytes.child;
  if ((report.kind == ReportKind::Ready) == (bytes.child != 0)) {
    return broken("a report without its child");
  }
  if (report.kind == ReportKind::Ready || report.kind == ReportKind::Started) {
    report.pid = bytes.pid;
    if (bytes.pid <= 0) return broken("a process without a pid");
  }
  if (report.kind == ReportKind::Failed) {
    report.step = static_cast<SpawnStep>(bytes.step);
    report.os_code = bytes.os_code;
    if (bytes.step == 0 || bytes.os_code <= 0) return broken("a failure without a reason");
  }
  if (report.kind == ReportKind::Died) {
    report.exit_code = bytes.exit_code;
    report.signal = bytes.signal;
    report.keeper_lost = bytes.flags & kKeeperLost;
    report.out_of_memory = bytes.flags & kOutOfMemory;
    report.tree_gone = bytes.flags & kTreeGone;
    report.usage = {bytes.user_us, bytes.system_us, bytes.max_resident_bytes, bytes.minor_faults,
                    bytes.major_faults};
    if (!is_ending(bytes.exit_code, bytes.signal)) return broken("a death that cannot be");
  }
  const std::vector<std::byte> again = encode(report);
  if (std::memcmp(again.data(), packet.data(), packet.size()) != 0) {
    return broken("a report with fields that are not its own");
  }
  return report;
}

}  // namespace brood::protocol
