/* Events: what Python's test suite says of Event; and waits of a killed process's rivals. */
#include <pthread.h>

#include "family.h"

static brood_event *make_event(void) {
  brood_event *event = NULL;
  OK(brood_event_create(&event, NULL));
  return event;
}

CHILD(sets) {
  (void)context;
  brood_event *event = NULL;
  CHECK(brood_msg_take_event(brood_task_args(task), 0, &event, NULL) == BROOD_OK);
  CHECK(!brood_event_is_set(event));
  brood_event_set(event);
  brood_event_free(event);
}

static void test_event(void **state) {
  (void)state;
  brood_event *event = make_event();
  assert_false(brood_event_is_set(event));
  FAILS(BROOD_E_TIMEOUT, brood_event_wait(event, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_event_wait(event, 20, NULL, NULL));
  brood_event_set(event);
  brood_event_set(event);
  assert_true(brood_event_is_set(event));
  OK(brood_event_wait(event, 0, NULL, NULL));
  OK(brood_event_wait(event, 1, NULL, NULL));
  brood_event_clear(event);
  assert_false(brood_event_is_set(event));
  brood_handle *handle = brood_event_handle(event);
  brood_process *process = start_with("sets", 0, &handle, 1);
  OK(brood_event_wait(event, LONG_MS, NULL, NULL));
  ended_well(process);
  brood_event_free(event);
}

/* handles: the event to wait for, a semaphore to say so first, one to say it afterwards */
CHILD(waits) {
  (void)context;
  brood_event *event = NULL;
  brood_semaphore *here = NULL;
  brood_semaphore *up = NULL;
  CHECK(brood_msg_take_event(brood_task_args(task), 0, &event, NULL) == BROOD_OK);
  CHECK(brood_msg_take_semaphore(brood_task_args(task), 1, &here, NULL) == BROOD_OK);
  CHECK(brood_msg_take_semaphore(brood_task_args(task), 2, &up, NULL) == BROOD_OK);
  CHECK(brood_semaphore_release(here, 1, NULL) == BROOD_OK);
  CHECK(brood_event_wait(event, LONG_MS, NULL, NULL) == BROOD_OK);
  CHECK(brood_semaphore_release(up, 1, NULL) == BROOD_OK);
  brood_event_free(event);
  brood_semaphore_free(here);
  brood_semaphore_free(up);
}

static void *wait_in_thread(void *event) {
  return brood_event_wait(event, LONG_MS, NULL, NULL) == BROOD_OK ? event : NULL;
}

static void wakes_everybody(void **state) {
  (void)state;
  brood_event *event = make_event();
  brood_semaphore *here = NULL;
  brood_semaphore *up = NULL;
  OK(brood_semaphore_create(0, NULL, &here, NULL));
  OK(brood_semaphore_create(0, NULL, &up, NULL));
  brood_handle *handles[] = {brood_event_handle(event), brood_semaphore_handle(here),
                             brood_semaphore_handle(up)};
  enum { kProcesses = 2, kThreads = 40 }; /* more than there are places for */
  brood_process *processes[kProcesses];
  pthread_t threads[kThreads];
  for (int i = 0; i < kProcesses; ++i) processes[i] = start_with("waits", 0, handles, 3);
  for (int i = 0; i < kThreads; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, wait_in_thread, event), 0);
  }
  for (int i = 0; i < kProcesses; ++i) OK(brood_semaphore_acquire(here, LONG_MS, NULL, NULL));
  brood_event_set(event);
  for (int i = 0; i < kProcesses; ++i) OK(brood_semaphore_acquire(up, LONG_MS, NULL, NULL));
  for (int i = 0; i < kThreads; ++i) {
    void *result = NULL;
    pthread_join(threads[i], &result);
    assert_ptr_equal(result, event);
  }
  for (int i = 0; i < kProcesses; ++i) ended_well(processes[i]);
  brood_event_free(event);
  brood_semaphore_free(here);
  brood_semaphore_free(up);
}

static void handles_say_what_they_are(void **state) {
  (void)state;
  brood_event *event = make_event();
  brood_msg *msg = NULL;
  OK(brood_msg_create("", 0, BROOD_CODEC_RAW, &msg, NULL));
  OK(brood_msg_attach(msg, brood_event_handle(event), NULL));
  brood_lock *lock = NULL;
  brood_shared *shared = NULL;
  FAILS(BROOD_E_INVALID, brood_msg_take_lock(msg, 0, &lock, NULL));
  SAYS("not a lock's");
  FAILS(BROOD_E_INVALID, brood_msg_take_shared(msg, 0, &shared, NULL));
  brood_event *taken = NULL;
  OK(brood_msg_take_event(msg, 0, &taken, NULL));
  brood_event_set(event);
  assert_true(brood_event_is_set(taken));
  brood_event_free(event);
  /* The message and the first handle are gone: it lives on. */
  brood_msg_free(msg);
  assert_true(brood_event_is_set(taken));
  brood_event_free(taken);
  brood_event_set(NULL);
  brood_event_clear(NULL);
  assert_false(brood_event_is_set(NULL));
  FAILS(BROOD_E_INVALID, brood_event_wait(NULL, 0, NULL, NULL));
}

static const child_function functions[] = {{"sets", sets}, {"waits", waits}};
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_event),
    cmocka_unit_test(wakes_everybody),
    cmocka_unit_test(handles_say_what_they_are),
};
RUN_WITH(functions, tests)
