#include "nursery/memory_kills.hpp"

#include "nursery/text_file.hpp"

namespace brood {

uint64_t count_memory_kills() {
  const std::string group = own_group();
  if (!group.empty()) {
    const std::string events = read_text("/sys/fs/cgroup" + group + "/memory.events");
    if (auto count = find_count(events, "oom_kill ")) return *count;
  }
  return find_count(read_text("/proc/vmstat"), "oom_kill ").value_or(0);
}

}  // namespace brood
