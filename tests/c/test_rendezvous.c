/* Pipes between unrelated programs: this program runs itself again as the other ones. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "foreign.h"

/* ---- within one process -----------------------------------------------------------------------*/

static void messages_keep_their_boundaries(void **state) {
  (void)state;
  meeting both = meet("boundaries");
  send_text(both.visitor, "one");
  send_text(both.visitor, "");
  send_text(both.host, "back");
  OK(brood_pipe_poll(both.host, LONG_MS, NULL, NULL));
  size_t size = 0;
  uint8_t codec = 0;
  char buffer[10];
  OK(brood_pipe_peek(both.host, LONG_MS, NULL, &size, NULL));
  assert_int_equal(size, 3);
  size = 0;
  FAILS(BROOD_E_TOO_BIG, brood_pipe_recv_into(both.host, buffer, 2, 0, NULL, &size, NULL, NULL));
  assert_int_equal(size, 3);
  OK(brood_pipe_recv_into(both.host, buffer, 3, 0, NULL, &size, &codec, NULL));
  assert_int_equal(codec, BROOD_CODEC_TEXT);
  assert_memory_equal(buffer, "one", 3);
  receive_text(both.host, "");
  receive_text(both.visitor, "back");
  brood_msg *msg = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_pipe_recv(both.host, 0, NULL, &msg, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_recv(both.host, 10, NULL, &msg, NULL));
  int64_t pid = 0;
  uint32_t user = 77;
  OK(brood_pipe_peer(both.visitor, &pid, &user, NULL));
  assert_int_equal(pid, getpid());
  assert_int_equal(user, geteuid());
  OK(brood_pipe_peer(both.host, NULL, NULL, NULL));
  part(&both);
}

static void the_end_comes_after_what_was_sent(void **state) {
  (void)state;
  meeting both = meet("end");
  brood_msg *msg = NULL;
  send_text(both.host, "unread");
  send_text(both.visitor, "last words");
  brood_pipe_free(both.visitor); /* with something unread in it */
  both.visitor = NULL;
  receive_text(both.host, "last words");
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(both.host, LONG_MS, NULL, &msg, NULL));
  FAILS(BROOD_E_CLOSED, brood_pipe_send(both.host, "x", 1, 0, LONG_MS, NULL, NULL));
  int32_t fd = -1;
  FAILS(BROOD_E_CLOSED, brood_pipe_recv_fd(both.host, LONG_MS, NULL, &fd, NULL));
  OK(brood_pipe_poll(both.host, LONG_MS, NULL, NULL));
  part(&both);

  both = meet("shutdown");
  send_text(both.host, "before");
  OK(brood_pipe_shutdown(both.visitor, NULL));
  receive_text(both.visitor, "before");
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(both.visitor, LONG_MS, NULL, &msg, NULL));
  FAILS(BROOD_E_CLOSED, brood_pipe_send(both.host, "x", 1, 0, 0, NULL, NULL));
  part(&both);
}

static void *receive_large(void *context) {
  brood_msg *msg = NULL;
  if (brood_pipe_recv(context, LONG_MS, NULL, &msg, NULL) != BROOD_OK) return NULL;
  return msg;
}

static void a_large_message_needs_a_receiver(void **state) {
  (void)state;
  meeting both = meet("large");
  enum { LARGE = 3000001 };
  char *bytes = malloc(LARGE);
  for (size_t i = 0; i < LARGE; ++i) bytes[i] = (char)(i * 7 / 3);
  /* What was begun in vain is forgotten, and does not come before what follows. */
  FAILS(BROOD_E_TIMEOUT, brood_pipe_send(both.visitor, bytes, LARGE, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_pipe_send(both.visitor, bytes, LARGE, 0, 5, NULL, NULL));
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, receive_large, both.host), 0);
  OK(brood_pipe_send(both.visitor, bytes, LARGE, 9, LONG_MS, NULL, NULL));
  void *received = NULL;
  assert_int_equal(pthread_join(thread, &received), 0);
  assert_non_null(received);
  assert_int_equal(brood_msg_size(received), LARGE);
  assert_int_equal(brood_msg_codec(received), 9);
  assert_memory_equal(brood_msg_data(received), bytes, LARGE);
  brood_msg_free(received);
  free(bytes);
  part(&both);
}

