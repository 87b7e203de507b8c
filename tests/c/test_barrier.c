/* Barriers: what Python's test suite says of Barrier, and promise 7: a dead party breaks it. */
#include <pthread.h>
#include <unistd.h>

#include "family.h"

enum { kParties = 5 };

static brood_barrier *make_barrier(uint32_t parties) {
  brood_barrier *barrier = NULL;
  OK(brood_barrier_create(parties, &barrier, NULL));
  return barrier;
}

/* handles: the barrier, an array: [0] how often index 0 came, [1] sum of the indices, [2] actions
 */
static brood_status pass(brood_barrier *barrier, brood_shared *counts, int64_t rounds) {
  for (int64_t round = 0; round < rounds; ++round) {
    uint32_t index = 99;
    brood_status status = brood_barrier_arrive(barrier, LONG_MS, NULL, &index, NULL);
    if (status != BROOD_OK) return status;
    if (index == brood_barrier_parties(barrier) - 1) {
      status = brood_shared_add_int(counts, 2, 1, NULL, NULL);
      if (status == BROOD_OK) status = brood_barrier_open(barrier, NULL);
    }
    int64_t actions = 0;
    if (status == BROOD_OK) status = brood_shared_get_int(counts, 2, &actions, NULL);
    /* Everybody sees the action of this round done, and that of the next not yet. */
    if (status == BROOD_OK && actions != round + 1) return BROOD_E_INTERNAL;
    if (status == BROOD_OK) status = brood_shared_add_int(counts, 0, index == 0, NULL, NULL);
    if (status == BROOD_OK) status = brood_shared_add_int(counts, 1, index, NULL, NULL);
    /* Nobody may begin the next round before all have looked. */
    if (status == BROOD_OK) status = brood_barrier_wait(barrier, LONG_MS, NULL, NULL, NULL);
    if (status != BROOD_OK) return status;
  }
  return BROOD_OK;
}

static brood_barrier *volatile kept; /* where a leak checker finds it */

CHILD(passes) {
  (void)context;
  brood_barrier *barrier = NULL;
  brood_shared *counts = NULL;
  CHECK(brood_msg_take_barrier(brood_task_args(task), 0, &barrier, NULL) == BROOD_OK);
  CHECK(brood_msg_take_shared(brood_task_args(task), 1, &counts, NULL) == BROOD_OK);
  CHECK(pass(barrier, counts, number_of(task)) == BROOD_OK);
  /* Not given back: a process that ends in good order breaks nothing. */
  kept = barrier;
  brood_shared_free(counts);
}

typedef struct party {
  brood_barrier *barrier;
  brood_shared *counts;
  int64_t rounds;
  brood_status status;
  pthread_t thread;
} party;

static void *pass_in_thread(void *context) {
  party *self = context;
  self->status = pass(self->barrier, self->counts, self->rounds);
  return NULL;
}

static void pass_rounds(int64_t rounds) {
  brood_barrier *barrier = make_barrier(kParties);
  brood_shared *counts = NULL;
  OK(brood_shared_create(BROOD_TYPE_INT64, 3, NULL, &counts, NULL));
  brood_handle *handles[] = {brood_barrier_handle(barrier), brood_shared_handle(counts)};
  enum { kProcesses = 2 };
  brood_process *processes[kProcesses];
  party parties[kParties - kProcesses];
  for (int i = 0; i < kProcesses; ++i) processes[i] = start_with("passes", rounds, handles, 2);
  for (int i = 0; i < kParties - kProcesses; ++i) {
    parties[i] = (party){barrier, counts, rounds, 77, 0};
    assert_int_equal(pthread_create(&parties[i].thread, NULL, pass_in_thread, &parties[i]), 0);
  }
  for (int i = 0; i < kParties - kProcesses; ++i) {
    pthread_join(parties[i].thread, NULL);
    assert_int_equal(parties[i].status, BROOD_OK);
  }
  for (int i = 0; i < kProcesses; ++i) ended_well(processes[i]);
  const int64_t *count = brood_shared_data(counts);
  assert_int_equal(count[0], rounds);
  assert_int_equal(count[1], rounds * (kParties * (kParties - 1) / 2));
  assert_int_equal(count[2], rounds);
  assert_false(brood_barrier_broken(barrier));
  assert_int_equal(brood_barrier_waiting(barrier), 0);
  brood_barrier_free(barrier);
  brood_shared_free(counts);
}

static void test_barrier_and_action(void **state) {
  (void)state;
  pass_rounds(1);
}

static void test_thousand(void **state) {
  (void)state;
  pass_rounds(1000);
}

static void test_single_thread(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(1);
  uint32_t index = 9;
  for (int i = 0; i < 3; ++i) OK(brood_barrier_wait(barrier, 0, NULL, &index, NULL));
  assert_int_equal(index, 0);
  FAILS(BROOD_E_STATE, brood_barrier_open(barrier, NULL));
  brood_handle *handle = brood_barrier_handle(barrier);
  size_t first = 9;
  FAILS(BROOD_E_UNSUPPORTED, brood_wait(&handle, 1, 0, NULL, &first, NULL));
  brood_barrier_free(barrier);
  FAILS(BROOD_E_INVALID, brood_barrier_create(0, &barrier, NULL));
  FAILS(BROOD_E_INVALID, brood_barrier_create(32768, &barrier, NULL));
}

