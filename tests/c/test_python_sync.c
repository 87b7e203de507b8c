/* What Python's own test suite demands of Value, Array, Lock, Semaphore, Condition and Barrier,
 * where the tests of each (test_lock.c, test_condition.c and so on) have no test of that method. A
 * Lock's context manager is C++'s std::unique_lock (tests/cpp/sync_tests.cpp).
 */
#include <pthread.h>

#include "family.h"

static brood_shared *make_shared(uint32_t type, uint64_t count, bool no_lock) {
  brood_shared_options options = BROOD_SHARED_OPTIONS_INIT;
  brood_shared *shared = NULL;
  options.no_lock = no_lock;
  OK(brood_shared_create(type, count, &options, &shared, NULL));
  return shared;
}

/* ---- Value and Array ----------------------------------------------------------------------------
 */

/* handles: integers, doubles. Doubles the first, adds a half to the second. */
CHILD(changes_values) {
  (void)context;
  brood_shared *integers = NULL;
  brood_shared *doubles = NULL;
  CHECK(brood_msg_take_shared(brood_task_args(task), 0, &integers, NULL) == BROOD_OK);
  CHECK(brood_msg_take_shared(brood_task_args(task), 1, &doubles, NULL) == BROOD_OK);
  for (uint64_t i = 0; i < brood_shared_count(integers); ++i) {
    int64_t value = 0;
    CHECK(brood_shared_get_int(integers, i, &value, NULL) == BROOD_OK);
    CHECK(brood_shared_set_int(integers, i, 2 * value, NULL) == BROOD_OK);
  }
  for (uint64_t i = 0; i < brood_shared_count(doubles); ++i) {
    CHECK(brood_shared_add_float(doubles, i, 0.5, NULL, NULL) == BROOD_OK);
  }
  brood_shared_free(integers);
  brood_shared_free(doubles);
}

static void changed_by_a_child(uint64_t count, bool raw) {
  brood_shared *integers = make_shared(BROOD_TYPE_INT32, count, raw);
  brood_shared *doubles = make_shared(BROOD_TYPE_DOUBLE, count, raw);
  int32_t *here = brood_shared_data(integers);
  const double *there = brood_shared_data(doubles);
  for (uint64_t i = 0; i < count; ++i) {
    assert_int_equal(here[i], 0);
    here[i] = (int32_t)i + 21;
  }
  brood_handle *handles[] = {brood_shared_handle(integers), brood_shared_handle(doubles)};
  ended_well(start_with("changes_values", 0, handles, 2));
  for (uint64_t i = 0; i < count; ++i) {
    assert_int_equal(here[i], 2 * ((int32_t)i + 21));
    assert_true(there[i] == 0.5);
  }
  const brood_status locked = brood_shared_lock(integers, 0, 0, NULL, NULL);
  assert_int_equal(locked, raw ? BROOD_E_STATE : BROOD_OK);
  if (!raw) OK(brood_shared_unlock(integers, 0, NULL));
  brood_shared_free(integers);
  brood_shared_free(doubles);
}

static void test_value(void **state) {
  (void)state;
  changed_by_a_child(1, false);
}

static void test_rawvalue(void **state) {
  (void)state;
  changed_by_a_child(1, true);
}

static void test_array(void **state) {
  (void)state;
  changed_by_a_child(10, false);
}

static void test_rawarray(void **state) {
  (void)state;
  changed_by_a_child(10, true);
}

static void test_array_from_size(void **state) {
  (void)state;
  /* Zeros again, however often its memory was used before. */
  for (int round = 0; round < 3; ++round) {
    brood_shared *array = make_shared(BROOD_TYPE_INT32, 10, false);
    int32_t *data = brood_shared_data(array);
    assert_int_equal(brood_shared_count(array), 10);
    for (int i = 0; i < 10; ++i) assert_int_equal(data[i], 0);
    for (int i = 0; i < 10; ++i) data[i] = i;
    int32_t copy[10];
    OK(brood_shared_read(array, 0, 10, copy, sizeof copy, NULL));
    assert_memory_equal(copy, data, sizeof copy);
    brood_shared_free(array);
  }
}

/* ---- Semaphore, Condition
 * ------------------------------------------------------------------------- */

