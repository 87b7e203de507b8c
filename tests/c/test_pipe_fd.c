/* File descriptors through pipes: between threads, between processes, and through deaths. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "family.h"

/* A file that holds a number; its fd is passed. */
static int number_file(int64_t number) {
  char path[] = "/tmp/brood-test-XXXXXX";
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  unlink(path);
  assert_int_equal(write(fd, &number, sizeof number), sizeof number);
  return fd;
}

/* The number, and the fd is closed. -1: it is no such file, or not as promised. */
static int64_t number_in(int fd) {
  int64_t number = -1;
  const bool right = fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
  if (pread(fd, &number, sizeof number, 0) != sizeof number) number = -1;
  close(fd);
  return right ? number : -1;
}

static brood_status give_number(brood_pipe *pipe, int64_t number, int64_t timeout_ms) {
  const int fd = number_file(number);
  const brood_status status = brood_pipe_send_fd(pipe, fd, timeout_ms, NULL, NULL);
  assert_int_equal(close(fd), 0); /* still ours, whatever came of it */
  return status;
}

static int64_t take_number(brood_pipe *pipe) {
  int32_t fd = -1;
  OK(brood_pipe_recv_fd(pipe, LONG_MS, NULL, &fd, NULL));
  return number_in(fd);
}

/* ---- children ---------------------------------------------------------------------------------*/

/* Sends as many files as the argument says, numbered from 0. */
CHILD(send_numbers) {
  (void)context;
  brood_pipe *pipe = NULL;
  CHECK(brood_msg_take_pipe(brood_task_args(task), 0, &pipe, NULL) == BROOD_OK);
  for (int64_t number = 0; number < number_of(task); ++number) {
    CHECK(give_number(pipe, number, LONG_MS) == BROOD_OK);
  }
  brood_pipe_free(pipe);
}

/* Receives until the end, and sends each number back as a message. */
CHILD(tell_numbers) {
  (void)context;
  brood_pipe *pipe = NULL;
  CHECK(brood_msg_take_pipe(brood_task_args(task), 0, &pipe, NULL) == BROOD_OK);
  for (;;) {
    int32_t fd = -1;
    const brood_status status = brood_pipe_recv_fd(pipe, LONG_MS, NULL, &fd, NULL);
    if (status == BROOD_E_CLOSED) break;
    CHECK(status == BROOD_OK);
    const int64_t number = number_in(fd);
    CHECK(brood_pipe_send(pipe, &number, sizeof number, 0, LONG_MS, NULL, NULL) == BROOD_OK);
  }
  brood_pipe_free(pipe);
}

/* Takes what comes through the first pipe, and passes it on through the second one. */
CHILD(pass_on) {
  (void)context;
  brood_pipe *from = NULL, *to = NULL;
  CHECK(brood_msg_take_pipe(brood_task_args(task), 0, &from, NULL) == BROOD_OK);
  CHECK(brood_msg_take_pipe(brood_task_args(task), 1, &to, NULL) == BROOD_OK);
  int32_t fd = -1;
  while (brood_pipe_recv_fd(from, LONG_MS, NULL, &fd, NULL) == BROOD_OK) {
    CHECK(brood_pipe_send_fd(to, fd, LONG_MS, NULL, NULL) == BROOD_OK);
    close(fd);
  }
  brood_pipe_free(from);
  brood_pipe_free(to);
}

static brood_process *child_with(const char *function, int64_t number, brood_pipe *first,
                                 brood_pipe *second) {
  brood_handle *handles[] = {brood_pipe_handle(first), brood_pipe_handle(second)};
  brood_process *process = start_with(function, number, handles, second != NULL ? 2 : 1);
  brood_pipe_free(first);
  brood_pipe_free(second);
  return process;
}

/* ---- within a process -------------------------------------------------------------------------*/

typedef struct giver {
  brood_pipe *pipe;
  int64_t first, count, timeout_ms;
  brood_cancel *cancel;
  int64_t given;
  brood_status status;
} giver;

/* Until all were taken, or a failure that is no timeout. */
static void *give_all(void *context) {
  giver *self = context;
  self->given = 0;
  while (self->given < self->count) {
    const int fd = number_file(self->first + self->given);
    self->status = brood_pipe_send_fd(self->pipe, fd, self->timeout_ms, self->cancel, NULL);
    close(fd);
    if (self->status == BROOD_OK) ++self->given;
    if (self->status != BROOD_OK && self->status != BROOD_E_TIMEOUT) break;
  }
  return NULL;
}