static void what_is_too_big_is_refused_at_once(void **state) {
  (void)state;
  char name[64];
  brood_publish_options publish = BROOD_PUBLISH_OPTIONS_INIT;
  brood_lookup_options lookup = BROOD_LOOKUP_OPTIONS_INIT;
  publish.max_message_bytes = 10;
  lookup.max_message_bytes = 20;
  meeting both = meet_with(name_of(name, "big"), &publish, &lookup);
  char bytes[21] = {0};
  OK(brood_pipe_send(both.visitor, bytes, 10, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TOO_BIG, brood_pipe_send(both.visitor, bytes, 11, 0, 0, NULL, NULL));
  SAYS("takes at most 10");
  OK(brood_pipe_send(both.host, bytes, 20, 0, 0, NULL, NULL));
  FAILS(BROOD_E_TOO_BIG, brood_pipe_send(both.host, bytes, 21, 0, 0, NULL, NULL));
  part(&both);
}

static void handles_do_not_leave_the_family(void **state) {
  (void)state;
  meeting both = meet("handles");
  brood_msg *msg = NULL;
  brood_cancel *cancel = NULL;
  OK(brood_cancel_create(&cancel, NULL));
  OK(brood_msg_create("x", 1, 0, &msg, NULL));
  OK(brood_msg_attach(msg, brood_cancel_handle(cancel), NULL));
  FAILS(BROOD_E_UNSUPPORTED, brood_pipe_send_msg(both.host, msg, 0, NULL, NULL));
  SAYS("another family");
  FAILS(BROOD_E_UNSUPPORTED, brood_msg_attach(msg, brood_pipe_handle(both.host), NULL));
  brood_msg_free(msg);
  OK(brood_msg_create("plain", 5, BROOD_CODEC_TEXT, &msg, NULL));
  OK(brood_pipe_send_msg(both.host, msg, 0, NULL, NULL));
  receive_text(both.visitor, "plain");
  /* A fired token ends every wait, and nothing is lost by it. */
  brood_cancel_fire(cancel);
  brood_publication *publication = publish("handles too");
  brood_pipe *pipe = NULL;
  FAILS(BROOD_E_CANCELED, brood_pipe_recv(both.host, LONG_MS, cancel, &msg, NULL));
  FAILS(BROOD_E_CANCELED, brood_publication_accept(publication, LONG_MS, cancel, &pipe, NULL));
  char name[64];
  FAILS(BROOD_E_CANCELED,
        brood_lookup(name_of(name, "nobody"), NULL, LONG_MS, cancel, &pipe, NULL));
  brood_publication_free(publication);
  brood_cancel_free(cancel);
  part(&both);
}

static void whoever_waits_hears_of_it(void **state) {
  (void)state;
  brood_publication *publication = publish("waits");
  brood_handle *handles[2] = {brood_publication_handle(publication), NULL};
  size_t index = 9;
  FAILS(BROOD_E_TIMEOUT, brood_wait(handles, 1, 0, NULL, &index, NULL));
  brood_pipe *visitor = visit("waits"), *host = NULL;
  OK(brood_wait(handles, 1, LONG_MS, NULL, &index, NULL));
  OK(brood_publication_accept(publication, LONG_MS, NULL, &host, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_publication_accept(publication, 0, NULL, &host, NULL));
  handles[1] = brood_pipe_handle(host);
  FAILS(BROOD_E_TIMEOUT, brood_wait(handles, 2, 10, NULL, &index, NULL));
  int32_t fd = -1;
  OK(brood_handle_fd(handles[1], &fd, NULL));
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  assert_int_equal(poll(&poll_fd, 1, 0), 0);
  brood_completions *completions = NULL;
  uint64_t tag = 0;
  OK(brood_completions_create(&completions, NULL));
  OK(brood_completions_add(completions, handles[1], 5, NULL));
  FAILS(BROOD_E_TIMEOUT, brood_completions_next(completions, 0, NULL, &tag, NULL));
  send_text(visitor, "rings");
  OK(brood_wait(handles, 2, LONG_MS, NULL, &index, NULL));
  assert_int_equal(index, 1);
  OK(brood_completions_next(completions, LONG_MS, NULL, &tag, NULL));
  assert_int_equal(tag, 5);
  assert_int_equal(poll(&poll_fd, 1, LONG_MS), 1);
  receive_text(host, "rings");
  OK(brood_handle_fd(handles[1], &fd, NULL));
  assert_int_equal(poll(&poll_fd, 1, 0), 0);
  brood_pipe_free(visitor);
  assert_int_equal(poll(&poll_fd, 1, LONG_MS), 1);
  brood_completions_free(completions);
  brood_pipe_free(host);
  brood_publication_free(publication);
}

static void fds_travel_too(void **state) {
  (void)state;
  meeting both = meet("fds");
  int ends[2];
  int32_t fd = -1;
  assert_int_equal(pipe(ends), 0);
  FAILS(BROOD_E_TIMEOUT, brood_pipe_recv_fd(both.host, 0, NULL, &fd, NULL));
  OK(brood_pipe_send_fd(both.visitor, ends[1], LONG_MS, NULL, NULL));
  close(ends[1]);
  send_text(both.visitor, "beside the messages");
  OK(brood_pipe_recv_fd(both.host, LONG_MS, NULL, &fd, NULL));
  assert_true(fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  receive_text(both.host, "beside the messages");
  assert_int_equal(write(fd, "w", 1), 1);
  close(fd);
  char bytes[2];
  assert_int_equal(read(ends[0], bytes, 2), 1);
  assert_int_equal(read(ends[0], bytes, 1), 0);
  close(ends[0]);
  FAILS(BROOD_E_INVALID, brood_pipe_send_fd(both.visitor, -1, 0, NULL, NULL));
  /* Those on their way go with the pipe; a pipe can be full of them. */
  brood_status status;
  int sent = 0;
  while ((status = brood_pipe_send_fd(both.visitor, 0, 0, NULL, NULL)) == BROOD_OK && sent < 10000)
    ++sent;
  assert_true(status == BROOD_E_TIMEOUT || status == BROOD_E_OS);
  part(&both);
}

static void who_may_come_in(void **state) {
  (void)state;
  char name[64];
  brood_publish_options publish = BROOD_PUBLISH_OPTIONS_INIT;
  brood_lookup_options lookup = BROOD_LOOKUP_OPTIONS_INIT;
  publish.token = "open sesame";
  publish.token_size = 11;
  brood_publication *publication = NULL;
  OK(brood_publish(name_of(name, "token"), &publish, &publication, NULL));
  brood_pipe *pipe = NULL;
  brood_error *error = NULL;
  FAILS(BROOD_E_OS, brood_lookup(name, NULL, LONG_MS, NULL, &pipe, &error));
  assert_int_equal(brood_error_os_code(error), EACCES);
  brood_error_free(error);
  SAYS("does not know this token");
  lookup.token = "open sesamf";
  lookup.token_size = 11;
  FAILS(BROOD_E_OS, brood_lookup(name, &lookup, LONG_MS, NULL, &pipe, NULL));
  lookup.token = "open sesame";
  lookup.token_size = 10;
  FAILS(BROOD_E_OS, brood_lookup(name, &lookup, LONG_MS, NULL, &pipe, NULL));
  assert_null(pipe);
  lookup.token_size = 11;
  OK(brood_lookup(name, &lookup, LONG_MS, NULL, &pipe, NULL));
  brood_pipe_free(pipe);
  brood_publication_free(publication);
}

static void a_name_is_free_when_its_publication_is(void **state) {
  (void)state;
  brood_publication *publication = publish("once"), *second = NULL;
  char name[64];
  FAILS(BROOD_E_STATE, brood_publish(name_of(name, "once"), NULL, &second, NULL));
  SAYS("is published already, by this process");
  /* Who was not accepted is turned out. */
  brood_pipe *visitor = visit("once");
  for (int turn = 0; turn < 10; ++turn) {
    brood_publication_free(publication);
    brood_msg *msg = NULL;
    if (turn == 0) FAILS(BROOD_E_CLOSED, brood_pipe_recv(visitor, LONG_MS, NULL, &msg, NULL));
    FAILS(BROOD_E_TIMEOUT, brood_lookup(name, NULL, 0, NULL, &visitor, NULL));
    publication = publish("once");
  }
  brood_pipe_free(visitor);
  brood_publication_free(publication);
}

static void *publish_and_accept(void *context) {
  (void)context;
  brood_publication *publication = publish("later");
  brood_pipe *pipe = NULL;
  if (brood_publication_accept(publication, LONG_MS, NULL, &pipe, NULL) == BROOD_OK)
    send_text(pipe, "welcome");
  brood_publication_free(publication);
  return pipe;
}

static void a_visitor_may_come_first(void **state) {
  (void)state;
  brood_pipe *pipe = NULL;
  char name[64];
  FAILS(BROOD_E_TIMEOUT, brood_lookup(name_of(name, "later"), NULL, 0, NULL, &pipe, NULL));
  SAYS("publishes");
  FAILS(BROOD_E_TIMEOUT, brood_lookup(name, NULL, 30, NULL, &pipe, NULL));
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, publish_and_accept, NULL), 0);
  pipe = visit("later");
  receive_text(pipe, "welcome");
  void *host = NULL;
  assert_int_equal(pthread_join(thread, &host), 0);
  brood_pipe_free(host);
  brood_pipe_free(pipe);
}

static void bad_input_is_refused(void **state) {
  (void)state;
  brood_publication *publication = NULL;
  brood_pipe *pipe = NULL, *end = NULL;
  char name[100];
  memset(name, 'n', sizeof name);
  name[81] = 0;
  FAILS(BROOD_E_INVALID, brood_publish(name, NULL, &publication, NULL));
  FAILS(BROOD_E_INVALID, brood_lookup(name, NULL, 0, NULL, &pipe, NULL));
  name[80] = 0;
  OK(brood_publish(name, NULL, &publication, NULL));
  FAILS(BROOD_E_INVALID, brood_publish(NULL, NULL, &publication, NULL));
  FAILS(BROOD_E_INVALID, brood_publish("", NULL, &publication, NULL));
  FAILS(BROOD_E_INVALID, brood_publish("x", NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_lookup("x", NULL, 0, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_lookup("x", NULL, -2, NULL, &pipe, NULL));
  FAILS(BROOD_E_INVALID, brood_publication_accept(NULL, 0, NULL, &pipe, NULL));
  FAILS(BROOD_E_INVALID, brood_publication_accept(publication, 0, NULL, NULL, NULL));
  brood_publish_options options = BROOD_PUBLISH_OPTIONS_INIT;
  options.token_size = 1;
  FAILS(BROOD_E_INVALID, brood_publish("x", &options, &publication, NULL));
  options.token = name;
  options.token_size = 257;
  FAILS(BROOD_E_INVALID, brood_publish("x", &options, &publication, NULL));
  options.token_size = 0;
  options.max_message_bytes = ((uint64_t)1 << 30) + 1;
  FAILS(BROOD_E_INVALID, brood_publish("x", &options, &publication, NULL));
  brood_publication_free(publication);
  brood_publication_free(NULL);
  assert_null(brood_publication_handle(NULL));
  OK(brood_pipe_create(true, &pipe, &end, NULL));
  FAILS(BROOD_E_STATE, brood_pipe_peer(pipe, NULL, NULL, NULL));
  FAILS(BROOD_E_INVALID, brood_pipe_peer(NULL, NULL, NULL, NULL));
  brood_pipe_free(pipe);
  brood_pipe_free(end);
}

/* ---- between programs -------------------------------------------------------------------------*/

static void an_unrelated_program_answers(void **state) {
  (void)state;
  program other = run("echo", "echo");
  brood_pipe *pipe = visit("echo");
  int64_t pid = 0;
  OK(brood_pipe_peer(pipe, &pid, NULL, NULL));
  assert_int_equal(pid, other.pid);
  for (const size_t sizes[] = {0, 1, 65536, 65537, 2000000}, *size = sizes; size < sizes + 5;
       ++size) {
    char *bytes = malloc(*size + 1);
    memset(bytes, 'e', *size);
    OK(brood_pipe_send(pipe, bytes, *size, 9, LONG_MS, NULL, NULL));
    brood_msg *msg = NULL;
    OK(brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL));
    assert_int_equal(brood_msg_size(msg), *size);
    assert_memory_equal(brood_msg_data(msg), bytes, *size);
    brood_msg_free(msg);
    free(bytes);
  }
  brood_pipe_free(pipe);
  /* It ends after its visitor. */
  assert_int_equal(exit_code_of(&other), 0);
  put_away(&other);
}

/* What a program sent before it ended is there. */
static void last_words_of_a_program(void **state) {
  (void)state;
  brood_publication *publication = publish("words");
  program other = run("words", "words");
  assert_int_equal(exit_code_of(&other), 0);
  put_away(&other);
  brood_pipe *pipe = NULL;
  OK(brood_publication_accept(publication, LONG_MS, NULL, &pipe, NULL));
  receive_text(pipe, "first");
  receive_text(pipe, "last");
  brood_msg *msg = NULL;
  FAILS(BROOD_E_CLOSED, brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL));
  brood_pipe_free(pipe);
  brood_publication_free(publication);
}

static void a_killed_publisher_frees_its_name(void **state) {
  (void)state;
  for (int turn = 0; turn < 5; ++turn) {
    program other = run("hold", "hold");
    brood_pipe *pipe = visit("hold");
    receive_text(pipe, "here");
    char name[64];
    brood_publication *publication = NULL;
    FAILS(BROOD_E_STATE, brood_publish(name_of(name, "hold"), NULL, &publication, NULL));
    char says[64];
    snprintf(says, sizeof says, "by process %d", (int)other.pid);
    SAYS(says);
    kill(other.pid, SIGKILL);
    assert_int_equal(exit_code_of(&other), -SIGKILL);
    put_away(&other);
    brood_msg *msg = NULL;
    FAILS(BROOD_E_CLOSED, brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL));
    brood_pipe_free(pipe);
    publication = publish("hold");
    brood_publication_free(publication);
  }
}

