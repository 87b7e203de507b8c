/* Semaphores: what Python's test suite says of Semaphore and BoundedSemaphore, and what a death
 * does.
 */
#include <pthread.h>

#include "family.h"

static brood_semaphore *make(uint32_t value, bool bounded, bool owned) {
  brood_semaphore_options options = BROOD_SEMAPHORE_OPTIONS_INIT;
  options.bounded = bounded;
  options.owned = owned;
  brood_semaphore *semaphore = NULL;
  OK(brood_semaphore_create(value, &options, &semaphore, NULL));
  return semaphore;
}

static void count_down_and_up(brood_semaphore *semaphore) {
  assert_int_equal(brood_semaphore_value(semaphore), 2);
  OK(brood_semaphore_acquire(semaphore, BROOD_FOREVER, NULL, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 1);
  OK(brood_semaphore_acquire(semaphore, BROOD_FOREVER, NULL, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 0);
  FAILS(BROOD_E_TIMEOUT, brood_semaphore_acquire(semaphore, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_semaphore_acquire(semaphore, 20, NULL, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 0);
  OK(brood_semaphore_release(semaphore, 1, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 1);
  OK(brood_semaphore_release(semaphore, 1, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 2);
}

static void test_semaphore(void **state) {
  (void)state;
  brood_semaphore *semaphore = make(2, false, false);
  count_down_and_up(semaphore);
  OK(brood_semaphore_release(semaphore, 2, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 4);
  FAILS(BROOD_E_STATE, brood_semaphore_release(semaphore, INT32_MAX, NULL));
  assert_int_equal(brood_semaphore_value(semaphore), 4);
  brood_semaphore_free(semaphore);
}

static void test_bounded_semaphore(void **state) {
  (void)state;
  for (int owned = 0; owned < 2; ++owned) {
    brood_semaphore *semaphore = make(2, !owned, owned);
    count_down_and_up(semaphore);
    FAILS(BROOD_E_STATE, brood_semaphore_release(semaphore, 1, NULL));
    OK(brood_semaphore_acquire(semaphore, 0, NULL, NULL));
    FAILS(BROOD_E_STATE, brood_semaphore_release(semaphore, 2, NULL));
    assert_int_equal(brood_semaphore_value(semaphore), 1);
    OK(brood_semaphore_release(semaphore, 1, NULL));
    FAILS(BROOD_E_INVALID, brood_semaphore_release(semaphore, 0, NULL));
    brood_semaphore_free(semaphore);
  }
}

/* handles: a semaphore; an array: how many are inside, the most that ever were */
static brood_status come_and_go(brood_semaphore *semaphore, brood_shared *inside, int64_t times) {
  for (int64_t i = 0; i < times; ++i) {
    int64_t before = 0;
    int64_t most = 0;
    bool done = false;
    brood_status status = brood_semaphore_acquire(semaphore, LONG_MS, NULL, NULL);
    if (status == BROOD_OK) status = brood_shared_add_int(inside, 0, 1, &before, NULL);
    if (status == BROOD_OK) status = brood_shared_get_int(inside, 1, &most, NULL);
    while (status == BROOD_OK && most < before + 1 && !done) {
      status = brood_shared_compare_exchange(inside, 1, &most, before + 1, &done, NULL);
    }
    if (status == BROOD_OK) status = brood_shared_add_int(inside, 0, -1, NULL, NULL);
    if (status == BROOD_OK) status = brood_semaphore_release(semaphore, 1, NULL);
    if (status != BROOD_OK) return status;
  }
  return BROOD_OK;
}

CHILD(comes_and_goes) {
  (void)context;
  brood_semaphore *semaphore = NULL;
  brood_shared *inside = NULL;
  CHECK(brood_msg_take_semaphore(brood_task_args(task), 0, &semaphore, NULL) == BROOD_OK);
  CHECK(brood_msg_take_shared(brood_task_args(task), 1, &inside, NULL) == BROOD_OK);
  CHECK(come_and_go(semaphore, inside, number_of(task)) == BROOD_OK);
  brood_semaphore_free(semaphore);
  brood_shared_free(inside);
}

typedef struct goer {
  brood_semaphore *semaphore;
  brood_shared *inside;
  brood_status status;
} goer;

static void *go_in_thread(void *context) {
  goer *self = context;
  self->status = come_and_go(self->semaphore, self->inside, 3000);
  return NULL;
}

static void never_more_than_there_are_permits(void **state) {
  (void)state;
  for (int owned = 0; owned < 2; ++owned) {
    brood_semaphore *semaphore = make(2, true, owned);
    brood_shared *inside = NULL;
    OK(brood_shared_create(BROOD_TYPE_INT32, 2, NULL, &inside, NULL));
    brood_handle *handles[] = {brood_semaphore_handle(semaphore), brood_shared_handle(inside)};
    enum { kProcesses = 2, kThreads = 5 };
    brood_process *processes[kProcesses];
    for (int i = 0; i < kProcesses; ++i) {
      processes[i] = start_with("comes_and_goes", 3000, handles, 2);
    }
    pthread_t threads[kThreads];
    goer goers[kThreads];
    for (int i = 0; i < kThreads; ++i) {
      goers[i] = (goer){semaphore, inside, 1};
      assert_int_equal(pthread_create(&threads[i], NULL, go_in_thread, &goers[i]), 0);
    }
    for (int i = 0; i < kThreads; ++i) {
      pthread_join(threads[i], NULL);
      assert_int_equal(goers[i].status, BROOD_OK);
    }
    for (int i = 0; i < kProcesses; ++i) ended_well(processes[i]);
    int64_t most = 0;
    OK(brood_shared_get_int(inside, 1, &most, NULL));
    assert_in_range(most, 1, 2);
    assert_int_equal(brood_semaphore_value(semaphore), 2);
    brood_semaphore_free(semaphore);
    brood_shared_free(inside);
  }
}

/* handles: a semaphore, an event */
CHILD(takes_one_and_hangs) {
  (void)context;
  brood_semaphore *semaphore = NULL;
  brood_event *event = NULL;
  CHECK(brood_msg_take_semaphore(brood_task_args(task), 0, &semaphore, NULL) == BROOD_OK);
  CHECK(brood_msg_take_event(brood_task_args(task), 1, &event, NULL) == BROOD_OK);
  CHECK(brood_semaphore_acquire(semaphore, LONG_MS, NULL, NULL) == BROOD_OK);
  brood_event_set(event);
  while (true) CHECK(brood_semaphore_acquire(semaphore, BROOD_FOREVER, NULL, NULL) == BROOD_OK);
}

static void a_dead_process_gives_owned_permits_back(void **state) {
  (void)state;
  for (int owned = 0; owned < 2; ++owned) {
    brood_semaphore *semaphore = make(1, true, owned);
    brood_event *event = NULL;
    OK(brood_event_create(&event, NULL));
    brood_handle *handles[] = {brood_semaphore_handle(semaphore), brood_event_handle(event)};
    brood_process *process = start_with("takes_one_and_hangs", 0, handles, 2);
    OK(brood_event_wait(event, LONG_MS, NULL, NULL));
    if (owned) {
      FAILS(BROOD_E_STATE, brood_semaphore_release(semaphore, 1, NULL));
      SAYS("0 of the permits");
    }
    kill_child(process);
    if (owned) {
      OK(brood_semaphore_acquire(semaphore, LONG_MS, NULL, NULL));
      OK(brood_semaphore_release(semaphore, 1, NULL));
    } else {
      /* Gone with it; but anybody may put it back. */
      assert_int_equal(brood_semaphore_value(semaphore), 0);
      OK(brood_semaphore_release(semaphore, 1, NULL));
    }
    assert_int_equal(brood_semaphore_value(semaphore), 1);
    brood_semaphore_free(semaphore);
    brood_event_free(event);
  }
}

static void waits_end_by_token_and_by_wait(void **state) {
  (void)state;
  brood_semaphore *semaphore = make(0, false, false);
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_handle *handles[] = {brood_semaphore_handle(semaphore), brood_cancel_handle(cancel)};
  size_t index = 9;
  FAILS(BROOD_E_TIMEOUT, brood_wait(handles, 1, 20, NULL, &index, NULL));
  brood_cancel_fire(cancel);
  FAILS(BROOD_E_CANCELED, brood_semaphore_acquire(semaphore, LONG_MS, cancel, NULL));
  OK(brood_semaphore_release(semaphore, 1, NULL));
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 0);
  assert_int_equal(brood_semaphore_value(semaphore), 1);
  brood_cancel_free(cancel);
  brood_semaphore_free(semaphore);
}

static const child_function functions[] = {{"comes_and_goes", comes_and_goes},
                                           {"takes_one_and_hangs", takes_one_and_hangs}};
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_semaphore),
    cmocka_unit_test(test_bounded_semaphore),
    cmocka_unit_test(never_more_than_there_are_permits),
    cmocka_unit_test(a_dead_process_gives_owned_permits_back),
    cmocka_unit_test(waits_end_by_token_and_by_wait),
};
RUN_WITH(functions, tests)