static void between_threads_in_order(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  giver self = {.pipe = a, .first = 100, .count = 50, .timeout_ms = LONG_MS};
  pthread_t thread;
  OK(brood_pipe_send(a, "files follow", 12, 0, 0, NULL, NULL));
  assert_int_equal(pthread_create(&thread, NULL, give_all, &self), 0);
  for (int64_t number = 100; number < 150; ++number) assert_int_equal(take_number(b), number);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(self.status, BROOD_OK);
  /* The messages have their own order. */
  size_t size = 0;
  OK(brood_pipe_peek(b, 0, NULL, &size, NULL));
  assert_int_equal(size, 12);
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void time_runs_out_on_both_sides(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  int32_t fd = -7;
  for (int64_t timeout_ms = 0; timeout_ms <= 10; timeout_ms += 10) {
    assert_int_equal(give_number(a, 1, timeout_ms), BROOD_E_TIMEOUT);
    FAILS(BROOD_E_TIMEOUT, brood_pipe_recv_fd(b, timeout_ms, NULL, &fd, NULL));
  }
  assert_int_equal(fd, -7);
  /* Nothing of it stays: the next one that arrives is the next one that is sent. */
  giver self = {.pipe = a, .first = 5, .count = 1, .timeout_ms = LONG_MS};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, give_all, &self), 0);
  assert_int_equal(take_number(b), 5);
  assert_int_equal(pthread_join(thread, NULL), 0);
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void who_may_not_wait_gets_what_is_offered(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  giver self = {.pipe = a, .first = 9, .count = 1, .timeout_ms = LONG_MS};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, give_all, &self), 0);
  int32_t fd = -1;
  const int64_t end = now_ms() + LONG_MS;
  while (brood_pipe_recv_fd(b, 0, NULL, &fd, NULL) == BROOD_E_TIMEOUT && now_ms() < end)
    sched_yield();
  assert_int_equal(number_in(fd), 9);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(self.status, BROOD_OK);
  brood_pipe_free(a);
  brood_pipe_free(b);
}

typedef struct taker {
  brood_pipe *pipe;
  int64_t timeout_ms;
  brood_cancel *cancel;
  int64_t taken, sum;
  brood_status status;
} taker;

static void *take_all(void *context) {
  taker *self = context;
  for (;;) {
    int32_t fd = -1;
    self->status = brood_pipe_recv_fd(self->pipe, self->timeout_ms, self->cancel, &fd, NULL);
    if (self->status == BROOD_E_TIMEOUT) continue;
    if (self->status != BROOD_OK) return NULL;
    ++self->taken;
    self->sum += number_in(fd);
  }
}

static void who_may_not_wait_gives_to_who_waits(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  taker self = {.pipe = b, .timeout_ms = LONG_MS};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, take_all, &self), 0);
  const int64_t end = now_ms() + LONG_MS;
  for (int64_t number = 1; number <= 3; ++number) {
    brood_status status;
    while ((status = give_number(a, number, 0)) == BROOD_E_TIMEOUT && now_ms() < end) sched_yield();
    assert_int_equal(status, BROOD_OK);
  }
  brood_pipe_free(a); /* the end for who waits */
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(self.status, BROOD_E_CLOSED);
  assert_int_equal(self.taken, 3);
  assert_int_equal(self.sum, 6);
  brood_pipe_free(b);
}

/* However the calls of both sides give up in the middle of each other, both agree on what passed.
 */
