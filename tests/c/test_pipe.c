/* Pipes, within one process and between several. */
#include <pthread.h>
#include <unistd.h>

#include "queue_workers.h"

/* Sends everything back until the end. */
static void echo_pipe(brood_task *task, void *context) {
  (void)context;
  brood_pipe *pipe = NULL;
  if (brood_msg_take_pipe(brood_task_args(task), 0, &pipe, NULL) != BROOD_OK) _exit(97);
  for (;;) {
    brood_msg *msg = NULL;
    const brood_status status = brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL);
    if (status == BROOD_E_CLOSED) break;
    if (status != BROOD_OK || brood_pipe_send_msg(pipe, msg, LONG_MS, NULL, NULL) != BROOD_OK)
      _exit(96);
  }
  brood_pipe_free(pipe);
}

/* Says "here" and sleeps for ever, with the end in hand. */
static void hold_pipe(brood_task *task, void *context) {
  (void)context;
  brood_pipe *pipe = NULL;
  if (brood_msg_take_pipe(brood_task_args(task), 0, &pipe, NULL) != BROOD_OK) _exit(97);
  if (brood_pipe_send(pipe, "here", 4, 0, 0, NULL, NULL) != BROOD_OK) _exit(96);
  for (;;) pause();
}

/* The end belongs to the process afterwards, and to nobody else. */
static brood_process *give_to(const char *function, brood_pipe *end) {
  brood_msg *msg = NULL;
  OK(brood_msg_create(NULL, 0, BROOD_CODEC_RAW, &msg, NULL));
  OK(brood_msg_attach(msg, brood_pipe_handle(end), NULL));
  brood_pipe_free(end);
  brood_process *process = NULL;
  OK(brood_process_start_msg(function, msg, NULL, &process, NULL));
  return process;
}

static void send_text(brood_pipe *pipe, const char *text) {
  OK(brood_pipe_send(pipe, text, strlen(text), BROOD_CODEC_TEXT, 0, NULL, NULL));
}

static void receive_text(brood_pipe *pipe, const char *text) {
  brood_msg *msg = NULL;
  OK(brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_size(msg), strlen(text));
  assert_memory_equal(brood_msg_data(msg), text, strlen(text));
  brood_msg_free(msg);
}

