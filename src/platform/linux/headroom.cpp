// How much memory can still be taken: what the machine has, and what every control group above this
// process allows. Shared memory over a group's limit wakes the OOM killer instead of failing, so it
// is asked for before.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "platform/platform.hpp"

namespace brood::platform {

namespace {

constexpr uint64_t kUnlimited = UINT64_MAX;
// Version 1 says "no limit" with a number near 2^63.
constexpr uint64_t kHuge = uint64_t{1} << 60;

std::string read_file(const std::string& path) {
  std::string text;
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

// Digits at the beginning of `text`; nothing for "max" or nonsense.
std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  size_t used = 0;
  while (used < text.size() && used < 19 && text[used] >= '0' && text[used] <= '9') {
    number = number * 10 + static_cast<uint64_t>(text[used++] - '0');
  }
  if (used == 0) return std::nullopt;
  return number;
}

// The number behind `key` at the beginning of a line: "MemAvailable:   123 kB", "inactive_file 5".
std::optional<uint64_t> find_number(std::string_view text, std::string_view key) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.starts_with(key)) {
      line.remove_prefix(key.size());
      const size_t digit = line.find_first_not_of(" \t:");
      // A longer key with the same beginning has a letter here.
      if (digit != std::string_view::npos && digit > 0) return parse_number(line.substr(digit));
    }
    at = end + 1;
  }
  return std::nullopt;
}

// Kept free for everybody else, so that the last page is not ours.
uint64_t with_margin(uint64_t left, uint64_t of) {
  const uint64_t margin = std::min<uint64_t>(of / 16, 64 << 20);
  return left > margin ? left - margin : 0;
}

struct GroupFiles {
  const char* limit;
  const char* usage;
  const char*
      inactive;  // keys in memory.stat of file pages, which the kernel gives up under pressure
  const char* active;
};
constexpr GroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                  "total_inactive_file", "total_active_file"};
constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file", "active_file"};

uint64_t group_headroom(const std::string& folder, const GroupFiles& files) {
  const auto limit = parse_number(read_file(folder + "/" + files.limit));
  const auto usage = parse_number(read_file(folder + "/" + files.usage));
  if (!limit || !usage || *limit >= kHuge) return kUnlimited;
  const std::string stat = read_file(folder + "/memory.stat");
  const uint64_t reclaimable = find_number(stat, files.inactive).value_or(0) +
                               find_number(stat, files.active).value_or(0) / 2;
  const uint64_t used = *usage > reclaimable ? *usage - reclaimable : 0;
  return with_margin(*limit > used ? *limit - used : 0, *limit);
}

// The least of a group and everything above it, up to where the hierarchy is mounted.
uint64_t hierarchy_headroom(const std::string& mount, std::string group, const GroupFiles& files) {
  uint64_t least = kUnlimited;
  for (int depth = 0; depth < 64; ++depth) {
    least = std::min(least, group_headroom(mount + group, files));
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos || group.empty()) break;
    group.erase(slash);
  }
  return least;
}

// Lines of /proc/self/cgroup are "number:controllers:/path"; version 2 has "0::/path".
uint64_t all_groups_headroom(const std::string& root) {
  const std::string text = read_file(root + "/proc/self/cgroup");
  const std::string base = root + "/sys/fs/cgroup";
  uint64_t least = kUnlimited;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    std::string controllers(1, ',');
    controllers.append(line.substr(first + 1, second - first - 1)).append(1, ',');
    std::string group(line.substr(second + 1));
    if (group == "/") group.clear();
    if (controllers == ",,") {
      least = std::min({least, hierarchy_headroom(base, group, kVersion2),
                        hierarchy_headroom(base + "/unified", group, kVersion2)});
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(least, hierarchy_headroom(base + "/memory", group, kVersion1));
    }
  }
  return least;
}

}  // namespace

uint64_t memory_headroom(const std::string& root) {
  uint64_t least = all_groups_headroom(root);
  if (const auto available_kb = find_number(read_file(root + "/proc/meminfo"), "MemAvailable")) {
    const uint64_t available = *available_kb * 1024;
    least = std::min(least, with_margin(available, available));
  }
  return least;
}

}  // namespace brood::platform
