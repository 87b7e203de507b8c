/* Conditions: what Python's test suite says of Condition, and what deaths do. */
#include <pthread.h>

#include "family.h"

typedef struct kit {
  brood_condition *condition;
  brood_lock *lock;
  brood_semaphore *sleeping; /* a permit for each who is about to wait, with the lock in hand */
  brood_semaphore *woken;
  brood_shared *number;
} kit;

static kit make_kit(void) {
  kit k = {0};
  const brood_lock_options recursive = {sizeof recursive, true};
  OK(brood_condition_create(NULL, &k.condition, NULL));
  OK(brood_lock_create(&recursive, &k.lock, NULL));
  OK(brood_semaphore_create(0, NULL, &k.sleeping, NULL));
  OK(brood_semaphore_create(0, NULL, &k.woken, NULL));
  OK(brood_shared_create(BROOD_TYPE_INT32, 1, NULL, &k.number, NULL));
  return k;
}

static void free_kit(kit *k) {
  brood_condition_free(k->condition);
  brood_lock_free(k->lock);
  brood_semaphore_free(k->sleeping);
  brood_semaphore_free(k->woken);
  brood_shared_free(k->number);
}

static bool take_kit(brood_task *task, kit *k) {
  brood_msg *args = brood_task_args(task);
  return brood_msg_take_condition(args, 0, &k->condition, NULL) == BROOD_OK &&
         brood_msg_take_lock(args, 1, &k->lock, NULL) == BROOD_OK &&
         brood_msg_take_semaphore(args, 2, &k->sleeping, NULL) == BROOD_OK &&
         brood_msg_take_semaphore(args, 3, &k->woken, NULL) == BROOD_OK &&
         brood_msg_take_shared(args, 4, &k->number, NULL) == BROOD_OK;
}

static brood_process *start_in(kit *k, const char *function, int64_t number) {
  brood_handle *handles[] = {brood_condition_handle(k->condition), brood_lock_handle(k->lock),
                             brood_semaphore_handle(k->sleeping), brood_semaphore_handle(k->woken),
                             brood_shared_handle(k->number)};
  return start_with(function, number, handles, 5);
}

/* Waits once; the number is how long, 0 for ever. */
static brood_status wait_once(kit *k, int64_t timeout_ms) {
  brood_status status = brood_lock_acquire(k->lock, 0, LONG_MS, NULL, NULL);
  if (status != BROOD_OK) return status;
  status = brood_semaphore_release(k->sleeping, 1, NULL);
  if (status != BROOD_OK) return status;
  status = brood_condition_wait(k->condition, k->lock, 0, timeout_ms != 0 ? timeout_ms : LONG_MS,
                                NULL, NULL);
  if (status == BROOD_E_OWNER_DIED) return status;
  const brood_status released = brood_lock_release(k->lock, 0, NULL);
  if (released != BROOD_OK) return released;
  if (status != BROOD_OK) return status;
  return brood_semaphore_release(k->woken, 1, NULL);
}

CHILD(waits) {
  (void)context;
  kit k = {0};
  CHECK(take_kit(task, &k));
  const int64_t timeout_ms = number_of(task);
  CHECK(wait_once(&k, timeout_ms) == (timeout_ms != 0 ? BROOD_E_TIMEOUT : BROOD_OK));
  free_kit(&k);
}

typedef struct waiting_thread {
  kit *k;
  brood_status status;
  pthread_t thread;
} waiting_thread;

static void *wait_in_thread(void *context) {
  waiting_thread *self = context;
  self->status = wait_once(self->k, 0);
  return NULL;
}

/* `count` have the lock in hand and go to wait: with the lock in our hand they do wait. */
static void all_wait(kit *k, int count) {
  for (int i = 0; i < count; ++i) OK(brood_semaphore_acquire(k->sleeping, LONG_MS, NULL, NULL));
  OK(brood_lock_acquire(k->lock, 0, LONG_MS, NULL, NULL));
}

