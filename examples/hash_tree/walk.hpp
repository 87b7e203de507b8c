// The regular files below a directory, one by one, in the order in which `LC_ALL=C sort` puts their
// paths.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

class Walk {
 public:
  // `on_error(path, errno)` hears of directories that cannot be read; the walk goes on without
  // them.
  using OnError = std::function<void(const std::string& path, int error)>;

  Walk(std::string root, OnError on_error);

  // The next path, spelled as `find` would; nothing after the last.
  std::optional<std::string> next();

 private:
  struct Entry {
    // A directory's name ends in '/': so its files sort among its neighbours as their full paths
    // do.
    std::string name;
    bool is_directory;
  };
  // One open directory: memory is bounded by the listings along one path, not by the tree.
  struct Level {
    std::string prefix;
    std::vector<Entry> entries;  // in reverse order: the next one is at the back
  };

  void enter(const std::string& directory, std::string prefix);

  OnError on_error_;
  std::optional<std::string> single_;
  std::vector<Level> levels_;
};

struct TreeSize {
  uint64_t files = 0;
  uint64_t bytes = 0;
};
// What a walk would find now; others may change the tree at any time.
TreeSize measure_tree(const std::string& root);