static void test_semaphore_timeout(void **state) {
  (void)state;
  brood_semaphore *semaphore = NULL;
  OK(brood_semaphore_create(0, NULL, &semaphore, NULL));
  const int64_t timeouts[] = {0, 50, 100};
  for (int i = 0; i < 3; ++i) {
    const int64_t begin = now_ms();
    FAILS(BROOD_E_TIMEOUT, brood_semaphore_acquire(semaphore, timeouts[i], NULL, NULL));
    assert_true(now_ms() - begin >= timeouts[i] - 1);
  }
  FAILS(BROOD_E_INVALID, brood_semaphore_acquire(semaphore, -5, NULL, NULL));
  brood_semaphore_free(semaphore);
}

/* handles: a condition, its lock, a number. Adds 1 and signals, so often. */
CHILD(counts_up) {
  (void)context;
  brood_condition *condition = NULL;
  brood_lock *lock = NULL;
  brood_shared *number = NULL;
  brood_msg *args = brood_task_args(task);
  CHECK(brood_msg_take_condition(args, 0, &condition, NULL) == BROOD_OK);
  CHECK(brood_msg_take_lock(args, 1, &lock, NULL) == BROOD_OK);
  CHECK(brood_msg_take_shared(args, 2, &number, NULL) == BROOD_OK);
  for (int64_t i = 0; i < number_of(task); ++i) {
    CHECK(brood_lock_acquire(lock, 0, LONG_MS, NULL, NULL) == BROOD_OK);
    CHECK(brood_shared_add_int(number, 0, 1, NULL, NULL) == BROOD_OK);
    CHECK(brood_condition_signal(condition, 1, NULL, NULL) == BROOD_OK);
    CHECK(brood_lock_release(lock, 0, NULL) == BROOD_OK);
  }
  brood_condition_free(condition);
  brood_lock_free(lock);
  brood_shared_free(number);
}

/* Waits until the number is that; false when a wait timed out first. */
static bool wait_for(brood_condition *condition, brood_lock *lock, brood_shared *number,
                     int64_t wanted, int64_t timeout_ms) {
  for (;;) {
    int64_t value = 0;
    OK(brood_shared_get_int(number, 0, &value, NULL));
    if (value == wanted) return true;
    const brood_status status = brood_condition_wait(condition, lock, 0, timeout_ms, NULL, NULL);
    if (status == BROOD_E_TIMEOUT) return false;
    OK(status);
  }
}

static void waitfor(int64_t times, int64_t wanted, bool comes) {
  brood_condition *condition = NULL;
  brood_lock *lock = NULL;
  brood_shared *number = make_shared(BROOD_TYPE_INT64, 1, false);
  OK(brood_condition_create(NULL, &condition, NULL));
  OK(brood_lock_create(NULL, &lock, NULL));
  brood_handle *handles[] = {brood_condition_handle(condition), brood_lock_handle(lock),
                             brood_shared_handle(number)};
  OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
  brood_process *process = start_with("counts_up", times, handles, 3);
  assert_int_equal(wait_for(condition, lock, number, wanted, comes ? LONG_MS : 200), comes);
  /* The lock is held again either way. */
  assert_true(brood_lock_locked(lock));
  OK(brood_lock_release(lock, 0, NULL));
  ended_well(process);
  brood_condition_free(condition);
  brood_lock_free(lock);
  brood_shared_free(number);
}

static void test_waitfor(void **state) {
  (void)state;
  waitfor(4, 4, true);
}

static void test_waitfor_timeout(void **state) {
  (void)state;
  waitfor(3, 4, false);
}