/* handles: the barrier; the number is what its wait must end with */
CHILD(waits) {
  (void)context;
  brood_barrier *barrier = NULL;
  CHECK(brood_msg_take_barrier(brood_task_args(task), 0, &barrier, NULL) == BROOD_OK);
  CHECK(brood_barrier_wait(barrier, LONG_MS, NULL, NULL, NULL) == number_of(task));
  brood_barrier_free(barrier);
}

typedef struct count_check {
  brood_barrier *barrier;
  uint32_t waiting;
} count_check;

static bool so_many_wait(void *context) {
  count_check *check = context;
  return brood_barrier_waiting(check->barrier) == check->waiting;
}

static void wait_until_waiting(brood_barrier *barrier, uint32_t count) {
  count_check check = {barrier, count};
  assert_true(eventually(so_many_wait, &check));
}

static brood_process *start_waiter(brood_barrier *barrier, brood_status expected) {
  brood_handle *handle = brood_barrier_handle(barrier);
  return start_with("waits", expected, &handle, 1);
}

static void test_abort(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(3);
  brood_process *process = start_waiter(barrier, BROOD_E_BROKEN);
  wait_until_waiting(barrier, 1);
  brood_barrier_abort(barrier);
  ended_well(process);
  assert_true(brood_barrier_broken(barrier));
  FAILS(BROOD_E_BROKEN, brood_barrier_wait(barrier, LONG_MS, NULL, NULL, NULL));
  SAYS("broken");
  brood_barrier_free(barrier);
}

static void test_reset(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(2);
  brood_process *process = start_waiter(barrier, BROOD_E_BROKEN);
  wait_until_waiting(barrier, 1);
  brood_barrier_reset(barrier);
  ended_well(process);
  assert_false(brood_barrier_broken(barrier));
  /* And it works again, also after an abort. */
  for (int i = 0; i < 2; ++i) {
    process = start_waiter(barrier, BROOD_OK);
    OK(brood_barrier_wait(barrier, LONG_MS, NULL, NULL, NULL));
    ended_well(process);
    brood_barrier_abort(barrier);
    brood_barrier_reset(barrier);
  }
  brood_barrier_free(barrier);
}

static void test_timeout(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(3);
  brood_process *process = start_waiter(barrier, BROOD_E_BROKEN);
  wait_until_waiting(barrier, 1);
  FAILS(BROOD_E_TIMEOUT, brood_barrier_wait(barrier, 20, NULL, NULL, NULL));
  ended_well(process);
  assert_true(brood_barrier_broken(barrier));
  brood_barrier_reset(barrier);
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_cancel_fire(cancel);
  FAILS(BROOD_E_CANCELED, brood_barrier_wait(barrier, LONG_MS, cancel, NULL, NULL));
  brood_cancel_free(cancel);
  brood_barrier_free(barrier);
}

static void promise_7_death_of_a_waiting_party(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(3);
  brood_process *dead = start_waiter(barrier, BROOD_OK);
  wait_until_waiting(barrier, 1);
  brood_process *living = start_waiter(barrier, BROOD_E_BROKEN);
  wait_until_waiting(barrier, 2);
  kill_child(dead);
  ended_well(living);
  FAILS(BROOD_E_BROKEN, brood_barrier_wait(barrier, LONG_MS, NULL, NULL, NULL));
  brood_barrier_free(barrier);
}

/* handles: the barrier, an event */
CHILD(never_arrives) {
  (void)context;
  brood_barrier *barrier = NULL;
  brood_event *event = NULL;
  CHECK(brood_msg_take_barrier(brood_task_args(task), 0, &barrier, NULL) == BROOD_OK);
  CHECK(brood_msg_take_event(brood_task_args(task), 1, &event, NULL) == BROOD_OK);
  brood_event_set(event);
  while (true) pause();
}

static void promise_7_death_of_a_party_that_never_arrived(void **state) {
  (void)state;
  brood_barrier *barrier = make_barrier(2);
  brood_event *event = NULL;
  OK(brood_event_create(&event, NULL));
  brood_handle *handles[] = {brood_barrier_handle(barrier), brood_event_handle(event)};
  brood_process *living = start_waiter(barrier, BROOD_E_BROKEN);
  wait_until_waiting(barrier, 1);
  brood_process *dead = start_with("never_arrives", 0, handles, 2);
  OK(brood_event_wait(event, LONG_MS, NULL, NULL));
  kill_child(dead);
  ended_well(living);
  brood_barrier_free(barrier);
  brood_event_free(event);
}

static const child_function functions[] = {
    {"passes", passes}, {"waits", waits}, {"never_arrives", never_arrives}};
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_barrier_and_action),
    cmocka_unit_test(test_thousand),
    cmocka_unit_test(test_single_thread),
    cmocka_unit_test(test_abort),
    cmocka_unit_test(test_reset),
    cmocka_unit_test(test_timeout),
    cmocka_unit_test(promise_7_death_of_a_waiting_party),
    cmocka_unit_test(promise_7_death_of_a_party_that_never_arrived),
};
RUN_WITH(functions, tests)
