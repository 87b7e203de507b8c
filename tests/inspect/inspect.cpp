#include "inspect.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "shm/arena.hpp"

namespace {

namespace fs = std::filesystem;

// The arena is the one large file without a name that this process has open.
uint64_t arena_bytes() {
  constexpr off_t kLeast = 16 << 20;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    struct stat info;
    std::error_code none;
    if (fstat(fd, &info) != 0 || info.st_size < kLeast) continue;
    if (!fs::read_symlink(entry.path(), none).string().starts_with("/memfd:brood")) continue;
    brood::Result<std::unique_ptr<brood::Arena>> arena =
        brood::Arena::attach(brood::platform::Fd(dup(fd)));
    if (arena) return (*arena)->heap().live_bytes();
  }
  return 0;
}

int count(const char* folder) {
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++entries;
  return entries;
}

int zombies() {
  int found = 0;
  std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
  for (int pid; children >> pid;) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(stat, line);
    const size_t name_end = line.rfind(')');
    found += name_end != std::string::npos && line.compare(name_end, 3, ") Z") == 0;
  }
  return found;
}

// A process under ThreadSanitizer that is killed as it starts leaves such a file of the
// sanitizer's.
constexpr const char* kSanitizersFile = "tsan.";

// The same for the same names, whatever their order.
uint64_t sum_names(const fs::path& folder, const std::string& prefix = "") {
  uint64_t sum = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix) && !name.starts_with(kSanitizersFile))
      sum += std::hash<std::string>()(name);
  }
  return sum;
}

}  // namespace

extern "C" left_behind look_around(void) {
  left_behind seen = {};
  seen.arena_bytes = arena_bytes();
  seen.fds = count("/proc/self/fd");
  seen.threads = count("/proc/self/task");
  seen.zombies = zombies();
  seen.shm_files = sum_names("/dev/shm", "brood");
  seen.temp_files = sum_names(fs::temp_directory_path());
  return seen;
}

extern "C" bool nothing_left(const left_behind* before, const left_behind* now, char* story,
                             int story_size) {
  const auto grew = [&](const char* what, uint64_t old_value, uint64_t new_value) {
    std::snprintf(story, static_cast<size_t>(story_size), "%s: %llu, and were %llu", what,
                  static_cast<unsigned long long>(new_value),
                  static_cast<unsigned long long>(old_value));
    return false;
  };
  const auto number = [](int value) { return static_cast<uint64_t>(value); };
  if (now->arena_bytes > before->arena_bytes)
    return grew("bytes in use in the arena", before->arena_bytes, now->arena_bytes);
  if (now->fds > before->fds) return grew("fds", number(before->fds), number(now->fds));
  if (now->threads > before->threads)
    return grew("threads", number(before->threads), number(now->threads));
  if (now->zombies > before->zombies)
    return grew("zombies", number(before->zombies), number(now->zombies));
  if (now->shm_files != before->shm_files) return grew("files in /dev/shm (a sum)", 0, 0);
  if (now->temp_files != before->temp_files)
    return grew("files in the temp directory (a sum)", 0, 0);
  return true;
}