static uint32_t signal_and_release(kit *k, uint32_t count) {
  uint32_t woken = 99;
  OK(brood_condition_signal(k->condition, count, &woken, NULL));
  OK(brood_lock_release(k->lock, 0, NULL));
  return woken;
}

static void up(kit *k, int count) {
  for (int i = 0; i < count; ++i) OK(brood_semaphore_acquire(k->woken, LONG_MS, NULL, NULL));
  assert_int_equal(brood_semaphore_value(k->woken), 0);
}

static void test_notify(void **state) {
  (void)state;
  kit k = make_kit();
  brood_process *process = start_in(&k, "waits", 0);
  waiting_thread thread = {&k, 77, 0};
  assert_int_equal(pthread_create(&thread.thread, NULL, wait_in_thread, &thread), 0);
  all_wait(&k, 2);
  assert_int_equal(brood_semaphore_value(k.woken), 0);
  assert_int_equal(signal_and_release(&k, 1), 1);
  up(&k, 1);
  OK(brood_lock_acquire(k.lock, 0, LONG_MS, NULL, NULL));
  assert_int_equal(signal_and_release(&k, 1), 1);
  up(&k, 1);
  OK(brood_lock_acquire(k.lock, 0, LONG_MS, NULL, NULL));
  assert_int_equal(signal_and_release(&k, 1), 0);
  pthread_join(thread.thread, NULL);
  assert_int_equal(thread.status, BROOD_OK);
  ended_well(process);
  free_kit(&k);
}

static void notify(uint32_t first, uint32_t second) {
  kit k = make_kit();
  enum { kProcesses = 2, kThreads = 4 };
  brood_process *processes[kProcesses];
  waiting_thread threads[kThreads];
  for (int i = 0; i < kProcesses; ++i) processes[i] = start_in(&k, "waits", 0);
  for (int i = 0; i < kThreads; ++i) {
    threads[i] = (waiting_thread){&k, 77, 0};
    assert_int_equal(pthread_create(&threads[i].thread, NULL, wait_in_thread, &threads[i]), 0);
  }
  all_wait(&k, kProcesses + kThreads);
  const uint32_t woken = signal_and_release(&k, first);
  up(&k, (int)woken);
  OK(brood_lock_acquire(k.lock, 0, LONG_MS, NULL, NULL));
  const uint32_t rest = signal_and_release(&k, second);
  up(&k, (int)rest);
  assert_int_equal(woken, first < 6 ? first : 6);
  assert_int_equal(woken + rest, 6);
  for (int i = 0; i < kThreads; ++i) {
    pthread_join(threads[i].thread, NULL);
    assert_int_equal(threads[i].status, BROOD_OK);
  }
  for (int i = 0; i < kProcesses; ++i) ended_well(processes[i]);
  free_kit(&k);
}

static void test_notify_n(void **state) {
  (void)state;
  notify(3, 6);
}

static void test_notify_all(void **state) {
  (void)state;
  notify(UINT32_MAX, UINT32_MAX);
}

static void test_timeout(void **state) {
  (void)state;
  kit k = make_kit();
  ended_well(start_in(&k, "waits", 30));
  OK(brood_lock_acquire(k.lock, 0, 0, NULL, NULL));
  OK(brood_lock_acquire(k.lock, 0, 0, NULL, NULL));
  const int64_t begin = now_ms();
  FAILS(BROOD_E_TIMEOUT, brood_condition_wait(k.condition, k.lock, 0, 50, NULL, NULL));
  assert_true(now_ms() - begin >= 49);
  FAILS(BROOD_E_TIMEOUT, brood_condition_wait(k.condition, k.lock, 0, 0, NULL, NULL));
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_cancel_fire(cancel);
  FAILS(BROOD_E_CANCELED,
        brood_condition_wait(k.condition, k.lock, 0, BROOD_FOREVER, cancel, NULL));
  brood_cancel_free(cancel);
  /* Held as often as before. */
  OK(brood_lock_release(k.lock, 0, NULL));
  OK(brood_lock_release(k.lock, 0, NULL));
  FAILS(BROOD_E_STATE, brood_lock_release(k.lock, 0, NULL));
  FAILS(BROOD_E_STATE, brood_condition_wait(k.condition, k.lock, 0, 0, NULL, NULL));
  free_kit(&k);
}

