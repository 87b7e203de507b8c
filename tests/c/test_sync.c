/* What holds for locks and their kin alike: bad input, tokens fired in signal handlers, forks,
 * nothing left. */
#include <dirent.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "functions.h"

static void refuses_null(void **state) {
  (void)state;
  uint32_t number = 0;
  int64_t value = 0;
  double real = 0;
  bool yes = false;
  const void *view = NULL;
  FAILS(BROOD_E_INVALID, brood_lock_create(NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_lock_acquire(NULL, 0, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_lock_release(NULL, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_lock_recover(NULL, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_semaphore_create(1, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_semaphore_acquire(NULL, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_semaphore_release(NULL, 1, NULL));
  FAILS(BROOD_E_INVALID, brood_condition_create(NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_condition_wait(NULL, NULL, 0, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_condition_signal(NULL, 1, &number, NULL));
  FAILS(BROOD_E_INVALID, brood_condition_broadcast(NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_event_create(NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_event_wait(NULL, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_barrier_create(1, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_barrier_wait(NULL, 0, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_barrier_arrive(NULL, 0, NULL, &number, NULL));
  FAILS(BROOD_E_INVALID, brood_barrier_open(NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_rwlock_create(NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_rwlock_acquire_read(NULL, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_rwlock_acquire_write(NULL, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_rwlock_release_read(NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_rwlock_release_write(NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_rwlock_recover(NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_create(BROOD_TYPE_INT8, 1, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_view(NULL, &view, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_read(NULL, 0, 0, NULL, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_write(NULL, 0, 0, NULL, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_get_int(NULL, 0, &value, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_set_int(NULL, 0, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_add_int(NULL, 0, 0, &value, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_compare_exchange(NULL, 0, &value, 0, &yes, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_get_float(NULL, 0, &real, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_set_float(NULL, 0, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_add_float(NULL, 0, 0, &real, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_lock(NULL, 0, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_unlock(NULL, 0, NULL));
  FAILS(BROOD_E_INVALID, brood_shared_recover(NULL, 0, NULL));
  assert_false(brood_lock_locked(NULL) || brood_barrier_broken(NULL) || brood_shared_locked(NULL));
  assert_int_equal(brood_semaphore_value(NULL), 0);
  assert_int_equal(brood_barrier_parties(NULL) + brood_barrier_waiting(NULL), 0);
  assert_null(brood_shared_data(NULL));
  assert_int_equal(brood_shared_count(NULL), 0);
  assert_null(brood_lock_handle(NULL));
  assert_null(brood_shared_handle(NULL));
  brood_barrier_abort(NULL);
  brood_barrier_reset(NULL);
  brood_lock_free(NULL);
  brood_semaphore_free(NULL);
  brood_condition_free(NULL);
  brood_event_free(NULL);
  brood_barrier_free(NULL);
  brood_rwlock_free(NULL);
  brood_shared_free(NULL);
}

static void refuses_what_breaks_the_rules(void **state) {
  (void)state;
  brood_lock *lock = NULL;
  brood_semaphore *semaphore = NULL;
  brood_condition *condition = NULL;
  brood_rwlock *rwlock = NULL;
  brood_shared *shared = NULL;
  OK(brood_lock_create(NULL, &lock, NULL));
  FAILS(BROOD_E_INVALID, brood_lock_acquire(lock, 0, -2, NULL, NULL));
  SAYS("timeout_ms");
  assert_false(brood_lock_locked(lock));
  FAILS(BROOD_E_INVALID, brood_semaphore_create(UINT32_MAX, NULL, &semaphore, NULL));
  const brood_semaphore_options owned = {sizeof owned, false, true};
  FAILS(BROOD_E_INVALID, brood_semaphore_create(4097, &owned, &semaphore, NULL));
  const brood_condition_options waiters = {sizeof waiters, 4097};
  FAILS(BROOD_E_INVALID, brood_condition_create(&waiters, &condition, NULL));
  const brood_rwlock_options readers = {sizeof readers, 4097};
  FAILS(BROOD_E_INVALID, brood_rwlock_create(&readers, &rwlock, NULL));
  SAYS("max_readers");
  const brood_shared_options wrong_size = {sizeof wrong_size, 3, false};
  FAILS(BROOD_E_INVALID, brood_shared_create(BROOD_TYPE_INT32, 1, &wrong_size, &shared, NULL));
  SAYS("element_size");
  brood_completions *completions = NULL;
  OK(brood_completions_create(&completions, NULL));
  OK(brood_condition_create(NULL, &condition, NULL));
  FAILS(BROOD_E_UNSUPPORTED,
        brood_completions_add(completions, brood_condition_handle(condition), 1, NULL));
  SAYS("ever becomes ready");
  brood_condition_free(condition);
  uint64_t tag = 0;
  OK(brood_completions_add(completions, brood_lock_handle(lock), 7, NULL));
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 7);
  brood_completions_free(completions);
  brood_lock_free(lock);
}

static brood_cancel *token;

static void fire(int signal_number) {
  (void)signal_number;
  brood_cancel_fire(token);
}

/* The token is fired again and again, until the wait has begun and seen it. */
static void begin_interrupting(void) {
  brood_cancel_reset(token);
  const struct itimerval often = {{0, 5000}, {0, 5000}};
  assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void end_interrupting(void) {
  const struct itimerval never = {{0, 0}, {0, 0}};
  assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
}

#define INTERRUPTED(call)            \
  do {                               \
    begin_interrupting();            \
    FAILS(BROOD_E_CANCELED, (call)); \
    end_interrupting();              \
  } while (0)

static void promise_10_a_signal_ends_every_wait(void **state) {
  (void)state;
  OK(brood_cancel_create(&token, NULL));
  struct sigaction action = {0};
  struct sigaction before;
  action.sa_handler = fire;
  assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
  brood_lock *lock = NULL;
  brood_semaphore *semaphore = NULL;
  brood_condition *condition = NULL;
  brood_event *event = NULL;
  brood_barrier *barrier = NULL;
  brood_rwlock *rwlock = NULL;
  brood_shared *shared = NULL;
  OK(brood_lock_create(NULL, &lock, NULL));
  OK(brood_semaphore_create(0, NULL, &semaphore, NULL));
  OK(brood_condition_create(NULL, &condition, NULL));
  OK(brood_event_create(&event, NULL));
  OK(brood_barrier_create(2, &barrier, NULL));
  OK(brood_rwlock_create(NULL, &rwlock, NULL));
  OK(brood_shared_create(BROOD_TYPE_INT8, 1, NULL, &shared, NULL));
  OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
  OK(brood_rwlock_acquire_write(rwlock, 0, NULL, NULL));
  OK(brood_shared_lock(shared, 1, 0, NULL, NULL));
  INTERRUPTED(brood_lock_acquire(lock, 0, BROOD_FOREVER, token, NULL));
  INTERRUPTED(brood_semaphore_acquire(semaphore, BROOD_FOREVER, token, NULL));
  INTERRUPTED(brood_condition_wait(condition, lock, 0, BROOD_FOREVER, token, NULL));
  INTERRUPTED(brood_event_wait(event, BROOD_FOREVER, token, NULL));
  INTERRUPTED(brood_barrier_wait(barrier, BROOD_FOREVER, token, NULL, NULL));
  INTERRUPTED(brood_rwlock_acquire_read(rwlock, BROOD_FOREVER, token, NULL));
  INTERRUPTED(brood_rwlock_acquire_write(rwlock, BROOD_FOREVER, token, NULL));
  INTERRUPTED(brood_shared_lock(shared, 2, BROOD_FOREVER, token, NULL));
  OK(brood_lock_release(lock, 0, NULL));
  OK(brood_rwlock_release_write(rwlock, NULL));
  OK(brood_shared_unlock(shared, 1, NULL));
  sigaction(SIGALRM, &before, NULL);
  brood_lock_free(lock);
  brood_semaphore_free(semaphore);
  brood_condition_free(condition);
  brood_event_free(event);
  brood_barrier_free(barrier);
  brood_rwlock_free(rwlock);
  brood_shared_free(shared);
  brood_cancel_free(token);
}

static void a_forked_child_is_told(void **state) {
  (void)state;
  brood_lock *lock = NULL;
  brood_shared *shared = NULL;
  OK(brood_lock_create(NULL, &lock, NULL));
  OK(brood_shared_create(BROOD_TYPE_INT32, 1, NULL, &shared, NULL));
  const pid_t child = fork();
  if (child == 0) {
    const bool told = brood_lock_acquire(lock, 0, BROOD_FOREVER, NULL, NULL) == BROOD_E_FORKED &&
                      brood_shared_add_int(shared, 0, 1, NULL, NULL) == BROOD_E_FORKED;
    brood_lock_free(lock);
    brood_shared_free(shared);
    _exit(told ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_false(brood_lock_locked(lock));
  brood_lock_free(lock);
  brood_shared_free(shared);
}

static int count_entries(const char *folder) {
  int count = 0;
  DIR *directory = opendir(folder);
  assert_non_null(directory);
  while (readdir(directory) != NULL) ++count;
  closedir(directory);
  return count;
}

static void use_everything(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    brood_lock *lock = NULL;
    brood_event *event = NULL;
    brood_shared *shared = NULL;
    const void *view = NULL;
    OK(brood_lock_create(NULL, &lock, NULL));
    OK(brood_event_create(&event, NULL));
    OK(brood_shared_create(BROOD_TYPE_DOUBLE, 100000, NULL, &shared, NULL));
    OK(brood_shared_view(shared, &view, NULL));
    OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
    brood_lock_free(lock);
    brood_event_free(event);
    brood_shared_free(shared);
  }
}

static int count_mappings(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  int lines = 0;
  for (int byte; (byte = fgetc(maps)) != EOF;) lines += byte == '\n';
  fclose(maps);
  return lines;
}

static void promise_12_nothing_is_left(void **state) {
  (void)state;
  use_everything(2);
  const int fds = count_entries("/proc/self/fd");
  const int names = count_entries("/dev/shm");
  const int mappings = count_mappings();
  use_everything(200);
  assert_int_equal(count_entries("/proc/self/fd"), fds);
  assert_int_equal(count_entries("/dev/shm"), names);
  assert_int_equal(count_mappings(), mappings);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(refuses_null),
    cmocka_unit_test(refuses_what_breaks_the_rules),
    cmocka_unit_test(promise_10_a_signal_ends_every_wait),
    cmocka_unit_test(a_forked_child_is_told),
    cmocka_unit_test(promise_12_nothing_is_left),
};

int main(int argc, char **argv) {
  test_begin(argc, argv);
  return RUN_TESTS("sync", tests);
}