/* A child that the dead publisher forked still has its socket: nobody is there all the same. */
static void a_dead_publishers_child_is_no_publisher(void **state) {
  (void)state;
  program other = run("fork", "fork");
  brood_pipe *pipe = visit("fork");
  receive_text(pipe, "here");
  brood_pipe_free(pipe);
  kill(other.pid, SIGKILL);
  assert_int_equal(exit_code_of(&other), -SIGKILL);
  char name[64];
  FAILS(BROOD_E_TIMEOUT, brood_lookup(name_of(name, "fork"), NULL, 0, NULL, &pipe, NULL));
  brood_publication *publication = publish("fork");
  pipe = visit("fork");
  int64_t pid = 0;
  OK(brood_pipe_peer(pipe, &pid, NULL, NULL));
  assert_int_equal(pid, getpid());
  brood_pipe_free(pipe);
  brood_publication_free(publication);
  put_away(&other);
}

static void a_killed_visitor_is_the_end(void **state) {
  (void)state;
  brood_publication *publication = publish("victim");
  for (int turn = 0; turn < 5; ++turn) {
    program other = run("visit", "victim");
    brood_pipe *pipe = NULL;
    OK(brood_publication_accept(publication, LONG_MS, NULL, &pipe, NULL));
    receive_text(pipe, "here");
    kill(other.pid, SIGKILL);
    brood_msg *msg = NULL;
    FAILS(BROOD_E_CLOSED, brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL));
    assert_int_equal(exit_code_of(&other), -SIGKILL);
    put_away(&other);
    brood_pipe_free(pipe);
  }
  brood_publication_free(publication);
}

