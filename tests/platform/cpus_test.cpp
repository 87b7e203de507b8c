// How many CPUs a process may use: affinity, cut by its control groups, whatever their files say.
#include <sched.h>

#include "../fake_root.hpp"
#include "platform/platform.hpp"
#include "test.hpp"

using namespace brood;
using namespace brood::test;

namespace {

// What this machine allows without any control group.
uint32_t all_cpus() {
  const FakeRoot nothing;
  return platform::usable_cpus(nothing.path());
}

void affinity_is_counted(void**) {
  cpu_set_t set;
  assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
  assert_int_equal(all_cpus(), CPU_COUNT(&set));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &set)) CPU_SET(cpu, &one);
  }
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(all_cpus(), 1);
  assert_int_equal(sched_setaffinity(0, sizeof set, &set), 0);
}

void the_smallest_quota_counts(void**) {
  const uint32_t all = all_cpus();
  const FakeRoot root;
  root.write("/proc/self/cgroup", "0::/outer/inner\n");
  root.write("/sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
  assert_int_equal(platform::usable_cpus(root.path()), all);
  // Half a CPU is one; so is nine tenths of the group above.
  root.write("/sys/fs/cgroup/outer/inner/cpu.max", "50000 100000\n");
  assert_int_equal(platform::usable_cpus(root.path()), 1);
  root.write("/sys/fs/cgroup/outer/inner/cpu.max", "400000 100000\n");
  assert_int_equal(platform::usable_cpus(root.path()), all < 4 ? all : 4);
  root.write("/sys/fs/cgroup/outer/cpu.max", "90000 100000\n");
  assert_int_equal(platform::usable_cpus(root.path()), 1);
}

void version_1_is_read_too(void**) {
  const uint32_t all = all_cpus();
  const FakeRoot root;
  root.write("/proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/job\n1:name=systemd:/\n");
  root.write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  root.write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  assert_int_equal(platform::usable_cpus(root.path()), all);
  root.write("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "100000\n");
  assert_int_equal(platform::usable_cpus(root.path()), 1);
}

// Promise 21: none of these fails, and none leaves less than one CPU.
void malformed_files_count_as_no_quota(void**) {
  const uint32_t all = all_cpus();
  const char* const contents[] = {
      "",
      "\n",
      "max",
      "max\n",
      "0 0\n",
      "100000 0\n",
      "-5 100000\n",
      "x y\n",
      "100000\n",
      "100000 x\n",
      " \n",
      "\377\376",
      "1e5 100000\n",
      "99999999999999999999999 100000\n",
      "100000 99999999999999999999999\n",
      "9223372036854775807 1\n",
  };
  for (const char* content : contents) {
    const FakeRoot root;
    root.write("/proc/self/cgroup", "0::/job\n");
    root.write("/sys/fs/cgroup/job/cpu.max", content);
    // What begins with a number is one: a microsecond here.
    const uint32_t expected = std::string(content) == "1e5 100000\n" ? 1 : all;
    assert_int_equal(platform::usable_cpus(root.path()), expected);
  }
  const char* const groups[] = {
      "",      "0", "0:", "::", "0::", "0::job", "\n\n\n0::\n", "0::/../job\n", "0::/no/such\n",
      "::::\n"};
  for (const char* group : groups) {
    const FakeRoot root;
    root.write("/proc/self/cgroup", group);
    assert_int_equal(platform::usable_cpus(root.path()), all);
  }
  // A folder where a file should be.
  const FakeRoot root;
  root.write("/proc/self/cgroup", "0::/job\n");
  root.make_folder("/sys/fs/cgroup/job/cpu.max");
  assert_int_equal(platform::usable_cpus(root.path()), all);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(affinity_is_counted),
      cmocka_unit_test(the_smallest_quota_counts),
      cmocka_unit_test(version_1_is_read_too),
      cmocka_unit_test(malformed_files_count_as_no_quota),
  };
  return cmocka_run_group_tests_name("cpus", tests, nullptr, nullptr);
}
