/* Promise 26: what waits uses no CPU. */
#include <dirent.h>
#include <unistd.h>

#include "functions.h"

static long long run_ns(int64_t pid) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%lld/task", (long long)pid);
  long long sum = 0;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%lld/task/%.20s/schedstat", (long long)pid, entry->d_name);
    FILE *file = fopen(path, "r");
    long long ns = 0;
    if (file && fscanf(file, "%lld", &ns) == 1) sum += ns;
    if (file) fclose(file);
  }
  if (folder) closedir(folder);
  return sum;
}

static long long wake_ups(int64_t pid) {
  /* Voluntary context switches of all its threads. */
  char path[300];
  snprintf(path, sizeof path, "/proc/%lld/task", (long long)pid);
  long long sum = 0;
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%lld/task/%.20s/status", (long long)pid, entry->d_name);
    FILE *file = fopen(path, "r");
    char line[256];
    long count = 0;
    while (file && fgets(line, sizeof line, file))
      if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1) sum += count;
    if (file) fclose(file);
  }
  if (folder) closedir(folder);
  return sum;
}

static int64_t parent_of(int64_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
  FILE *file = fopen(path, "r");
  char line[256];
  long long parent = 0;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "PPid: %lld", &parent) == 1) break;
  if (file) fclose(file);
  return parent;
}

/* This process, the nursery, its keepers, and their workers. */
static size_t whole_family(int64_t worker, int64_t *pids, size_t capacity) {
  const int64_t nursery = parent_of(parent_of(worker));
  assert_true(nursery > 1 && nursery != getpid());
  size_t count = 0;
  pids[count++] = getpid();
  pids[count++] = nursery;
  for (size_t next = 1; next < count; ++next) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/task/%lld/children", (long long)pids[next],
             (long long)pids[next]);
    FILE *file = fopen(path, "r");
    long long child;
    while (file && count < capacity && fscanf(file, "%lld", &child) == 1) pids[count++] = child;
    if (file) fclose(file);
  }
  return count;
}

static long long sum(long long (*of)(int64_t pid), const int64_t *pids, size_t count) {
  long long total = 0;
  for (size_t i = 0; i < count; ++i) total += of(pids[i]);
  return total;
}

static void promise_26_an_idle_pool_uses_no_cpu(void **state) {
  (void)state;
  brood_pool *pool = make_pool(2);
  int64_t pids[2];
  while (worker_pids(pool, pids, 2) < 2) call_int(pool, "square", 1);
  /* Waits of a moment until all is asleep, then a look at ten seconds. */
  brood_cancel *never = NULL;
  OK(brood_cancel_create(&never, NULL));
  brood_handle *handle = brood_cancel_handle(never);
  size_t index;
  FAILS(BROOD_E_TIMEOUT, brood_wait(&handle, 1, 500, NULL, &index, NULL));
  int64_t family[32];
  const size_t count = whole_family(pids[0], family, 32);
  assert_in_range(count, 6, 8); /* two keepers, two workers, and keepers that wait */
  const long long before = sum(run_ns, family, count), woken = sum(wake_ups, family, count);
  FAILS(BROOD_E_TIMEOUT, brood_wait(&handle, 1, 10000, NULL, &index, NULL));
  const long long after = sum(run_ns, family, count), rung = sum(wake_ups, family, count);
  assert_true(before > 0);        /* a kernel that does not count would let everything pass */
#if !defined(__SANITIZE_THREAD__) /* whose own thread wakes up all the time */
  assert_true(after - before < 10 * 1000 * 1000);
  assert_in_range(rung - woken, 0, 2); /* the test's own sleep */
#endif
  brood_cancel_free(never);
  end_pool(pool);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_26_an_idle_pool_uses_no_cpu),
  };
  return RUN_TESTS("idle", tests);
}