static void none_is_lost_and_none_comes_twice(void **state) {
  (void)state;
  enum { SIDES = 3, EACH = 40 };
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(false, &b, &a, NULL));
  giver givers[SIDES] = {{0}};
  taker takers[SIDES] = {{0}};
  pthread_t giving[SIDES], taking[SIDES];
  for (int i = 0; i < SIDES; ++i) {
    givers[i] = (giver){.pipe = a, .first = 1000 * i, .count = EACH, .timeout_ms = i};
    takers[i] = (taker){.pipe = b, .timeout_ms = i == 0 ? LONG_MS : i};
    assert_int_equal(pthread_create(&taking[i], NULL, take_all, &takers[i]), 0);
    assert_int_equal(pthread_create(&giving[i], NULL, give_all, &givers[i]), 0);
  }
  int64_t sum = 0, taken = 0;
  for (int i = 0; i < SIDES; ++i) {
    assert_int_equal(pthread_join(giving[i], NULL), 0);
    assert_int_equal(givers[i].status, BROOD_OK);
    sum -= (int64_t)1000 * i * EACH + EACH * (EACH - 1) / 2;
  }
  OK(brood_pipe_shutdown(a, NULL));
  for (int i = 0; i < SIDES; ++i) {
    assert_int_equal(pthread_join(taking[i], NULL), 0);
    assert_int_equal(takers[i].status, BROOD_E_CLOSED);
    taken += takers[i].taken;
    sum += takers[i].sum;
  }
  assert_int_equal(taken, SIDES * EACH);
  assert_int_equal(sum, 0);
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void a_token_ends_both_waits(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  brood_cancel *cancel = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  OK(brood_cancel_create(&cancel, NULL));
  giver giving = {.pipe = a, .count = 1, .timeout_ms = LONG_MS, .cancel = cancel};
  taker taking = {.pipe = a, .timeout_ms = LONG_MS, .cancel = cancel};
  pthread_t threads[2];
  assert_int_equal(pthread_create(&threads[0], NULL, give_all, &giving), 0);
  assert_int_equal(pthread_create(&threads[1], NULL, take_all, &taking), 0);
  brood_cancel_fire(cancel);
  for (int i = 0; i < 2; ++i) assert_int_equal(pthread_join(threads[i], NULL), 0);
  assert_int_equal(giving.status, BROOD_E_CANCELED);
  assert_int_equal(taking.status, BROOD_E_CANCELED);
  brood_cancel_free(cancel);
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void bad_input_is_refused(void **state) {
  (void)state;
  brood_pipe *reader = NULL, *writer = NULL;
  int32_t fd = -1;
  OK(brood_pipe_create(false, &reader, &writer, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_send_fd(reader, 0, 0, NULL, NULL));
  SAYS("only receives");
  FAILS(BROOD_E_INVALID, brood_pipe_recv_fd(writer, 0, NULL, &fd, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_send_fd(writer, -1, 0, NULL, NULL));
  SAYS("fd -1 is not open");
  FAILS(BROOD_E_INVALID, brood_pipe_send_fd(writer, 1 << 20, LONG_MS, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_send_fd(writer, 0, -2, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_send_fd(NULL, 0, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_recv_fd(NULL, 0, NULL, &fd, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_recv_fd(reader, 0, NULL, NULL, NULL));
  brood_pipe_free(reader);
  assert_int_equal(give_number(writer, 1, 0), BROOD_E_CLOSED);
  assert_int_equal(give_number(writer, 1, LONG_MS), BROOD_E_CLOSED);
  brood_pipe_free(writer);
}

/* It stays with who offers it until there is room. */
static void no_room_for_one_more(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  brood_process *process = child_with("send_numbers", 1, a, NULL);
  int32_t fd = -1;
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  /* The connection is the last fd that there is room for. */
  const int probe = dup(0);
  none.rlim_cur = (rlim_t)probe + 1;
  close(probe);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  const brood_status status = brood_pipe_recv_fd(b, LONG_MS, NULL, &fd, NULL);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_int_equal(status, BROOD_E_OS);
  assert_int_equal(take_number(b), 0);
  ended_well(process);
  brood_pipe_free(b);
}

/* ---- between processes ------------------------------------------------------------------------*/

static void to_a_child_and_back(void **state) {
  (void)state;
  brood_pipe *mine = NULL, *theirs = NULL;
  OK(brood_pipe_create(true, &mine, &theirs, NULL));
  brood_process *process = child_with("tell_numbers", 0, theirs, NULL);
  for (int64_t number = 0; number < 20; ++number) {
    int64_t told = -1;
    size_t size = 0;
    assert_int_equal(give_number(mine, number, LONG_MS), BROOD_OK);
    OK(brood_pipe_recv_into(mine, &told, sizeof told, LONG_MS, NULL, &size, NULL, NULL));
    assert_int_equal(told, number);
  }
  brood_pipe_free(mine);
  ended_well(process);
}

static void from_child_to_child(void **state) {
  (void)state;
  brood_pipe *ends[4];
  for (int i = 0; i < 4; i += 2) OK(brood_pipe_create(true, &ends[i], &ends[i + 1], NULL));
  brood_process *first = child_with("send_numbers", 10, ends[0], NULL);
  brood_process *second = child_with("pass_on", 0, ends[1], ends[2]);
  for (int64_t number = 0; number < 10; ++number) assert_int_equal(take_number(ends[3]), number);
  ended_well(first);
  ended_well(second);
  brood_pipe_free(ends[3]);
}

/* The child is killed somewhere between what it does for one fd and for the next. */
static void killed_givers_leave_the_taker_going(void **state) {
  (void)state;
  brood_pipe *mine = NULL, *theirs = NULL;
  OK(brood_pipe_create(true, &mine, &theirs, NULL));
  for (int turn = 0; turn < 15; ++turn) {
    brood_handle *handle = brood_pipe_handle(theirs);
    brood_process *process = start_with("send_numbers", 1000, &handle, 1);
    for (int64_t number = 0; number < turn; ++number) assert_int_equal(take_number(mine), number);
    OK(brood_process_signal(process, SIGKILL, NULL));
    /* At most one more that it had given before it died, and nothing torn. */
    int32_t fd = -1;
    brood_status status;
    int64_t number = turn;
    while ((status = brood_pipe_recv_fd(mine, 0, NULL, &fd, NULL)) == BROOD_OK)
      assert_int_equal(number_in(fd), number++);
    assert_int_equal(status, BROOD_E_TIMEOUT);
    OK(brood_process_join(process, LONG_MS, NULL, NULL));
    brood_process_free(process);
  }
  /* The same pipe goes on, and ends when the last giver's end does. */
  brood_process *last = child_with("send_numbers", 3, theirs, NULL);
  for (int64_t number = 0; number < 3; ++number) assert_int_equal(take_number(mine), number);
  int32_t fd = -1;
  FAILS(BROOD_E_CLOSED, brood_pipe_recv_fd(mine, LONG_MS, NULL, &fd, NULL));
  ended_well(last);
  brood_pipe_free(mine);
}

static void killed_takers_leave_the_giver_going(void **state) {
  (void)state;
  brood_pipe *mine = NULL, *theirs = NULL;
  OK(brood_pipe_create(true, &mine, &theirs, NULL));
  for (int turn = 0; turn < 15; ++turn) {
    brood_handle *handle = brood_pipe_handle(theirs);
    brood_process *process = start_with("tell_numbers", 0, &handle, 1);
    for (int64_t number = 0; number < turn; ++number)
      assert_int_equal(give_number(mine, number, LONG_MS), BROOD_OK);
    OK(brood_process_signal(process, SIGKILL, NULL));
    /* Taken by the one that dies, or by nobody. */
    const brood_status status = give_number(mine, turn, 5);
    assert_true(status == BROOD_OK || status == BROOD_E_TIMEOUT);
    OK(brood_process_join(process, LONG_MS, NULL, NULL));
    brood_process_free(process);
  }
  brood_pipe_free(theirs);
  assert_int_equal(give_number(mine, 0, LONG_MS), BROOD_E_CLOSED);
  brood_pipe_free(mine);
}

/* Killed with the only end in its hands: the one who waits hears of it. */
static void a_kill_is_the_end(void **state) {
  (void)state;
  brood_pipe *mine = NULL, *theirs = NULL;
  OK(brood_pipe_create(true, &mine, &theirs, NULL));
  brood_process *process = child_with("tell_numbers", 0, theirs, NULL);
  assert_int_equal(give_number(mine, 1, LONG_MS), BROOD_OK);
  taker taking = {.pipe = mine, .timeout_ms = LONG_MS};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, take_all, &taking), 0);
  kill_child(process);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(taking.status, BROOD_E_CLOSED);
  assert_int_equal(give_number(mine, 2, LONG_MS), BROOD_E_CLOSED);
  brood_pipe_free(mine);
}

int main(int argc, char **argv) {
  const child_function functions[] = {
      {"send_numbers", send_numbers}, {"tell_numbers", tell_numbers}, {"pass_on", pass_on}};
  family_begin(argc, argv, functions, sizeof functions / sizeof *functions);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(between_threads_in_order),
      cmocka_unit_test(time_runs_out_on_both_sides),
      cmocka_unit_test(who_may_not_wait_gets_what_is_offered),
      cmocka_unit_test(who_may_not_wait_gives_to_who_waits),
      cmocka_unit_test(none_is_lost_and_none_comes_twice),
      cmocka_unit_test(a_token_ends_both_waits),
      cmocka_unit_test(bad_input_is_refused),
      cmocka_unit_test(no_room_for_one_more),
      cmocka_unit_test(to_a_child_and_back),
      cmocka_unit_test(from_child_to_child),
      cmocka_unit_test(killed_givers_leave_the_taker_going),
      cmocka_unit_test(killed_takers_leave_the_giver_going),
      cmocka_unit_test(a_kill_is_the_end),
  };
  return RUN_TESTS("pipe_fd", tests);
}
