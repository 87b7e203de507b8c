/* Locks: what Python's test suite says of Lock and RLock, and what a death does. */
#include <pthread.h>

#include "family.h"

static brood_lock *make_lock(bool recursive) {
  brood_lock_options options = BROOD_LOCK_OPTIONS_INIT;
  options.recursive = recursive;
  brood_lock *lock = NULL;
  OK(brood_lock_create(&options, &lock, NULL));
  return lock;
}

static void test_lock(void **state) {
  (void)state;
  brood_lock *lock = make_lock(false);
  assert_false(brood_lock_locked(lock));
  OK(brood_lock_acquire(lock, 0, BROOD_FOREVER, NULL, NULL));
  assert_true(brood_lock_locked(lock));
  FAILS(BROOD_E_TIMEOUT, brood_lock_acquire(lock, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_lock_acquire(lock, 0, 20, NULL, NULL));
  OK(brood_lock_release(lock, 0, NULL));
  assert_false(brood_lock_locked(lock));
  FAILS(BROOD_E_STATE, brood_lock_release(lock, 0, NULL));
  SAYS("not held");
  brood_lock_free(lock);
}

static void test_rlock(void **state) {
  (void)state;
  brood_lock *lock = make_lock(true);
  for (int i = 0; i < 3; ++i) OK(brood_lock_acquire(lock, 0, BROOD_FOREVER, NULL, NULL));
  for (int i = 0; i < 3; ++i) OK(brood_lock_release(lock, 0, NULL));
  FAILS(BROOD_E_STATE, brood_lock_release(lock, 0, NULL));
  assert_false(brood_lock_locked(lock));
  brood_lock_free(lock);
}

typedef struct other_thread {
  brood_lock *lock;
  uint64_t owner;
  brood_status acquired, released;
} other_thread;

static void *try_both(void *context) {
  other_thread *self = context;
  self->released = brood_lock_release(self->lock, self->owner, NULL);
  self->acquired = brood_lock_acquire(self->lock, self->owner, 0, NULL, NULL);
  return NULL;
}

static other_thread in_another_thread(brood_lock *lock, uint64_t owner) {
  other_thread other = {lock, owner, 77, 77};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, try_both, &other), 0);
  pthread_join(thread, NULL);
  return other;
}

static void a_plain_lock_belongs_to_the_process(void **state) {
  (void)state;
  brood_lock *lock = make_lock(false);
  OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
  const other_thread other = in_another_thread(lock, 0);
  assert_int_equal(other.released, BROOD_OK);
  assert_int_equal(other.acquired, BROOD_OK);
  OK(brood_lock_release(lock, 0, NULL));
  brood_lock_free(lock);
}

