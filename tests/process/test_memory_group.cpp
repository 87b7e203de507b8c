// Control groups for memory limits, in a folder that looks like a system with version 2, and
// through a nursery that sees such a folder.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "../fake_root.hpp"
#include "family.hpp"
#include "nursery/linux/memory_group.hpp"
#include "nursery/text_file.hpp"
#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;
using namespace brood::test;

namespace {

// The groups that brood made below `folder`.
std::vector<std::string> groups_in(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("brood-")) found.push_back(entry.path());
  }
  return found;
}

// As the kernel does it when a group is removed.
void drop_files(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::filesystem::remove(entry.path());
  }
}

class System : public FakeRoot {
 public:
  explicit System(const std::string& group) {
    write("/proc/self/cgroup", "3:cpu:/elsewhere\n0::" + group + "\n");
    write("/sys/fs/cgroup" + group + "/cgroup.subtree_control", "\n");
  }
  std::string cgroup(const std::string& path) const {
    return this->path() + "/sys/fs/cgroup" + path;
  }
  void hand_down(const std::string& group, const std::string& controllers) const {
    write("/sys/fs/cgroup" + group + "/cgroup.subtree_control", controllers);
    write("/sys/fs/cgroup" + group + "/cgroup.procs", "");
  }
};

void none_where_memory_is_not_handed_down(void**) {
  const System system("/a/b");
  MemoryGroups groups(system.path());
  assert_true(groups.make(1000) == nullptr);
  const FakeRoot nothing;
  MemoryGroups none(nothing.path());
  assert_true(none.make(1000) == nullptr);
  const System other("/a/b");
  other.hand_down("/a", "cpu memory_hugetlb pids");
  MemoryGroups wrong(other.path());
  assert_true(wrong.make(1000) == nullptr);
}

void inside_the_own_group_where_it_hands_memory_down(void**) {
  const System system("/a/b");
  system.hand_down("/a/b", "cpu memory pids\n");
  MemoryGroups groups(system.path());
  const auto group = groups.make(123456789);
  assert_true(group != nullptr);
  const auto found = groups_in(system.cgroup("/a/b"));
  assert_int_equal(found.size(), 1);
  assert_string_equal(read_text(found[0] + "/memory.max").c_str(), "123456789");
  assert_string_equal(read_text(found[0] + "/memory.swap.max").c_str(), "0");
  assert_string_equal(read_text(found[0] + "/memory.oom.group").c_str(), "1");
  assert_int_equal(::write(group->door(), "0", 1), 1);
  assert_string_equal(read_text(found[0] + "/cgroup.procs").c_str(), "0");
}

void beside_the_own_group_when_that_limits_nothing(void**) {
  const System system("/a/b");
  system.hand_down("/a", "memory");
  system.write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  system.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  system.write("/sys/fs/cgroup/a/b/pids.max", "4915\n");
  MemoryGroups groups(system.path());
  const auto group = groups.make(1000);
  assert_true(group != nullptr);
  assert_int_equal(groups_in(system.cgroup("/a/b")).size(), 0);
  const auto found = groups_in(system.cgroup("/a"));
  assert_int_equal(found.size(), 1);
  assert_string_equal(read_text(found[0] + "/pids.max").c_str(), "4915");
}

// A limit that somebody set on this program holds for its children too.
void never_out_of_a_limited_group(void**) {
  const char* const limits[][2] = {{"memory.max", "1000000\n"},
                                   {"memory.high", "5000\n"},
                                   {"memory.swap.max", "0\n"},
                                   {"cpu.max", "50000 100000\n"},
                                   {"memory.max", "nonsense"}};
  for (const auto& limit : limits) {
    const System system("/a/b");
    system.hand_down("/a", "memory");
    system.write(std::string("/sys/fs/cgroup/a/b/") + limit[0], limit[1]);
    MemoryGroups groups(system.path());
    assert_true(groups.make(1000) == nullptr);
    assert_int_equal(groups_in(system.cgroup("/a")).size(), 0);
  }
}

