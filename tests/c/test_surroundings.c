/* What is around a pool: promises 11, 13, 23, 24, 28. Some need a host of their own: this program
 * again. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "functions.h"

/* ---- hosts of their own -------------------------------------------------------------------------
 */

/* Keeps one worker busy and one idle, tells their pids on stdout, and waits to be killed. */
static int be_killed(void) {
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 2;
  brood_pool *pool = NULL;
  brood_future *busy = NULL;
  brood_msg *msg = NULL;
  brood_process *process = NULL;
  int64_t tree = 0, pids[2];
  if (brood_pool_create(&options, &pool, NULL) != BROOD_OK) return 1;
  if (brood_pool_call(pool, "grandchild", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL) != BROOD_OK)
    return 2;
  memcpy(&tree, brood_msg_data(msg), sizeof tree);
  if (brood_pool_submit(pool, "spin", NULL, 0, NULL, &busy, NULL) != BROOD_OK) return 3;
  if (brood_process_start("hang", NULL, 0, NULL, &process, NULL) != BROOD_OK) return 4;
  while (worker_pids(pool, pids, 2) < 2) (void)!brood_future_wait(busy, 1, NULL, NULL);
  /* A child without exec holds every fd that this process has; the test ends it. */
  const pid_t copy = fork();
  if (copy == 0) {
    for (;;) pause();
  }
  printf("%lld %lld %lld %lld %lld\n", (long long)pids[0], (long long)pids[1], (long long)tree,
         (long long)brood_process_pid(process), (long long)copy);
  fflush(stdout);
  for (;;) pause();
}

/* Runs a pool in surroundings that the starter made narrow; 0 when all is well. */
static int run_narrowly(void) {
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 2;
  brood_pool *pool = NULL;
  if (brood_pool_create(&options, &pool, NULL) != BROOD_OK) return 1;
  for (int64_t i = 0; i < 100; ++i) {
    brood_msg *msg = NULL;
    int64_t value = 0;
    if (brood_pool_call(pool, "square", &i, sizeof i, NULL, LONG_MS, NULL, &msg, NULL) != BROOD_OK)
      return 2;
    memcpy(&value, brood_msg_data(msg), sizeof value);
    brood_msg_free(msg);
    if (value != i * i) return 3;
  }
  if (brood_pool_shutdown(pool, NULL) != BROOD_OK) return 4;
  if (brood_pool_join(pool, LONG_MS, NULL, NULL) != BROOD_OK) return 5;
  brood_pool_free(pool);
  return 0;
}

static pid_t start_host(const char *role, int out, void (*prepare)(void)) {
  const pid_t child = fork();
  if (child != 0) return child;
  if (out >= 0) dup2(out, 1);
  if (prepare) prepare();
  execl("/proc/self/exe", "test_c_surroundings", role, (char *)NULL);
  _exit(127);
}

static bool all_gone(void *context) {
  const long long *pids = context;
  for (int i = 0; i < 4; ++i)
    if (!process_is_gone(pids[i])) return false;
  return true;
}

static void promise_11_nothing_survives_a_killed_host(void **state) {
  (void)state;
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    const pid_t host = start_host("be_killed", pipe_ends[1], NULL);
    close(pipe_ends[1]);
    FILE *told = fdopen(pipe_ends[0], "r");
    long long pids[5] = {0};
    int read = 0;
    for (int i = 0; i < 5; ++i) read += fscanf(told, "%lld", &pids[i]);
    assert_int_equal(read, 5);
    for (int i = 0; i < 4; ++i) assert_false(process_is_gone(pids[i]));
    kill(host, SIGKILL);
    const int64_t before = now_ms();
    assert_true(eventually(all_gone, pids));
    const int64_t took = now_ms() - before;
    if (took > 1000) print_message("gone only after %d ms\n", (int)took);
    kill((pid_t)pids[4], SIGKILL);
    waitpid(host, NULL, 0);
    fclose(told);
  }
}

static void make_narrow(void) {
  static char folder[220] = "TMPDIR=/tmp/";
  memset(folder + 12, 'x', 200);
  putenv(folder);
  const struct rlimit few = {64, 64};
  setrlimit(RLIMIT_NOFILE, &few);
  for (int fd = 0; fd < 3; ++fd) close(fd);
}

