/* What every test program needs beside its tests. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "functions.h"
#include "inspect.h"

typedef struct running_check {
  const char *path;
  int64_t pid;
} running_check;

static bool runs(void *context) {
  const running_check *check = context;
  char note[256];
  snprintf(note, sizeof note, "%s.%d", check->path, (int)check->pid);
  if (access(note, F_OK) != 0) return false;
  unlink(note);
  return true;
}

bool is_waiting_for_file(const char *path, int64_t pid) {
  running_check check = {path, pid};
  return eventually(runs, &check);
}

/* ---- promise 12: nothing is left behind --------------------------------------------------------
 */

static left_behind found;
static char what_is_left[200];

/* What a process makes once and keeps: the loop, the nursery, the first pieces of the heap. */
static int warm_up(void **state) {
  (void)state;
  static char folder[] = "/tmp/brood-tests-XXXXXX";
  assert_non_null(mkdtemp(folder));
  assert_int_equal(setenv("TMPDIR", folder, 1), 0); /* other programs' files are not looked at */
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  /* The thread that watches shared objects for completion queues is made once and stays. */
  brood_completions *completions = NULL;
  OK(brood_completions_create(&completions, NULL));
  OK(brood_completions_add(completions, brood_cancel_handle(cancel), 0, NULL));
  brood_completions_free(completions);
  brood_cancel_free(cancel);
  brood_pool *pool = make_pool(1);
  call_int(pool, "square", 1);
  end_pool(pool);
  return 0;
}

/* A process under ThreadSanitizer that is killed as it starts leaves one. */
static void remove_sanitizers_files(void) {
  DIR *folder = opendir(getenv("TMPDIR"));
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (strncmp(entry->d_name, "tsan.", 5) == 0) unlinkat(dirfd(folder), entry->d_name, 0);
  }
  closedir(folder);
}

static int remove_folder(void **state) {
  (void)state;
  remove_sanitizers_files();
  return rmdir(getenv("TMPDIR"));
}

static int remember(void **state) {
  (void)state;
  found = look_around();
  return 0;
}

static bool is_as_found(void *context) {
  (void)context;
  left_behind now = look_around();
  return nothing_left(&found, &now, what_is_left, sizeof what_is_left);
}

/* What ends on brood's own thread ends a moment after the call that ended it. */
static int compare(void **state) {
  (void)state;
  if (!eventually(is_as_found, NULL)) fail_msg("left behind: %s", what_is_left);
  return 0;
}

int run_clean_tests(const char *name, const struct CMUnitTest *tests, size_t count) {
  struct CMUnitTest watched[64];
  assert_true(count <= sizeof watched / sizeof *watched);
  memcpy(watched, tests, count * sizeof *tests);
  for (size_t i = 0; i < count; ++i) {
    watched[i].setup_func = remember;
    watched[i].teardown_func = compare;
  }
  return _cmocka_run_group_tests(name, watched, count, warm_up, remove_folder);
}

brood_pool *make_pool(uint32_t workers) {
  brood_pool_options options = BROOD_POOL_OPTIONS_INIT;
  options.workers = workers;
  brood_pool *pool = NULL;
  OK(brood_pool_create(&options, &pool, NULL));
  return pool;
}

void end_pool(brood_pool *pool) {
  OK(brood_pool_shutdown(pool, NULL));
  OK(brood_pool_join(pool, LONG_MS, NULL, NULL));
  brood_pool_free(pool);
}

brood_future *submit(brood_pool *pool, const char *function, const void *data, size_t size) {
  brood_future *future = NULL;
  OK(brood_pool_submit(pool, function, data, size, NULL, &future, NULL));
  return future;
}

brood_future *submit_limited(brood_pool *pool, const char *function, int64_t run_limit_ms) {
  brood_submit_options options = BROOD_SUBMIT_OPTIONS_INIT;
  options.run_limit_ms = run_limit_ms;
  brood_future *future = NULL;
  OK(brood_pool_submit(pool, function, NULL, 0, &options, &future, NULL));
  return future;
}

int64_t int_result(brood_future *future) {
  brood_msg *msg = NULL;
  OK(brood_future_result(future, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_size(msg), sizeof(int64_t));
  int64_t value;
  memcpy(&value, brood_msg_data(msg), sizeof value);
  brood_msg_free(msg);
  brood_future_free(future);
  return value;
}

int64_t call_int(brood_pool *pool, const char *function, int64_t argument) {
  return int_result(submit(pool, function, &argument, sizeof argument));
}

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool eventually(bool (*ready)(void *context), void *context) {
  const int64_t end = now_ms() + LONG_MS;
  while (!ready(context)) {
    if (now_ms() > end) return false;
    poll(NULL, 0, 1);
  }
  return true;
}

bool process_is_gone(int64_t pid) {
  /* A zombie still answers to a signal, but runs nothing any more. */
  char path[64];
  snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
  FILE *file = fopen(path, "r");
  if (!file) return true;
  char line[512] = "";
  const bool read = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  const char *end = read ? strrchr(line, ')') : NULL;
  return end == NULL || end[2] == 'Z' || end[2] == 'X';
}

size_t worker_pids(brood_pool *pool, int64_t *pids, size_t capacity) {
  brood_worker_info workers[64];
  size_t count = 0;
  OK(brood_pool_workers(pool, workers, 64, &count, NULL));
  size_t up = 0;
  for (size_t i = 0; i < count && i < 64 && up < capacity; ++i) {
    const bool ready =
        workers[i].state == BROOD_WORKER_IDLE || workers[i].state == BROOD_WORKER_BUSY;
    if (ready && workers[i].pid != 0) pids[up++] = workers[i].pid;
  }
  return up;
}
