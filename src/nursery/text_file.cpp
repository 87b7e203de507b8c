#include "nursery/text_file.hpp"

#include <charconv>

#include "platform/platform.hpp"

namespace brood {

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

std::optional<uint64_t> find_count(const std::string& text, const std::string& name) {
  size_t at = text.compare(0, name.size(), name) == 0 ? 0 : text.find("\n" + name);
  if (at == std::string::npos) return std::nullopt;
  at = text.find(' ', at) + 1;
  uint64_t count = 0;
  const auto parsed = std::from_chars(text.data() + at, text.data() + text.size(), count);
  if (parsed.ec != std::errc()) return std::nullopt;
  return count;
}

std::string own_group(const std::string& root) {
  std::string groups(1, '\n');
  groups += read_text(root + "/proc/self/cgroup");
  // The line of version 2 has neither a number of its own nor controllers.
  const size_t at = groups.find("\n0::/");
  if (at == std::string::npos) return {};
  const size_t begin = at + 4;
  const std::string path = groups.substr(begin, groups.find('\n', begin) - begin);
  return path.find("..") == std::string::npos ? path : std::string();
}

}  // namespace brood
