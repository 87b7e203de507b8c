// What this program is: its path, arguments, library and environment.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>

#include "platform/linux/small_file.hpp"
#include "platform/platform.hpp"

namespace brood::platform {

namespace {

std::string absolute_path(const char* path) {
  char resolved[PATH_MAX];
  return ::realpath(path, resolved) ? resolved : std::string();
}

// The file that is mapped where `address` lies; the kernel always knows it by its absolute path.
std::string mapped_file(const void* address) {
  const std::string maps = read_small_file("/proc/self/maps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  for (size_t at = 0; at < maps.size();) {
    const size_t end = std::min(maps.find('\n', at), maps.size());
    const std::string line = maps.substr(at, end - at);
    unsigned long from = 0, to = 0;
    const size_t slash = line.find('/');
    if (slash != std::string::npos && std::sscanf(line.c_str(), "%lx-%lx", &from, &to) == 2 &&
        wanted >= from && wanted < to) {
      return line.substr(slash);
    }
    at = end + 1;
  }
  return {};
}

}  // namespace

std::string read_small_file(const std::string& path) {
  constexpr size_t kMost = size_t{1} << 20;
  std::string text;
  auto file = open_read(path);
  if (!file) return text;
  char part[4096];
  while (text.size() < kMost) {
    auto got = read_some(file->get(), part, sizeof part);
    if (!got || *got == 0) break;
    text.append(part, *got);
  }
  return text;
}

std::string program_path() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size > 0 && static_cast<size_t>(size) < sizeof path) return {path, static_cast<size_t>(size)};
  // Without /proc the dynamic loader's word has to do; it is relative when the program was started
  // so.
  return program_invocation_name ? absolute_path(program_invocation_name) : std::string();
}

std::vector<std::string> program_arguments() {
  const std::string text = read_small_file("/proc/self/cmdline");
  std::vector<std::string> arguments;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\0', at), text.size());
    arguments.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return arguments;
}

std::string library_folder() {
  const auto* address = reinterpret_cast<const void*>(&library_folder);
  Dl_info info = {};
  std::string path;
  const bool named = ::dladdr(address, &info) != 0 && info.dli_fname;
  if (named && info.dli_fname[0] == '/') path = absolute_path(info.dli_fname);
  if (path.empty()) path = mapped_file(address);
  // Without /proc, a program that was started by a relative path.
  if (path.empty() && named) path = absolute_path(info.dli_fname);
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::optional<std::string> trusted_environment(const char* name) {
  const char* value = ::secure_getenv(name);
  if (!value) return std::nullopt;
  return std::string(value);
}

std::vector<std::string> environment() {
  std::vector<std::string> result;
  for (char** entry = environ; entry && *entry; ++entry) result.emplace_back(*entry);
  return result;
}

void unset_environment(const char* name) { ::unsetenv(name); }

bool is_executable(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

std::string current_folder() {
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) ? path : std::string();
}

}  // namespace brood::platform
