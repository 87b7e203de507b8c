// How many CPUs this process may use: the affinity mask, cut by the quotas of its cgroup and of all
// cgroups above it. Files that are missing or make no sense count as no quota.
#include <sched.h>
#include <unistd.h>

#include <charconv>
#include <vector>

#include "platform/linux/small_file.hpp"
#include "platform/platform.hpp"

namespace brood::platform {

namespace {

uint32_t affinity_count() {
  // Machines with more CPUs than a cpu_set_t holds refuse a set that is too small.
  for (size_t cpus = 1024; cpus <= 1024 * 1024; cpus *= 4) {
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (!set) break;
    const size_t size = CPU_ALLOC_SIZE(cpus);
    const bool known = sched_getaffinity(getpid(), size, set) == 0;
    const int count = known ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (known && count > 0) return static_cast<uint32_t>(count);
  }
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<uint32_t>(online) : 1;
}

std::optional<int64_t> leading_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

uint32_t quota_count(std::optional<int64_t> quota_us, std::optional<int64_t> period_us) {
  if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return UINT32_MAX;
  const int64_t cpus = *quota_us / *period_us + (*quota_us % *period_us != 0);
  return cpus < UINT32_MAX ? static_cast<uint32_t>(cpus) : UINT32_MAX;
}

// cgroup v2: "QUOTA PERIOD", or "max PERIOD" for none.
uint32_t unified_quota(const std::string& folder) {
  const std::string text = read_small_file(folder + "/cpu.max");
  const size_t space = text.find(' ');
  if (space == std::string::npos) return UINT32_MAX;
  return quota_count(leading_number(text), leading_number(std::string_view(text).substr(space)));
}

uint32_t classic_quota(const std::string& folder) {
  return quota_count(leading_number(read_small_file(folder + "/cpu.cfs_quota_us")),
                     leading_number(read_small_file(folder + "/cpu.cfs_period_us")));
}

// The smallest quota of a cgroup and of those above it.
template <class Quota>
uint32_t smallest_quota(const std::string& mount, std::string path, Quota quota) {
  uint32_t smallest = UINT32_MAX;
  for (;;) {
    smallest = std::min(smallest, quota(mount + path));
    const size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return smallest;
    path.resize(slash);
  }
}

bool lists_controller(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == name) return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

// One line of /proc/self/cgroup: "number:controllers:path".
uint32_t line_quota(std::string_view line, const std::string& root) {
  const size_t first = line.find(':');
  const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
  if (second == line.npos) return UINT32_MAX;
  const std::string_view controllers = line.substr(first + 1, second - first - 1);
  std::string path(line.substr(second + 1));
  if (path.empty() || path == "/" || path.find("..") != std::string::npos) path.clear();
  const std::string mount = root + "/sys/fs/cgroup";
  if (controllers.empty()) return smallest_quota(mount, path, unified_quota);
  if (!lists_controller(controllers, "cpu")) return UINT32_MAX;
  return std::min(smallest_quota(mount + "/cpu", path, classic_quota),
                  smallest_quota(mount + "/cpu,cpuacct", path, classic_quota));
}

}  // namespace

uint32_t usable_cpus(const std::string& root) {
  uint32_t count = affinity_count();
  const std::string groups = read_small_file(root + "/proc/self/cgroup");
  std::string_view rest = groups;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    count = std::min(count, line_quota(rest.substr(0, end), root));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::max(count, 1u);
}

}  // namespace brood::platform