/* wait() says whether it was a signal or the time. */
static void test_wait_result(void **state) {
  (void)state;
  waitfor(1, 1, true);
  brood_condition *condition = NULL;
  brood_lock *lock = NULL;
  OK(brood_condition_create(NULL, &condition, NULL));
  OK(brood_lock_create(NULL, &lock, NULL));
  FAILS(BROOD_E_STATE, brood_condition_wait(condition, lock, 0, 0, NULL, NULL));
  OK(brood_lock_acquire(lock, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_condition_wait(condition, lock, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_condition_wait(condition, lock, 0, 50, NULL, NULL));
  OK(brood_lock_release(lock, 0, NULL));
  brood_condition_free(condition);
  brood_lock_free(lock);
}

/* ---- Barrier
 * ------------------------------------------------------------------------------------- */

/* handles: a barrier, an array of how often each index was given. The number is how many rounds. */
CHILD(passes) {
  (void)context;
  brood_barrier *barrier = NULL;
  brood_shared *indices = NULL;
  CHECK(brood_msg_take_barrier(brood_task_args(task), 0, &barrier, NULL) == BROOD_OK);
  CHECK(brood_msg_take_shared(brood_task_args(task), 1, &indices, NULL) == BROOD_OK);
  for (int64_t i = 0; i < number_of(task); ++i) {
    uint32_t index = 99;
    CHECK(brood_barrier_wait(barrier, LONG_MS, NULL, &index, NULL) == BROOD_OK);
    CHECK(brood_shared_add_int(indices, index, 1, NULL, NULL) == BROOD_OK);
  }
  brood_barrier_free(barrier);
  brood_shared_free(indices);
}

static void every_index_each_round(brood_barrier *barrier, int64_t rounds) {
  enum { kParties = 5 };
  brood_shared *indices = make_shared(BROOD_TYPE_INT64, kParties, false);
  brood_handle *handles[] = {brood_barrier_handle(barrier), brood_shared_handle(indices)};
  brood_process *processes[kParties];
  for (int i = 0; i < kParties; ++i) processes[i] = start_with("passes", rounds, handles, 2);
  for (int i = 0; i < kParties; ++i) ended_well(processes[i]);
  for (uint64_t i = 0; i < kParties; ++i) {
    int64_t times = 0;
    OK(brood_shared_get_int(indices, i, &times, NULL));
    assert_int_equal(times, rounds);
  }
  brood_shared_free(indices);
}

static brood_barrier *make_barrier(uint32_t parties) {
  brood_barrier *barrier = NULL;
  OK(brood_barrier_create(parties, &barrier, NULL));
  return barrier;
}

static void test_wait_return(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(5);
  every_index_each_round(barrier, 1);
  brood_barrier_free(barrier);
}

static void test_barrier_10(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(5);
  every_index_each_round(barrier, 10);
  brood_barrier_free(barrier);
}

typedef struct party {
  brood_barrier *barrier;
  brood_status status;
  pthread_t thread;
} party;

static void *arrive(void *context) {
  party *self = context;
  self->status = brood_barrier_wait(self->barrier, LONG_MS, NULL, NULL, NULL);
  return NULL;
}

static bool two_wait(void *context) { return brood_barrier_waiting(context) == 2; }

static void test_abort_and_reset(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(5);
  for (int round = 0; round < 3; ++round) {
    party parties[2];
    for (int i = 0; i < 2; ++i) {
      parties[i] = (party){barrier, 77, 0};
      assert_int_equal(pthread_create(&parties[i].thread, NULL, arrive, &parties[i]), 0);
    }
    assert_true(eventually(two_wait, barrier));
    brood_barrier_abort(barrier);
    for (int i = 0; i < 2; ++i) {
      pthread_join(parties[i].thread, NULL);
      assert_int_equal(parties[i].status, BROOD_E_BROKEN);
    }
    assert_true(brood_barrier_broken(barrier));
    assert_int_equal(brood_barrier_waiting(barrier), 0);
    brood_barrier_reset(barrier);
    assert_false(brood_barrier_broken(barrier));
    every_index_each_round(barrier, 1);
  }
  brood_barrier_free(barrier);
}

static const child_function functions[] = {
    {"changes_values", changes_values}, {"counts_up", counts_up}, {"passes", passes}};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_value),           cmocka_unit_test(test_rawvalue),
    cmocka_unit_test(test_array),           cmocka_unit_test(test_rawarray),
    cmocka_unit_test(test_array_from_size), cmocka_unit_test(test_semaphore_timeout),
    cmocka_unit_test(test_waitfor),         cmocka_unit_test(test_waitfor_timeout),
    cmocka_unit_test(test_wait_result),     cmocka_unit_test(test_wait_return),
    cmocka_unit_test(test_barrier_10),      cmocka_unit_test(test_abort_and_reset),
};
RUN_WITH(functions, tests)