/* ---- two users --------------------------------------------------------------------------------*/

static void need_two_users(void) {
  if (geteuid() == 0) return;
  print_message("only root can be two users: not run\n");
  skip();
}

static void another_user_must_be_invited(void **state) {
  (void)state;
  need_two_users();
  brood_publication *publication = publish("users");
  program other = run("other-refused", "users");
  assert_int_equal(exit_code_of(&other), 0);
  put_away(&other);
  brood_pipe *pipe = NULL;
  FAILS(BROOD_E_TIMEOUT, brood_publication_accept(publication, 0, NULL, &pipe, NULL));
  brood_publication_free(publication);

  char name[64];
  brood_publish_options options = BROOD_PUBLISH_OPTIONS_INIT;
  options.any_user = true;
  OK(brood_publish(name_of(name, "users"), &options, &publication, NULL));
  other = run("other-admitted", "users");
  OK(brood_publication_accept(publication, LONG_MS, NULL, &pipe, NULL));
  receive_text(pipe, "here");
  int64_t pid = 0;
  uint32_t user = 0;
  OK(brood_pipe_peer(pipe, &pid, &user, NULL));
  assert_int_equal(user, 65534);
  assert_int_equal(pid, other.pid);
  assert_int_equal(exit_code_of(&other), 0);
  put_away(&other);
  brood_pipe_free(pipe);
  brood_publication_free(publication);
}