static void a_recursive_lock_belongs_to_its_owner(void **state) {
  (void)state;
  brood_lock *lock = make_lock(true);
  OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
  other_thread other = in_another_thread(lock, 0);
  assert_int_equal(other.released, BROOD_E_STATE);
  assert_int_equal(other.acquired, BROOD_E_TIMEOUT);
  OK(brood_lock_release(lock, 0, NULL));
  /* A token is an owner whichever thread it runs on. */
  OK(brood_lock_acquire(lock, 42, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_lock_acquire(lock, 43, 0, NULL, NULL));
  FAILS(BROOD_E_STATE, brood_lock_release(lock, 43, NULL));
  other = in_another_thread(lock, 42);
  assert_int_equal(other.released, BROOD_OK);
  assert_int_equal(other.acquired, BROOD_OK);
  OK(brood_lock_acquire(lock, 42, 0, NULL, NULL));
  OK(brood_lock_release(lock, 42, NULL));
  OK(brood_lock_release(lock, 42, NULL));
  FAILS(BROOD_E_INVALID, brood_lock_acquire(lock, UINT64_MAX, 0, NULL, NULL));
  brood_lock_free(lock);
}

CHILD(cannot_release) {
  (void)context;
  brood_lock *lock = NULL;
  CHECK(brood_msg_take_lock(brood_task_args(task), 0, &lock, NULL) == BROOD_OK);
  CHECK(brood_lock_locked(lock));
  CHECK(brood_lock_release(lock, 0, NULL) == BROOD_E_STATE);
  CHECK(strstr(brood_error_message(brood_last_error()), "another process") != NULL);
  CHECK(brood_lock_acquire(lock, 0, 0, NULL, NULL) == BROOD_E_TIMEOUT);
  brood_lock_free(lock);
}

static void another_process_can_neither_take_nor_release_it(void **state) {
  (void)state;
  for (int recursive = 0; recursive < 2; ++recursive) {
    brood_lock *lock = make_lock(recursive);
    OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
    brood_handle *handle = brood_lock_handle(lock);
    ended_well(start_with("cannot_release", 0, &handle, 1));
    OK(brood_lock_release(lock, 0, NULL));
    brood_lock_free(lock);
  }
}

/* handles: a lock, an array of two numbers that must always be equal */
static brood_status change_both(brood_lock *lock, brood_shared *numbers, int64_t times) {
  int64_t *value = brood_shared_data(numbers);
  for (int64_t i = 0; i < times; ++i) {
    brood_status status = brood_lock_acquire(lock, 0, LONG_MS, NULL, NULL);
    if (status != BROOD_OK) return status;
    if (value[0] != value[1]) return BROOD_E_INTERNAL;
    ++value[0];
    value[1] = value[0];
    status = brood_lock_release(lock, 0, NULL);
    if (status != BROOD_OK) return status;
  }
  return BROOD_OK;
}

CHILD(counts) {
  (void)context;
  brood_lock *lock = NULL;
  brood_shared *numbers = NULL;
  CHECK(brood_msg_take_lock(brood_task_args(task), 0, &lock, NULL) == BROOD_OK);
  CHECK(brood_msg_take_shared(brood_task_args(task), 1, &numbers, NULL) == BROOD_OK);
  CHECK(change_both(lock, numbers, number_of(task)) == BROOD_OK);
  brood_lock_free(lock);
  brood_shared_free(numbers);
}

typedef struct counter {
  brood_lock *lock;
  brood_shared *numbers;
  brood_status status;
} counter;

static void *count_in_thread(void *context) {
  counter *self = context;
  self->status = change_both(self->lock, self->numbers, 5000);
  return NULL;
}

static void one_at_a_time_among_threads_and_processes(void **state) {
  (void)state;
  for (int recursive = 0; recursive < 2; ++recursive) {
    brood_lock *lock = make_lock(recursive);
    brood_shared *numbers = NULL;
    OK(brood_shared_create(BROOD_TYPE_INT64, 2, NULL, &numbers, NULL));
    brood_handle *handles[] = {brood_lock_handle(lock), brood_shared_handle(numbers)};
    enum { kProcesses = 2, kThreads = 20 };
    brood_process *processes[kProcesses];
    for (int i = 0; i < kProcesses; ++i) processes[i] = start_with("counts", 5000, handles, 2);
    pthread_t threads[kThreads];
    counter counters[kThreads];
    for (int i = 0; i < kThreads; ++i) {
      counters[i] = (counter){lock, numbers, 1};
      assert_int_equal(pthread_create(&threads[i], NULL, count_in_thread, &counters[i]), 0);
    }
    for (int i = 0; i < kThreads; ++i) {
      pthread_join(threads[i], NULL);
      assert_int_equal(counters[i].status, BROOD_OK);
    }
    for (int i = 0; i < kProcesses; ++i) ended_well(processes[i]);
    assert_int_equal(*(int64_t *)brood_shared_data(numbers), (kProcesses + kThreads) * 5000);
    brood_lock_free(lock);
    brood_shared_free(numbers);
  }
}

/* handles: a lock, an event */
CHILD(holds_for_ever) {
  (void)context;
  brood_lock *lock = NULL;
  brood_event *event = NULL;
  CHECK(brood_msg_take_lock(brood_task_args(task), 0, &lock, NULL) == BROOD_OK);
  CHECK(brood_msg_take_event(brood_task_args(task), 1, &event, NULL) == BROOD_OK);
  CHECK(brood_lock_acquire(lock, 0, LONG_MS, NULL, NULL) == BROOD_OK);
  brood_event_set(event);
  CHECK(brood_lock_acquire(lock, 99, BROOD_FOREVER, NULL, NULL) == BROOD_OK);
}

static void *kill_soon(void *context) {
  kill_child(context);
  return NULL;
}

static void promise_6_a_dead_holders_lock_must_be_recovered(void **state) {
  (void)state;
  for (int recursive = 0; recursive < 2; ++recursive) {
    brood_lock *lock = make_lock(recursive);
    brood_event *event = NULL;
    OK(brood_event_create(&event, NULL));
    brood_handle *handles[] = {brood_lock_handle(lock), brood_event_handle(event)};
    brood_process *process = start_with("holds_for_ever", 0, handles, 2);
    OK(brood_event_wait(event, LONG_MS, NULL, NULL));
    FAILS(BROOD_E_STATE, brood_lock_recover(lock, 0, NULL));
    pthread_t killer;
    assert_int_equal(pthread_create(&killer, NULL, kill_soon, process), 0);
    /* Asleep, or not yet, when the holder dies. */
    FAILS(BROOD_E_OWNER_DIED, brood_lock_acquire(lock, 0, LONG_MS, NULL, NULL));
    SAYS("died");
    pthread_join(killer, NULL);
    FAILS(BROOD_E_OWNER_DIED, brood_lock_acquire(lock, 0, 0, NULL, NULL));
    size_t index = 9;
    OK(brood_wait(handles, 1, LONG_MS, NULL, &index, NULL));
    OK(brood_lock_recover(lock, 0, NULL));
    FAILS(BROOD_E_STATE, brood_lock_recover(lock, 0, NULL));
    FAILS(BROOD_E_TIMEOUT, brood_lock_acquire(lock, recursive ? 5 : 0, 0, NULL, NULL));
    OK(brood_lock_release(lock, 0, NULL));
    OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
    OK(brood_lock_release(lock, 0, NULL));
    brood_lock_free(lock);
    brood_event_free(event);
  }
}

static void waits_end_by_token_and_by_wait(void **state) {
  (void)state;
  brood_lock *lock = make_lock(false);
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
  brood_handle *handles[] = {brood_lock_handle(lock), brood_cancel_handle(cancel)};
  size_t index = 9;
  FAILS(BROOD_E_TIMEOUT, brood_wait(handles, 2, 20, NULL, &index, NULL));
  brood_cancel_fire(cancel);
  FAILS(BROOD_E_CANCELED, brood_lock_acquire(lock, 0, BROOD_FOREVER, cancel, NULL));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1);
  OK(brood_lock_release(lock, 0, NULL));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 0);
  /* What can be had wins over a fired token. */
  OK(brood_lock_acquire(lock, 0, 0, cancel, NULL));
  OK(brood_lock_release(lock, 0, NULL));
  brood_cancel_free(cancel);
  brood_lock_free(lock);
}

static const child_function functions[] = {
    {"cannot_release", cannot_release}, {"counts", counts}, {"holds_for_ever", holds_for_ever}};
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lock),
    cmocka_unit_test(test_rlock),
    cmocka_unit_test(a_plain_lock_belongs_to_the_process),
    cmocka_unit_test(a_recursive_lock_belongs_to_its_owner),
    cmocka_unit_test(another_process_can_neither_take_nor_release_it),
    cmocka_unit_test(one_at_a_time_among_threads_and_processes),
    cmocka_unit_test(promise_6_a_dead_holders_lock_must_be_recovered),
    cmocka_unit_test(waits_end_by_token_and_by_wait),
};
RUN_WITH(functions, tests)
