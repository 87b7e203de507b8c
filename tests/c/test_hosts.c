/* Hosts of their own: this program again, in surroundings and with ends that a test program cannot
 * have itself. Promises 11, 23, 24, 25, and how a host ends in good order. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "functions.h"

/* What a role ends with where this system does not let it be tried. */
enum { NOT_HERE = 77 };

/* ---- the roles ----------------------------------------------------------------------------------
 */

/* 0 when a pool works from its start to its end. */
static int use_pool(void) {
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 2;
  brood_pool *pool = NULL;
  if (brood_pool_create(&options, &pool, NULL) != BROOD_OK) return 1;
  for (int64_t i = 0; i < 20; ++i) {
    brood_msg *msg = NULL;
    int64_t value = 0;
    if (brood_pool_call(pool, "square", &i, sizeof i, NULL, LONG_MS, NULL, &msg, NULL) != BROOD_OK)
      return 2;
    memcpy(&value, brood_msg_data(msg), sizeof value);
    brood_msg_free(msg);
    if (value != i * i) return 3;
  }
  /* Larger than a lane: through the arena. */
  static char large[1 << 20];
  brood_msg *msg = NULL;
  if (brood_pool_call(pool, "echo", large, sizeof large, NULL, LONG_MS, NULL, &msg, NULL) !=
      BROOD_OK)
    return 4;
  if (brood_msg_size(msg) != sizeof large) return 5;
  brood_msg_free(msg);
  if (brood_pool_shutdown(pool, NULL) != BROOD_OK) return 6;
  if (brood_pool_join(pool, LONG_MS, NULL, NULL) != BROOD_OK) return 7;
  brood_pool_free(pool);
  return 0;
}

/* The pool of promise 11, started by a thread that is gone by then. */
static void *start_from_a_thread(void *context) {
  int64_t *pids = context;
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 2;
  brood_pool *pool = NULL;
  brood_msg *msg = NULL;
  brood_future *busy = NULL;
  if (brood_pool_create(&options, &pool, NULL) != BROOD_OK) return "create";
  if (brood_pool_call(pool, "grandchild", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL) != BROOD_OK)
    return "grandchild";
  memcpy(&pids[2], brood_msg_data(msg), sizeof pids[2]);
  if (brood_pool_submit(pool, "spin", NULL, 0, NULL, &busy, NULL) != BROOD_OK) return "submit";
  while (worker_pids(pool, pids, 2) < 2) (void)!brood_future_wait(busy, 1, NULL, NULL);
  return NULL;
}

static int be_killed_with_threads(void) {
  int64_t pids[3] = {0};
  pthread_t thread;
  void *failed = NULL;
  if (pthread_create(&thread, NULL, start_from_a_thread, pids) != 0) return 1;
  if (pthread_join(thread, &failed) != 0 || failed != NULL) return 2;
  printf("%d %d %d\n", (int)pids[0], (int)pids[1], (int)pids[2]);
  fflush(stdout);
  for (;;) pause();
}

static int as_nobody(void) {
  if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return NOT_HERE;
  return use_pool();
}