static void boundaries_are_kept(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  send_text(a, "one");
  send_text(a, "");
  send_text(a, "three");
  send_text(b, "back");
  receive_text(b, "one");
  receive_text(b, "");
  receive_text(b, "three");
  receive_text(a, "back");
  brood_msg *msg = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_pipe_recv(a, 0, NULL, &msg, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_recv(a, 10, NULL, &msg, NULL));
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void one_way_is_one_way(void **state) {
  (void)state;
  brood_pipe *reader = NULL, *writer = NULL;
  OK(brood_pipe_create(false, &reader, &writer, NULL));
  send_text(writer, "forward");
  receive_text(reader, "forward");
  brood_msg *msg = NULL;
  size_t size = 0;
  FAILS(BROOD_E_INVALID, brood_pipe_send(reader, "x", 1, 0, 0, NULL, NULL));
  SAYS("only receives");
  FAILS(BROOD_E_INVALID, brood_pipe_recv(writer, 0, NULL, &msg, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_peek(writer, 0, NULL, &size, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_poll(writer, 0, NULL, NULL));
  brood_pipe_free(reader);
  FAILS(BROOD_E_CLOSED, brood_pipe_send(writer, "x", 1, 0, 0, NULL, NULL));
  brood_pipe_free(writer);
}

static void a_short_buffer_keeps_the_message(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  for (const size_t sizes[] = {10, 100000}, *whole = sizes; whole < sizes + 2; ++whole) {
    static char bytes[100000], buffer[100000];
    memset(bytes, 'p', sizeof bytes);
    OK(brood_pipe_send(a, bytes, *whole, BROOD_CODEC_TEXT, 0, NULL, NULL));
    size_t size = 0;
    uint8_t codec = 0;
    OK(brood_pipe_peek(b, 0, NULL, &size, NULL));
    assert_int_equal(size, *whole);
    size = 0;
    FAILS(BROOD_E_TOO_BIG,
          brood_pipe_recv_into(b, buffer, *whole - 1, LONG_MS, NULL, &size, &codec, NULL));
    assert_int_equal(size, *whole);
    OK(brood_pipe_recv_into(b, buffer, *whole, LONG_MS, NULL, &size, &codec, NULL));
    assert_int_equal(size, *whole);
    assert_int_equal(codec, BROOD_CODEC_TEXT);
    assert_memory_equal(buffer, bytes, *whole);
    FAILS(BROOD_E_TIMEOUT, brood_pipe_recv_into(b, buffer, 9, 0, NULL, &size, NULL, NULL));
    FAILS(BROOD_E_TIMEOUT, brood_pipe_peek(b, 0, NULL, &size, NULL));
  }
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void the_end_comes_after_what_was_sent(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_poll(a, 0, NULL, NULL));
  send_text(a, "last words");
  brood_pipe_free(a);
  OK(brood_pipe_poll(b, 0, NULL, NULL));
  receive_text(b, "last words");
  OK(brood_pipe_poll(b, 0, NULL, NULL));
  brood_msg *msg = NULL;
  size_t size = 0;
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(b, LONG_MS, NULL, &msg, NULL));
  FAILS(BROOD_E_CLOSED, brood_pipe_peek(b, LONG_MS, NULL, &size, NULL));
  FAILS(BROOD_E_CLOSED, brood_pipe_send(b, "x", 1, 0, 0, NULL, NULL));
  brood_pipe_free(b);

  OK(brood_pipe_create(true, &a, &b, NULL));
  send_text(a, "before");
  OK(brood_pipe_shutdown(a, NULL));
  receive_text(b, "before");
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(b, LONG_MS, NULL, &msg, NULL));
  FAILS(BROOD_E_CLOSED, brood_pipe_send(a, "x", 1, 0, 0, NULL, NULL));
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void another_process_answers(void **state) {
  (void)state;
  brood_pipe *mine = NULL, *theirs = NULL;
  OK(brood_pipe_create(true, &mine, &theirs, NULL));
  brood_process *process = give_to("echo_pipe", theirs);
  char *bytes = malloc(3000000);
  memset(bytes, 'e', 3000000);
  for (const size_t sizes[] = {0, 1, 5000, 3000000}, *size = sizes; size < sizes + 4; ++size) {
    OK(brood_pipe_send(mine, bytes, *size, 9, LONG_MS, NULL, NULL));
    brood_msg *msg = NULL;
    OK(brood_pipe_recv(mine, LONG_MS, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), *size);
    assert_int_equal(brood_msg_codec(msg), 9);
    assert_memory_equal(brood_msg_data(msg), bytes, *size);
    brood_msg_free(msg);
  }
  free(bytes);
  for (int i = 0; i < 2000; ++i) {
    send_text(mine, "ping");
    receive_text(mine, "ping");
  }
  brood_pipe_free(mine);
  join_and_free(process);
}

static void a_killed_process_is_the_end(void **state) {
  (void)state;
  for (int turn = 0; turn < 5; ++turn) {
    brood_pipe *mine = NULL, *theirs = NULL;
    OK(brood_pipe_create(true, &mine, &theirs, NULL));
    brood_process *process = give_to("hold_pipe", theirs);
    receive_text(mine, "here");
    brood_handle *handle = brood_pipe_handle(mine);
    size_t index = 9;
    FAILS(BROOD_E_TIMEOUT, brood_wait(&handle, 1, 0, NULL, &index, NULL));
    OK(brood_process_kill(process, NULL));
    brood_msg *msg = NULL;
    if (turn % 2 == 0) {
      FAILS(BROOD_E_CLOSED, brood_pipe_recv(mine, LONG_MS, NULL, &msg, NULL));
    } else {
      OK(brood_wait(&handle, 1, LONG_MS, NULL, &index, NULL));
    }
    FAILS(BROOD_E_CLOSED, brood_pipe_send(mine, "x", 1, 0, 0, NULL, NULL));
    join_and_free(process);
    brood_pipe_free(mine);
  }
}

typedef struct sender {
  brood_pipe *pipe;
  brood_status status;
} sender;

static void *fill(void *context) {
  sender *self = context;
  static char bytes[4000];
  do {
    self->status = brood_pipe_send(self->pipe, bytes, sizeof bytes, 0, LONG_MS, NULL, NULL);
  } while (self->status == BROOD_OK);
  return NULL;
}

static void a_full_pipe_waits_and_hears_of_the_end(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  sender self = {a, BROOD_OK};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, fill, &self), 0);
  for (int i = 0; i < 1000; ++i) {
    brood_msg *msg = NULL;
    OK(brood_pipe_recv(b, LONG_MS, NULL, &msg, NULL));
    brood_msg_free(msg);
  }
  brood_pipe_free(b);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(self.status, BROOD_E_CLOSED);
  brood_pipe_free(a);
  /* More than the pipe ever holds goes alone. */
  OK(brood_pipe_create(true, &a, &b, NULL));
  char *bytes = calloc(1, 5000000);
  OK(brood_pipe_send(a, bytes, 5000000, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_send(a, bytes, 1, 0, 0, NULL, NULL));
  free(bytes);
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void an_end_travels_through_pipes_and_queues(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL, *c = NULL, *d = NULL;
  OK(brood_pipe_create(true, &a, &b, NULL));
  OK(brood_pipe_create(false, &c, &d, NULL));
  brood_queue *queue = make_queue(0, false);
  brood_msg *msg = NULL;
  OK(brood_msg_create("ends", 4, 0, &msg, NULL));
  OK(brood_msg_attach(msg, brood_pipe_handle(d), NULL));
  OK(brood_msg_attach(msg, brood_queue_handle(queue), NULL));
  brood_pipe_free(d);
  OK(brood_pipe_send_msg(a, msg, 0, NULL, NULL));
  /* On its way it is held. */
  FAILS(BROOD_E_TIMEOUT, brood_pipe_recv(c, 0, NULL, &msg, NULL));
  OK(brood_pipe_recv(b, 0, NULL, &msg, NULL));
  OK(brood_queue_put_msg(queue, msg, 0, NULL, NULL));
  OK(brood_queue_get(queue, 0, NULL, &msg, NULL));
  FAILS(BROOD_E_INVALID, brood_msg_take_pipe(msg, 1, &d, NULL));
  assert_int_equal(brood_msg_handle_type(msg, 1), BROOD_HANDLE_QUEUE);
  assert_int_equal(brood_msg_handle_type(msg, 0), BROOD_HANDLE_PIPE);
  OK(brood_msg_take_pipe(msg, 0, &d, NULL));
  brood_msg_free(msg);
  send_text(d, "arrived");
  receive_text(c, "arrived");
  brood_pipe_free(d);
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(c, 0, NULL, &msg, NULL));
  brood_pipe_free(c);
  /* An end in a message that nobody takes is gone with the message. */
  OK(brood_pipe_create(false, &d, &c, NULL));
  OK(brood_msg_create("end", 3, 0, &msg, NULL));
  OK(brood_msg_attach(msg, brood_pipe_handle(c), NULL));
  brood_pipe_free(c);
  OK(brood_queue_put_msg(queue, msg, 0, NULL, NULL));
  brood_queue_free(queue);
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(d, 0, NULL, &msg, NULL));
  brood_pipe_free(d);
  brood_pipe_free(a);
  brood_pipe_free(b);
}

