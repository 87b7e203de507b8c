// What this process is when it asks for a child.
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "platform/linux/small_file.hpp"
#include "platform/platform.hpp"

namespace brood::platform {

namespace {

// FNV-1a: equal input gives equal digests; nobody here has a reason to forge one.
class Digest {
 public:
  template <class T>
  void add(const T& value) {
    unsigned char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    for (unsigned char byte : bytes) state_ = (state_ ^ byte) * 0x100000001b3u;
  }
  uint64_t value() const { return state_; }

 private:
  uint64_t state_ = 0xcbf29ce484222325u;
};

void add_file_identity(Digest& digest, const char* path) {
  struct stat info = {};
  if (::stat(path, &info) != 0) return;
  digest.add(info.st_dev);
  digest.add(info.st_ino);
}

uint64_t digest_world(const Identity& identity) {
  Digest digest;
  uid_t real, effective, saved;
  if (::getresuid(&real, &effective, &saved) == 0) digest.add(std::array{real, effective, saved});
  gid_t real_group, effective_group, saved_group;
  if (::getresgid(&real_group, &effective_group, &saved_group) == 0) {
    digest.add(std::array{real_group, effective_group, saved_group});
  }
  for (uint32_t group : identity.groups) digest.add(group);
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> capabilities = {};
  if (::syscall(SYS_capget, &header, capabilities.data()) == 0) digest.add(capabilities);
  digest.add(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  add_file_identity(digest, "/");
  for (const char* space :
       {"/proc/self/ns/mnt", "/proc/self/ns/user", "/proc/self/ns/net", "/proc/self/ns/ipc",
        "/proc/self/ns/uts", "/proc/self/ns/cgroup", "/proc/self/ns/pid_for_children"}) {
    add_file_identity(digest, space);
  }
  return digest.value();
}

std::vector<uint32_t> current_groups() {
  std::vector<gid_t> groups(64);
  int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  if (count < 0 && errno == EINVAL) {
    groups.resize(static_cast<size_t>(std::max(::getgroups(0, nullptr), 0)));
    count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  }
  groups.resize(static_cast<size_t>(std::max(count, 0)));
  std::sort(groups.begin(), groups.end());
  return {groups.begin(), groups.end()};
}

// The affinity of the first thread stands for the process: brood asks from threads of its own too.
std::vector<uint32_t> current_cpus() {
  std::vector<uint32_t> cpus;
  for (size_t most = 1024; most <= 1024 * 1024 && cpus.empty(); most *= 4) {
    cpu_set_t* set = CPU_ALLOC(most);
    if (!set) break;
    const size_t size = CPU_ALLOC_SIZE(most);
    CPU_ZERO_S(size, set);
    if (::sched_getaffinity(::getpid(), size, set) == 0) {
      for (size_t cpu = 0; cpu < most; ++cpu) {
        if (CPU_ISSET_S(cpu, size, set)) cpus.push_back(static_cast<uint32_t>(cpu));
      }
    }
    CPU_FREE(set);
  }
  return cpus;
}

// Read from /proc: umask() itself would change it for the other threads for a moment.
std::optional<uint32_t> current_file_mask() {
  const std::string status = read_small_file("/proc/self/status");
  const size_t at = status.find("\nUmask:");
  if (at == std::string::npos) return std::nullopt;
  return static_cast<uint32_t>(std::strtoul(status.c_str() + at + 7, nullptr, 8)) & 0777;
}

void replace_limit(std::vector<Identity::Limit>& limits, uint32_t resource, uint64_t soft,
                   uint64_t hard) {
  for (Identity::Limit& limit : limits) {
    if (limit.resource == resource) {
      limit.soft = soft;
      limit.hard = hard;
      return;
    }
  }
  limits.push_back({resource, soft, hard});
}

}  // namespace

Identity current_identity() {
  Identity identity;
  identity.uid = ::getuid();
  identity.euid = ::geteuid();
  identity.gid = ::getgid();
  identity.egid = ::getegid();
  identity.groups = current_groups();
  identity.file_mask = current_file_mask();
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
  identity.nice = errno == 0 ? nice : 0;
  identity.cpus = current_cpus();
  for (uint32_t resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit64 limit;
    if (::prlimit64(0, static_cast<__rlimit_resource>(resource), nullptr, &limit) == 0) {
      identity.limits.push_back({resource, limit.rlim_cur, limit.rlim_max});
    }
  }
  identity.world = digest_world(identity);
  return identity;
}

void apply_limits(const ResourceLimits& wanted, std::vector<Identity::Limit>& limits) {
  if (wanted.cpu_seconds) {
    replace_limit(limits, RLIMIT_CPU, wanted.cpu_seconds, uint64_t{wanted.cpu_seconds} + 1);
  }
  if (wanted.open_files) {
    replace_limit(limits, RLIMIT_NOFILE, wanted.open_files, wanted.open_files);
  }
  if (wanted.core_bytes != 0) {
    const uint64_t bytes = wanted.core_bytes < 0 ? 0 : static_cast<uint64_t>(wanted.core_bytes);
    replace_limit(limits, RLIMIT_CORE, bytes, bytes);
  }
}

}  // namespace brood::platform