static bool own_mounts(void) {
  return unshare(CLONE_NEWNS) == 0 && mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int with_small_shm(void) {
  if (!own_mounts() || mount("none", "/dev/shm", "tmpfs", 0, "size=64m") != 0) return NOT_HERE;
  return use_pool();
}

static int on_a_read_only_root(void) {
  if (!own_mounts() || mount("", "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
    return NOT_HERE;
  /* Whatever else is mounted for writing, so that there is no place for a file at all. */
  const char *const places[] = {"/tmp", "/var/tmp", "/dev/shm", "/run"};
  for (size_t i = 0; i < sizeof places / sizeof *places; ++i)
    if (mount(places[i], places[i], NULL, MS_BIND | MS_REC, NULL) == 0)
      (void)!mount("", places[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  if (open("/tmp/any", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EROFS) return NOT_HERE;
  return use_pool();
}

/* A user who may have no more processes than there are: the error names the cause, and once there
 * is room all is well. */
static int without_processes(void) {
  if (geteuid() == 0 && (setgid(65533) != 0 || setuid(65533) != 0)) return NOT_HERE;
  struct rlimit usual, none;
  getrlimit(RLIMIT_NPROC, &usual);
  none = usual;
  none.rlim_cur = 0;
  if (setrlimit(RLIMIT_NPROC, &none) != 0) return NOT_HERE;
  const pid_t probe = fork();
  if (probe == 0) _exit(0);
  if (probe > 0) {
    /* The limit is not for this user. */
    waitpid(probe, NULL, 0);
    return NOT_HERE;
  }
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 1;
  brood_pool *pool = NULL;
  brood_msg *msg = NULL;
  brood_status status = brood_pool_create(&options, &pool, NULL);
  if (status == BROOD_OK)
    status = brood_pool_call(pool, "square", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL);
  if (status != BROOD_E_OS && status != BROOD_E_INIT_FAILED) return 10;
  if (strstr(brood_error_message(brood_last_error()), strerror(EAGAIN)) == NULL) return 11;
  brood_pool_free(pool);
  setrlimit(RLIMIT_NPROC, &usual);
  return use_pool();
}

/* Returns from main with a child that must be joined and a daemon that must be ended. */
static int end_in_order(const char *path) {
  brood_process_options daemon = BROOD_PROCESS_OPTIONS_INIT;
  daemon.daemon = true;
  brood_process *ended = NULL, *joined = NULL;
  if (brood_process_start("hang", NULL, 0, &daemon, &ended, NULL) != BROOD_OK) return 1;
  if (brood_process_start("wait_for_file", path, strlen(path) + 1, NULL, &joined, NULL) != BROOD_OK)
    return 2;
  printf("%d %d\n", (int)brood_process_pid(ended), (int)brood_process_pid(joined));
  fflush(stdout);
  brood_process_free(ended);
  brood_process_free(joined);
  return 0;
}

/* ---- running them -------------------------------------------------------------------------------
 */

static pid_t start_host(const char *role, const char *argument, FILE **told) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    execl("/proc/self/exe", "test_c_hosts", role, argument, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  *told = fdopen(ends[0], "r");
  return child;
}

static int end_of(pid_t host, FILE *told) {
  int status = -1;
  assert_int_equal(waitpid(host, &status, 0), host);
  fclose(told);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void runs_well(const char *role) {
  FILE *told;
  const pid_t host = start_host(role, NULL, &told);
  const int code = end_of(host, told);
  if (code == NOT_HERE) skip();
  assert_int_equal(code, 0);
}

static bool gone(void *context) { return process_is_gone(*(const int *)context); }

static void promise_11_also_for_what_a_thread_started_that_is_gone(void **state) {
  (void)state;
  FILE *told;
  const pid_t host = start_host("be_killed_with_threads", NULL, &told);
  int pids[3] = {0};
  assert_int_equal(fscanf(told, "%d %d %d", &pids[0], &pids[1], &pids[2]), 3);
  assert_int_equal(fgetc(told), '\n');
  for (int i = 0; i < 3; ++i) assert_false(process_is_gone(pids[i]));
  kill(host, SIGKILL);
  for (int i = 0; i < 3; ++i) assert_true(eventually(gone, &pids[i]));
  /* Nursery and keepers hold the output too. */
  assert_int_equal(fgetc(told), EOF);
  waitpid(host, NULL, 0);
  fclose(told);
}

static void promise_23_works_as_an_unprivileged_user(void **state) {
  (void)state;
  runs_well("as_nobody");
}
static void promise_23_works_with_a_small_dev_shm(void **state) {
  (void)state;
  runs_well("with_small_shm");
}
static void promise_23_works_in_a_read_only_root(void **state) {
  (void)state;
  runs_well("on_a_read_only_root");
}
static void promise_24_out_of_processes_is_an_error_and_then_all_is_well(void **state) {
  (void)state;
  runs_well("without_processes");
}

static void promise_25_a_program_without_brood_init_is_one_clear_error(void **state) {
  (void)state;
  const char *const command[] = {"/proc/self/exe", "never_inits", NULL};
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = 2;
  options.command = command;
  brood_pool *pool = NULL;
  brood_msg *msg = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  FAILS(BROOD_E_INIT_FAILED,
        brood_pool_call(pool, "square", NULL, 0, NULL, LONG_MS, NULL, &msg, NULL));
  SAYS("must call brood_init() first in main()");
  /* And no storm of processes: as many starts as promise 17 allows. */
  brood_pool_stats stats = BROOD_POOL_STATS_INIT;
  OK(brood_pool_get_stats(pool, &stats, NULL));
  assert_true(stats.workers_started <= 2 + 3);
  brood_pool_free(pool);

  brood_process_options alone = BROOD_PROCESS_OPTIONS_INIT;
  alone.command = command;
  brood_process *process = NULL;
  OK(brood_process_start("square", NULL, 0, &alone, &process, NULL));
  OK(brood_process_join(process, LONG_MS, NULL, NULL));
  FAILS(BROOD_E_INIT_FAILED, brood_process_outcome(process, NULL));
  SAYS("must call brood_init() first in main()");
  brood_process_free(process);
}

static void a_host_that_returns_joins_its_children_and_ends_its_daemons(void **state) {
  (void)state;
  char path[] = "/tmp/brood-hosts-XXXXXX";
  assert_int_equal(close(mkstemp(path)), 0);
  unlink(path);
  FILE *told;
  const pid_t host = start_host("end_in_order", path, &told);
  int ended = 0, joined = 0;
  assert_int_equal(fscanf(told, "%d %d", &ended, &joined), 2);
  assert_true(eventually(gone, &ended));
  /* The other one waits for the file, and the host for it. */
  assert_false(process_is_gone(joined));
  assert_int_equal(waitpid(host, NULL, WNOHANG), 0);
  fclose(fopen(path, "w"));
  assert_int_equal(end_of(host, told), 0);
  assert_true(process_is_gone(joined));
  unlink(path);
  char note[64];
  snprintf(note, sizeof note, "%s.%d", path, joined);
  unlink(note);
}

int main(int argc, char **argv) {
  const char *role = argc > 1 ? argv[1] : "";
  if (strcmp(role, "never_inits") == 0) return 0;
  test_begin(argc, argv);
  if (strcmp(role, "be_killed_with_threads") == 0) return be_killed_with_threads();
  if (strcmp(role, "as_nobody") == 0) return as_nobody();
  if (strcmp(role, "with_small_shm") == 0) return with_small_shm();
  if (strcmp(role, "on_a_read_only_root") == 0) return on_a_read_only_root();
  if (strcmp(role, "without_processes") == 0) return without_processes();
  if (strcmp(role, "end_in_order") == 0) return end_in_order(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promise_11_also_for_what_a_thread_started_that_is_gone),
      cmocka_unit_test(promise_23_works_as_an_unprivileged_user),
      cmocka_unit_test(promise_23_works_with_a_small_dev_shm),
      cmocka_unit_test(promise_23_works_in_a_read_only_root),
      cmocka_unit_test(promise_24_out_of_processes_is_an_error_and_then_all_is_well),
      cmocka_unit_test(promise_25_a_program_without_brood_init_is_one_clear_error),
      cmocka_unit_test(a_host_that_returns_joins_its_children_and_ends_its_daemons),
  };
  return RUN_TESTS("hosts", tests);
}
