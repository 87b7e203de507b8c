/* Read-write locks. */
#include <pthread.h>
#include <unistd.h>

#include "family.h"

static brood_rwlock *make_rwlock(uint32_t readers) {
  brood_rwlock_options options = BROOD_RWLOCK_OPTIONS_INIT;
  options.max_readers = readers;
  brood_rwlock *lock = NULL;
  OK(brood_rwlock_create(&options, &lock, NULL));
  return lock;
}

static void many_read_or_one_writes(void **state) {
  (void)state;
  brood_rwlock *lock = make_rwlock(2);
  OK(brood_rwlock_acquire_read(lock, 0, NULL, NULL));
  OK(brood_rwlock_acquire_read(lock, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_rwlock_acquire_read(lock, 20, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_rwlock_acquire_write(lock, 20, NULL, NULL));
  FAILS(BROOD_E_STATE, brood_rwlock_release_write(lock, NULL));
  OK(brood_rwlock_release_read(lock, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_rwlock_acquire_write(lock, 0, NULL, NULL));
  /* A writer that gave up leaves the way free. */
  OK(brood_rwlock_acquire_read(lock, 0, NULL, NULL));
  OK(brood_rwlock_release_read(lock, NULL));
  OK(brood_rwlock_release_read(lock, NULL));
  FAILS(BROOD_E_STATE, brood_rwlock_release_read(lock, NULL));
  OK(brood_rwlock_acquire_write(lock, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_rwlock_acquire_write(lock, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_rwlock_acquire_read(lock, 20, NULL, NULL));
  brood_handle *handle = brood_rwlock_handle(lock);
  size_t index = 9;
  FAILS(BROOD_E_TIMEOUT, brood_wait(&handle, 1, 0, NULL, &index, NULL));
  OK(brood_rwlock_release_write(lock, NULL));
  OK(brood_wait(&handle, 1, 0, NULL, &index, NULL));
  FAILS(BROOD_E_STATE, brood_rwlock_recover(lock, NULL));
  brood_rwlock_free(lock);
}

/* The numbers are equal whenever nobody writes. */
static brood_status use(brood_rwlock *lock, brood_shared *numbers, int64_t rounds) {
  int64_t *value = brood_shared_data(numbers);
  for (int64_t i = 0; i < rounds; ++i) {
    brood_status status;
    if (i % 4 == 0) {
      status = brood_rwlock_acquire_write(lock, LONG_MS, NULL, NULL);
      if (status != BROOD_OK) return status;
      ++value[0];
      ++value[1];
      status = brood_rwlock_release_write(lock, NULL);
    } else {
      status = brood_rwlock_acquire_read(lock, LONG_MS, NULL, NULL);
      if (status != BROOD_OK) return status;
      const bool equal = value[0] == value[1];
      status = brood_rwlock_release_read(lock, NULL);
      if (!equal) return BROOD_E_INTERNAL;
    }
    if (status != BROOD_OK) return status;
  }
  return BROOD_OK;
}

CHILD(uses) {
  (void)context;
  brood_rwlock *lock = NULL;
  brood_shared *numbers = NULL;
  CHECK(brood_msg_take_rwlock(brood_task_args(task), 0, &lock, NULL) == BROOD_OK);
  CHECK(brood_msg_take_shared(brood_task_args(task), 1, &numbers, NULL) == BROOD_OK);
  CHECK(use(lock, numbers, number_of(task)) == BROOD_OK);
  brood_rwlock_free(lock);
  brood_shared_free(numbers);
}

typedef struct user {
  brood_rwlock *lock;
  brood_shared *numbers;
  brood_status status;
  pthread_t thread;
} user;

static void *use_in_thread(void *context) {
  user *self = context;
  self->status = use(self->lock, self->numbers, 4000);
  return NULL;
}

static void readers_never_see_half_a_change(void **state) {
  (void)state;
  brood_rwlock *lock = make_rwlock(0);
  brood_shared *numbers = NULL;
  OK(brood_shared_create(BROOD_TYPE_INT64, 2, NULL, &numbers, NULL));
  brood_handle *handles[] = {brood_rwlock_handle(lock), brood_shared_handle(numbers)};
  enum { kProcesses = 2, kThreads = 4 };
  brood_process *processes[kProcesses];
  user users[kThreads];
  for (int i = 0; i < kProcesses; ++i) processes[i] = start_with("uses", 4000, handles, 2);
  for (int i = 0; i < kThreads; ++i) {
    users[i] = (user){lock, numbers, 77, 0};
    assert_int_equal(pthread_create(&users[i].thread, NULL, use_in_thread, &users[i]), 0);
  }
  for (int i = 0; i < kThreads; ++i) {
    pthread_join(users[i].thread, NULL);
    assert_int_equal(users[i].status, BROOD_OK);
  }
  for (int i = 0; i < kProcesses; ++i) ended_well(processes[i]);
  assert_int_equal(*(int64_t *)brood_shared_data(numbers), (kProcesses + kThreads) * 1000);
  brood_rwlock_free(lock);
  brood_shared_free(numbers);
}

/* handles: the lock, an event; number: whether to write */
CHILD(holds_for_ever) {
  (void)context;
  brood_rwlock *lock = NULL;
  brood_event *event = NULL;
  CHECK(brood_msg_take_rwlock(brood_task_args(task), 0, &lock, NULL) == BROOD_OK);
  CHECK(brood_msg_take_event(brood_task_args(task), 1, &event, NULL) == BROOD_OK);
  if (number_of(task) != 0)
    CHECK(brood_rwlock_acquire_write(lock, LONG_MS, NULL, NULL) == BROOD_OK);
  if (number_of(task) == 0) CHECK(brood_rwlock_acquire_read(lock, LONG_MS, NULL, NULL) == BROOD_OK);
  brood_event_set(event);
  while (true) pause();
}

static void promise_7_a_dead_reader_leaves_nothing_a_dead_writer_does(void **state) {
  (void)state;
  for (int write = 0; write < 2; ++write) {
    brood_rwlock *lock = make_rwlock(0);
    brood_event *event = NULL;
    OK(brood_event_create(&event, NULL));
    brood_handle *handles[] = {brood_rwlock_handle(lock), brood_event_handle(event)};
    brood_process *process = start_with("holds_for_ever", write, handles, 2);
    OK(brood_event_wait(event, LONG_MS, NULL, NULL));
    FAILS(BROOD_E_TIMEOUT, brood_rwlock_acquire_write(lock, 0, NULL, NULL));
    kill_child(process);
    if (write) {
      FAILS(BROOD_E_OWNER_DIED, brood_rwlock_acquire_read(lock, LONG_MS, NULL, NULL));
      FAILS(BROOD_E_OWNER_DIED, brood_rwlock_acquire_write(lock, LONG_MS, NULL, NULL));
      OK(brood_rwlock_recover(lock, NULL));
    } else {
      OK(brood_rwlock_acquire_write(lock, LONG_MS, NULL, NULL));
    }
    OK(brood_rwlock_release_write(lock, NULL));
    OK(brood_rwlock_acquire_read(lock, 0, NULL, NULL));
    OK(brood_rwlock_release_read(lock, NULL));
    brood_rwlock_free(lock);
    brood_event_free(event);
  }
}

static const child_function functions[] = {{"uses", uses}, {"holds_for_ever", holds_for_ever}};
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(many_read_or_one_writes),
    cmocka_unit_test(readers_never_see_half_a_change),
    cmocka_unit_test(promise_7_a_dead_reader_leaves_nothing_a_dead_writer_does),
};
RUN_WITH(functions, tests)
