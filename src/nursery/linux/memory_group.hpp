// A control group (version 2) for each tree whose memory is limited, where this process may make
// one. Elsewhere a limit can only be set on each process by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "platform/platform.hpp"

namespace brood {

class MemoryGroups;

class MemoryGroup {
 public:
  // Removes it. What still runs in it stays limited; see MemoryGroups::remove_left().
  ~MemoryGroup();
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  // A process that writes "0" there is in, and all it makes afterwards.
  int door() const { return door_.get(); }
  // The kernel killed here because the limit was reached.
  bool out_of_memory() const;

 private:
  friend class MemoryGroups;
  MemoryGroup(MemoryGroups& all, std::string folder) : all_(all), folder_(std::move(folder)) {}

  MemoryGroups& all_;
  const std::string folder_;
  platform::Fd door_;
};

class MemoryGroups {
 public:
  // `root` stands before every path, for tests.
  explicit MemoryGroups(std::string root = "") : root_(std::move(root)) {}

  // Null where this process may not make any.
  std::unique_ptr<MemoryGroup> make(uint64_t bytes);
  // Removes those in which nothing runs any more, also those of nurseries that were killed.
  void remove_left();
  // How many there are by this object's account.
  size_t count() const { return folders_.size(); }

 private:
  friend class MemoryGroup;
  // Where they are made: inside this process's own group, or beside it.
  struct Place {
    std::string folder;
    std::string most_processes;  // what the own group says of it, when beside
  };
  const Place& place();
  bool set_up(MemoryGroup& group, uint64_t bytes);
  void remove(const std::string& folder);

  const std::string root_;
  std::optional<Place> place_;
  uint64_t last_ = 0;
  std::set<std::string> folders_;
};

}  // namespace brood
