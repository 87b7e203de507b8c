#include "nursery/linux/memory_group.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "nursery/text_file.hpp"

namespace brood {

namespace {

// With the nursery's pid, its start time and a number.
constexpr char kNameFormat[] = "brood-%lld-%llu-%llu";

std::string first_line(const std::string& path) {
  const std::string text = read_text(path);
  return text.substr(0, text.find('\n'));
}

// These files are there already. In a folder of another kind they are made, which tests want.
platform::Fd open_control(const std::string& path) {
  return platform::Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

bool write_text(const std::string& path, const std::string& text) {
  const platform::Fd file = open_control(path);
  if (!file) return false;
  const auto written = platform::write_some(file.get(), text.data(), text.size());
  return written.ok() && *written == text.size();
}

// Groups below this one may have memory limits.
bool hands_memory_down(const std::string& folder) {
  std::string controllers(1, ' ');
  controllers.append(first_line(folder + "/cgroup.subtree_control")).append(1, ' ');
  return controllers.find(" memory ") != std::string::npos;
}

// Leaving a group must not be a way out of its limits.
bool limits_nothing(const std::string& folder) {
  for (const char* name : {"/memory.max", "/memory.high", "/memory.swap.max", "/cpu.max"}) {
    const std::string limit = first_line(folder + name);
    if (!limit.empty() && limit.compare(0, 3, "max") != 0) return false;
  }
  return true;
}

bool may_write(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, 0) == 0;
}

}  // namespace

MemoryGroup::~MemoryGroup() { all_.remove(folder_); }

bool MemoryGroup::out_of_memory() const {
  return find_count(read_text(folder_ + "/memory.events"), "oom_kill ").value_or(0) > 0;
}

const MemoryGroups::Place& MemoryGroups::place() {
  if (place_) return *place_;
  place_ = Place();
  const std::string group = own_group(root_);
  if (group.empty()) return *place_;
  const std::string own = root_ + "/sys/fs/cgroup" + (group == "/" ? "" : group);
  const std::string above = own.substr(0, own.find_last_of('/'));
  if (hands_memory_down(own) && may_write(own)) {
    place_->folder = own;
  } else if (group != "/" && hands_memory_down(above) && limits_nothing(own) && may_write(above) &&
             may_write(above + "/cgroup.procs")) {
    // A group with processes in it cannot have limits below it: the usual case.
    *place_ = {above, first_line(own + "/pids.max")};
  }
  remove_left();
  return *place_;
}

std::unique_ptr<MemoryGroup> MemoryGroups::make(uint64_t bytes) {
  if (place().folder.empty()) return nullptr;
  const int64_t pid = platform::process_id();
  char name[96];
  snprintf(name, sizeof name, kNameFormat, static_cast<long long>(pid),
           static_cast<unsigned long long>(platform::process_start_time(pid)),
           static_cast<unsigned long long>(++last_));
  const std::string folder = place_->folder + "/" + name;
  if (::mkdir(folder.c_str(), 0755) != 0) return nullptr;
  folders_.insert(folder);
  std::unique_ptr<MemoryGroup> group(new MemoryGroup(*this, folder));
  if (!set_up(*group, bytes)) return nullptr;
  return group;
}

bool MemoryGroups::set_up(MemoryGroup& group, uint64_t bytes) {
  if (!write_text(group.folder_ + "/memory.max", std::to_string(bytes))) return false;
  // Otherwise the limit is only where swapping begins; a kernel without swap has no such file.
  (void)write_text(group.folder_ + "/memory.swap.max", "0");
  // The tree as a whole: half a tree is no use to anybody.
  (void)write_text(group.folder_ + "/memory.oom.group", "1");
  const std::string& most = place_->most_processes;
  if (!most.empty() && !write_text(group.folder_ + "/pids.max", most)) return false;
  group.door_ = open_control(group.folder_ + "/cgroup.procs");
  return static_cast<bool>(group.door_);
}

void MemoryGroups::remove(const std::string& folder) {
  if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) folders_.erase(folder);
}

void MemoryGroups::remove_left() {
  for (const std::string& folder : std::set<std::string>(folders_)) remove(folder);
  if (!place_ || place_->folder.empty()) return;
  DIR* listing = ::opendir(place_->folder.c_str());
  if (!listing) return;
  while (const dirent* entry = ::readdir(listing)) {
    long long pid = 0;
    unsigned long long start = 0, number = 0;
    if (sscanf(entry->d_name, kNameFormat, &pid, &start, &number) != 3) continue;
    if (platform::process_alive(pid, start)) continue;
    // Fails while anything runs in it.
    ::rmdir((place_->folder + "/" + entry->d_name).c_str());
  }
  ::closedir(listing);
}

}  // namespace brood