static void bad_input_is_refused(void **state) {
  (void)state;
  brood_pipe *a = NULL, *b = NULL;
  brood_msg *msg = NULL;
  size_t size = 0;
  FAILS(BROOD_E_INVALID, brood_pipe_create(true, NULL, &b, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_send(NULL, "x", 1, 0, 0, NULL, NULL));
  OK(brood_pipe_create(true, &a, &b, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_send(a, NULL, 1, 0, 0, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_recv(a, -3, NULL, &msg, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_recv(a, 0, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_recv_into(a, NULL, 5, 0, NULL, &size, NULL, NULL));
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  brood_cancel_fire(cancel);
  FAILS(BROOD_E_CANCELED, brood_pipe_recv(a, LONG_MS, cancel, &msg, NULL));
  brood_cancel_free(cancel);
  brood_pipe_free(NULL);
  assert_null(brood_pipe_handle(NULL));
  brood_pipe_free(a);
  brood_pipe_free(b);
}

int main(int argc, char **argv) {
  OK(brood_register("echo_pipe", echo_pipe, NULL, NULL));
  OK(brood_register("hold_pipe", hold_pipe, NULL, NULL));
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(boundaries_are_kept),
      cmocka_unit_test(one_way_is_one_way),
      cmocka_unit_test(a_short_buffer_keeps_the_message),
      cmocka_unit_test(the_end_comes_after_what_was_sent),
      cmocka_unit_test(another_process_answers),
      cmocka_unit_test(a_killed_process_is_the_end),
      cmocka_unit_test(a_full_pipe_waits_and_hears_of_the_end),
      cmocka_unit_test(an_end_travels_through_pipes_and_queues),
      cmocka_unit_test(bad_input_is_refused),
  };
  return RUN_TESTS("pipe", tests);
}