/* Waits until the number is 4: Python's wait_for. */
CHILD(waits_for_four) {
  (void)context;
  kit k = {0};
  CHECK(take_kit(task, &k));
  CHECK(brood_lock_acquire(k.lock, 0, LONG_MS, NULL, NULL) == BROOD_OK);
  CHECK(brood_semaphore_release(k.sleeping, 1, NULL) == BROOD_OK);
  int64_t number = 0;
  while (number != 4) {
    CHECK(brood_condition_wait(k.condition, k.lock, 0, LONG_MS, NULL, NULL) == BROOD_OK);
    CHECK(brood_shared_get_int(k.number, 0, &number, NULL) == BROOD_OK);
  }
  CHECK(brood_lock_release(k.lock, 0, NULL) == BROOD_OK);
  free_kit(&k);
}

static void test_waitfor(void **state) {
  (void)state;
  kit k = make_kit();
  brood_process *process = start_in(&k, "waits_for_four", 0);
  all_wait(&k, 1);
  OK(brood_lock_release(k.lock, 0, NULL));
  for (int i = 0; i < 4; ++i) {
    OK(brood_lock_acquire(k.lock, 0, LONG_MS, NULL, NULL));
    OK(brood_shared_add_int(k.number, 0, 1, NULL, NULL));
    OK(brood_condition_broadcast(k.condition, NULL));
    OK(brood_lock_release(k.lock, 0, NULL));
  }
  ended_well(process);
  free_kit(&k);
}

static void signals_reach_the_living(void **state) {
  (void)state;
  kit k = make_kit();
  brood_process *dead = start_in(&k, "waits", 0);
  all_wait(&k, 1);
  OK(brood_lock_release(k.lock, 0, NULL));
  brood_process *living = start_in(&k, "waits", 0);
  all_wait(&k, 1);
  /* Signalled first, and killed before it can have the lock. */
  uint32_t woken = 0;
  OK(brood_condition_signal(k.condition, 1, &woken, NULL));
  assert_int_equal(woken, 1);
  kill_child(dead);
  OK(brood_lock_release(k.lock, 0, NULL));
  up(&k, 1);
  ended_well(living);
  free_kit(&k);
}

static void has_only_so_many_places(void **state) {
  (void)state;
  brood_condition_options options = BROOD_CONDITION_OPTIONS_INIT;
  options.max_waiters = 1;
  kit k = make_kit();
  brood_condition_free(k.condition);
  OK(brood_condition_create(&options, &k.condition, NULL));
  brood_process *process = start_in(&k, "waits", 0);
  all_wait(&k, 1);
  FAILS(BROOD_E_NO_SPACE, brood_condition_wait(k.condition, k.lock, 0, LONG_MS, NULL, NULL));
  OK(brood_lock_release(k.lock, 0, NULL));
  kill_child(process);
  OK(brood_lock_acquire(k.lock, 0, 0, NULL, NULL));
  /* The dead one's place is there again. */
  FAILS(BROOD_E_TIMEOUT, brood_condition_wait(k.condition, k.lock, 0, 0, NULL, NULL));
  OK(brood_lock_release(k.lock, 0, NULL));
  size_t index = 9;
  brood_handle *handle = brood_condition_handle(k.condition);
  FAILS(BROOD_E_UNSUPPORTED, brood_wait(&handle, 1, 0, NULL, &index, NULL));
  free_kit(&k);
}

static const child_function functions[] = {{"waits", waits}, {"waits_for_four", waits_for_four}};
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_notify),
    cmocka_unit_test(test_notify_n),
    cmocka_unit_test(test_notify_all),
    cmocka_unit_test(test_timeout),
    cmocka_unit_test(test_waitfor),
    cmocka_unit_test(signals_reach_the_living),
    cmocka_unit_test(has_only_so_many_places),
};
RUN_WITH(functions, tests)