static void promise_23_works_in_narrow_surroundings(void **state) {
  (void)state;
  int status = -1;
  waitpid(start_host("run_narrowly", -1, make_narrow), &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- this host
 * ----------------------------------------------------------------------------------- */

static void promise_13_the_host_has_no_child_and_its_signals_are_its_own(void **state) {
  (void)state;
  struct sigaction before, after;
  sigset_t mask_before, mask_after;
  sigaction(SIGCHLD, NULL, &before);
  sigprocmask(SIG_SETMASK, NULL, &mask_before);
  brood_pool *pool = make_pool(2);
  call_int(pool, "square", 1);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
  assert_int_equal(WEXITSTATUS(system("exit 3")), 3);
  brood_future *future = submit(pool, "segfault", NULL, 0);
  OK(brood_future_wait(future, LONG_MS, NULL, NULL));
  brood_future_free(future);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
  sigaction(SIGCHLD, NULL, &after);
  sigprocmask(SIG_SETMASK, NULL, &mask_after);
  assert_true(after.sa_handler == before.sa_handler);
  for (int number = 1; number < 65; ++number)
    assert_int_equal(sigismember(&mask_before, number), sigismember(&mask_after, number));
  OK(brood_pool_shutdown(pool, NULL));
  (void)!brood_pool_join(pool, LONG_MS, NULL, NULL); /* the segfault, which nobody read */
  brood_pool_free(pool);
  assert_int_equal(WEXITSTATUS(system("exit 4")), 4);
}

static void promise_24_out_of_fds_is_an_error_and_then_all_is_well(void **state) {
  (void)state;
  struct rlimit usual, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
  none = usual;
  none.rlim_cur = 5;
  brood_pool *pool = NULL;
  brood_future *future = NULL;
  brood_msg *msg = NULL;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  brood_status status = brood_pool_create(&options, &pool, NULL);
  if (status == BROOD_OK) status = brood_pool_submit(pool, "square", NULL, 0, NULL, &future, NULL);
  if (status == BROOD_OK) status = brood_future_result(future, LONG_MS, NULL, &msg, NULL);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
  assert_true(status == BROOD_E_OS || status == BROOD_E_INIT_FAILED);
  SAYS("Too many open files");
  brood_future_free(future);
  brood_pool_free(pool);
  pool = make_pool(1);
  assert_int_equal(call_int(pool, "square", 12), 144);
  end_pool(pool);
}

static void promise_24_out_of_memory_is_an_error_and_then_all_is_well(void **state) {
  (void)state;
  brood_pool *pool = make_pool(1);
  const int64_t too_much = INT64_C(1) << 50;
  brood_msg *msg = NULL;
  /* The worker cannot have the room, says nothing, and is asked for something smaller next. */
  OK(brood_pool_call(pool, "big", &too_much, sizeof too_much, NULL, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_size(msg), 0);
  brood_msg_free(msg);
  assert_int_equal(call_int(pool, "square", 12), 144);
  end_pool(pool);
}

/* True where a core is a file in the process's own folder. */
static bool cores_are_files_here(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false; /* they forbid core dumps */
#endif
  char pattern[256] = "|";
  struct rlimit limit;
  FILE *file = fopen("/proc/sys/kernel/core_pattern", "r");
  if (file == NULL) return false;
  const bool read = fgets(pattern, sizeof pattern, file) != NULL;
  fclose(file);
  return read && strchr("|/", pattern[0]) == NULL && getrlimit(RLIMIT_CORE, &limit) == 0 &&
         limit.rlim_max == RLIM_INFINITY;
}

/* Memory behind the arena, whoever touched it: it is a file without a name. */
static int64_t arena_bytes(void) {
  int64_t bytes = 0;
  DIR *fds = opendir("/proc/self/fd");
  for (struct dirent *entry; (entry = readdir(fds));) {
    char target[64] = "";
    struct stat file;
    if (readlinkat(dirfd(fds), entry->d_name, target, sizeof target - 1) < 0) continue;
    if (strncmp(target, "/memfd:brood", 12) != 0) continue;
    if (fstatat(dirfd(fds), entry->d_name, &file, 0) == 0) bytes += (int64_t)file.st_blocks * 512;
  }
  closedir(fds);
  return bytes;
}

static void promise_28_a_core_dump_stays_small(void **state) {
  (void)state;
  char folder[] = "/tmp/brood-core-XXXXXX";
  assert_non_null(mkdtemp(folder));
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  options.cwd = folder;
  options.limits.core_bytes = INT64_MAX;
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  call_int(pool, "square", 1);
  const int64_t before = arena_bytes();
  assert_true(before > 0);
  brood_future *future = submit(pool, "abort", NULL, 0);
  brood_msg *msg = NULL;
  FAILS(BROOD_E_WORKER_LOST, brood_future_result(future, LONG_MS, NULL, &msg, NULL));
  brood_future_free(future);
  end_pool(pool);
  /* Reading a page of the arena makes it: a dump that did would be felt here. */
  assert_true(arena_bytes() < before + (1 << 20));
  int cores = 0;
  DIR *entries = opendir(folder);
  for (struct dirent *entry; (entry = readdir(entries));) {
    struct stat core;
    if (entry->d_name[0] == '.' || fstatat(dirfd(entries), entry->d_name, &core, 0) != 0) continue;
    ++cores;
    assert_true((int64_t)core.st_blocks * 512 < (64 << 20));
    unlinkat(dirfd(entries), entry->d_name, 0);
  }
  closedir(entries);
  rmdir(folder);
  if (cores_are_files_here()) assert_int_equal(cores, 1);
}

int main(int argc, char **argv) {
  test_begin(argc, argv);
  if (argc > 1 && strcmp(argv[1], "be_killed") == 0) return be_killed();
  if (argc > 1 && strcmp(argv[1], "run_narrowly") == 0) return run_narrowly();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_11_nothing_survives_a_killed_host),
      cmocka_unit_test(promise_13_the_host_has_no_child_and_its_signals_are_its_own),
      cmocka_unit_test(promise_23_works_in_narrow_surroundings),
      cmocka_unit_test(promise_24_out_of_fds_is_an_error_and_then_all_is_well),
      cmocka_unit_test(promise_24_out_of_memory_is_an_error_and_then_all_is_well),
      cmocka_unit_test(promise_28_a_core_dump_stays_small),
  };
  return RUN_TESTS("surroundings", tests);
}
