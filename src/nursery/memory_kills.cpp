#include "nursery/memory_kills.hpp"

#include <charconv>
#include <optional>
#include <string>

#include "platform/platform.hpp"

namespace brood {

namespace {

std::string read_text(const std::string& path) {
  std::string text;
  auto file = platform::open_read(path);
  if (!file) return text;
  char part[4096];
  for (;;) {
    auto got = platform::read_some(file->get(), part, sizeof part);
    if (!got || *got == 0) return text;
    text.append(part, *got);
  }
}

// The number in the line "name number".
std::optional<uint64_t> find_count(const std::string& text, const std::string& name) {
  size_t at = text.compare(0, name.size(), name) == 0 ? 0 : text.find("\n" + name);
  if (at == std::string::npos) return std::nullopt;
  at = text.find(' ', at) + 1;
  uint64_t count = 0;
  const auto parsed = std::from_chars(text.data() + at, text.data() + text.size(), count);
  if (parsed.ec != std::errc()) return std::nullopt;
  return count;
}

}  // namespace

uint64_t count_memory_kills() {
  // The line of cgroup v2 begins with "0::".
  const std::string groups = read_text("/proc/self/cgroup");
  const size_t at = groups.find("0::");
  if (at != std::string::npos) {
    const std::string path = groups.substr(at + 3, groups.find('\n', at) - at - 3);
    const std::string events = read_text("/sys/fs/cgroup" + path + "/memory.events");
    if (auto count = find_count(events, "oom_kill ")) return *count;
  }
  return find_count(read_text("/proc/vmstat"), "oom_kill ").value_or(0);
}

}  // namespace brood