void malformed_files_never_fail(void**) {
  for (const char* text :
       {"", "0", "0:", "0::", "0::\n", "0::..\n", "0::/../..\n", "::::", "\n\n"}) {
    const System system("/");
    system.hand_down("/", "memory");
    system.write("/proc/self/cgroup", text);
    MemoryGroups groups(system.path());
    assert_true(groups.make(1000) == nullptr);
  }
}

void the_kernels_kills_are_seen(void**) {
  const System system("/");
  system.hand_down("/", "memory");
  MemoryGroups groups(system.path());
  const auto group = groups.make(1000);
  assert_true(group != nullptr);
  assert_false(group->out_of_memory());
  const std::string folder = groups_in(system.cgroup("/"))[0].substr(system.path().size());
  system.write(folder + "/memory.events", "low 0\nhigh 3\nmax 7\noom 1\noom_kill 0\n");
  assert_false(group->out_of_memory());
  system.write(folder + "/memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 1\n");
  assert_true(group->out_of_memory());
}

void groups_are_removed_when_nothing_runs_in_them(void**) {
  const System system("/a");
  system.hand_down("/a", "memory");
  // Of a nursery that was killed, and of one that lives.
  const int64_t self = platform::process_id();
  const std::string alive = "/sys/fs/cgroup/a/brood-" + std::to_string(self) + "-" +
                            std::to_string(platform::process_start_time(self)) + "-900";
  system.make_folder("/sys/fs/cgroup/a/brood-4194304-1-1");
  system.make_folder("/sys/fs/cgroup/a/brood-of-mine");
  system.make_folder(alive);
  MemoryGroups groups(system.path());
  auto group = groups.make(1000);
  assert_true(group != nullptr);
  assert_int_equal(groups.count(), 1);
  assert_int_equal(groups_in(system.cgroup("/a")).size(), 3);
  // A folder with files in it stays, as a group does with processes in it: the next look removes
  // it.
  std::string folder;
  for (const auto& found : groups_in(system.cgroup("/a"))) {
    if (std::filesystem::exists(found + "/memory.max")) folder = found;
  }
  group.reset();
  assert_int_equal(groups.count(), 1);
  drop_files(folder);
  groups.remove_left();
  assert_int_equal(groups.count(), 0);
  assert_false(std::filesystem::exists(folder));
  assert_true(std::filesystem::exists(system.path() + alive));
}

// Where nothing else is mounted over the control groups, in a process of its own.
int child_goes_through_the_door() {
  if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", "/sys/fs/cgroup", "tmpfs", 0, "mode=755") != 0) {
    return 77;
  }
  const std::string group = own_group();
  if (group.empty()) return 77;
  const std::string folder = "/sys/fs/cgroup" + group;
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/cgroup.subtree_control") << "memory";
  TestFamily family;
  const std::string look = "ulimit -d; cd " + folder + "/brood-*; cat memory.max cgroup.procs";
  ChildRequest request = shell(look);
  request.limits.memory_bytes = uint64_t{64} << 20;
  const bool in_group = family.output_of(std::move(request)) == "unlimited\n671088640";
  // The next child of the same keeper has no limit, and goes through no door.
  const bool free = family.output_of("ulimit -d; echo x") == "unlimited\nx\n";
  // Without a place for groups each process has its own limit.
  return !in_group ? 1 : free ? 0 : 2;
}

void a_limited_child_is_in_its_group_before_it_runs(void**) {
  const pid_t child = fork();
  if (child == 0) _exit(child_goes_through_the_door());
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) skip();
  assert_int_equal(WEXITSTATUS(status), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(none_where_memory_is_not_handed_down),
      cmocka_unit_test(inside_the_own_group_where_it_hands_memory_down),
      cmocka_unit_test(beside_the_own_group_when_that_limits_nothing),
      cmocka_unit_test(never_out_of_a_limited_group),
      cmocka_unit_test(malformed_files_never_fail),
      cmocka_unit_test(the_kernels_kills_are_seen),
      cmocka_unit_test(groups_are_removed_when_nothing_runs_in_them),
      cmocka_unit_test(a_limited_child_is_in_its_group_before_it_runs),
  };
  return cmocka_run_group_tests_name("memory_group", tests, nullptr, nullptr);
}