static void await_squatter(program *other) {
  char byte = 0;
  assert_int_equal(read(other->output, &byte, 1), 1);
}

static void nobody_is_taken_for_another_user(void **state) {
  (void)state;
  need_two_users();
  char name[64];
  brood_pipe *pipe = NULL;
  brood_publication *publication = NULL;
  program other = run("squat", "squatted");
  await_squatter(&other);
  FAILS(BROOD_E_TIMEOUT, brood_lookup(name_of(name, "squatted"), NULL, 0, NULL, &pipe, NULL));
  /* There are other places. */
  publication = publish("squatted");
  pipe = visit("squatted");
  int64_t pid = 0;
  OK(brood_pipe_peer(pipe, &pid, NULL, NULL));
  assert_int_equal(pid, getpid());
  brood_pipe_free(pipe);
  put_away(&other);
  assert_int_equal(exit_code_of(&other), 0);
  /* And one that is free again is no second chance. */
  brood_publication *second = NULL;
  FAILS(BROOD_E_STATE, brood_publish(name, NULL, &second, NULL));
  SAYS("by this process");
  brood_publication_free(publication);

  other = run("squat-all", "full");
  await_squatter(&other);
  FAILS(BROOD_E_STATE, brood_publish(name_of(name, "full"), NULL, &publication, NULL));
  SAYS("other users");
  put_away(&other);
  assert_int_equal(exit_code_of(&other), 0);
  publication = publish("full");
  brood_publication_free(publication);
}

int main(int argc, char **argv) {
  if (argc == 3) return play(argc, argv);
  test_begin(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_keep_their_boundaries),
      cmocka_unit_test(the_end_comes_after_what_was_sent),
      cmocka_unit_test(a_large_message_needs_a_receiver),
      cmocka_unit_test(what_is_too_big_is_refused_at_once),
      cmocka_unit_test(handles_do_not_leave_the_family),
      cmocka_unit_test(whoever_waits_hears_of_it),
      cmocka_unit_test(fds_travel_too),
      cmocka_unit_test(who_may_come_in),
      cmocka_unit_test(a_name_is_free_when_its_publication_is),
      cmocka_unit_test(a_visitor_may_come_first),
      cmocka_unit_test(bad_input_is_refused),
      cmocka_unit_test(an_unrelated_program_answers),
      cmocka_unit_test(last_words_of_a_program),
      cmocka_unit_test(a_killed_publisher_frees_its_name),
      cmocka_unit_test(a_dead_publishers_child_is_no_publisher),
      cmocka_unit_test(a_killed_visitor_is_the_end),
      cmocka_unit_test(another_user_must_be_invited),
      cmocka_unit_test(nobody_is_taken_for_another_user),
  };
  return RUN_TESTS("rendezvous", tests);
}
