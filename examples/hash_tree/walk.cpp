#include "walk.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace fs = std::filesystem;

Walk::Walk(std::string root, OnError on_error) : on_error_(std::move(on_error)) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(root, error);
  if (status.type() == fs::file_type::none || status.type() == fs::file_type::not_found) {
    on_error_(root, error ? error.value() : ENOENT);
  } else if (status.type() == fs::file_type::regular) {
    single_ = std::move(root);
  } else if (status.type() == fs::file_type::directory) {
    std::string prefix = root;
    if (prefix.empty() || prefix.back() != '/') prefix += '/';
    enter(root, std::move(prefix));
  }
}

void Walk::enter(const std::string& directory, std::string prefix) {
  Level level{std::move(prefix), {}};
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  while (!error && entry != fs::directory_iterator()) {
    std::error_code gone;
    const fs::file_type type = entry->symlink_status(gone).type();
    std::string name = entry->path().filename().native();
    if (type == fs::file_type::regular) {
      level.entries.push_back({std::move(name), false});
    } else if (type == fs::file_type::directory) {
      level.entries.push_back({std::move(name) + '/', true});
    }
    entry.increment(error);
  }
  if (error) on_error_(directory, error.value());
  std::sort(level.entries.begin(), level.entries.end(),
            [](const Entry& a, const Entry& b) { return b.name < a.name; });
  levels_.push_back(std::move(level));
}

std::optional<std::string> Walk::next() {
  if (single_) return std::exchange(single_, std::nullopt);
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.entries.empty()) {
      levels_.pop_back();
      continue;
    }
    const Entry entry = std::move(level.entries.back());
    level.entries.pop_back();
    std::string path = level.prefix + entry.name;
    if (!entry.is_directory) return path;
    const std::string directory = path.substr(0, path.size() - 1);
    enter(directory, std::move(path));
  }
  return std::nullopt;
}

TreeSize measure_tree(const std::string& root) {
  TreeSize size;
  Walk walk(root, [](const std::string&, int) {});
  while (const std::optional<std::string> path = walk.next()) {
    std::error_code gone;
    const uintmax_t bytes = fs::file_size(*path, gone);
    if (gone) continue;
    ++size.files;
    size.bytes += bytes;
  }
  return size;
}
