#include "foreign.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the other program ------------------------------------------------------------------------*/

/* Ends this program with the line where it went wrong. */
#define MUST(condition)                                          \
  do {                                                           \
    if (!(condition)) {                                          \
      fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, \
              brood_error_message(brood_last_error()));          \
      _exit(90);                                                 \
    }                                                            \
  } while (0)
#define MUST_OK(call) MUST((call) == BROOD_OK)

static brood_publication *must_publish(const char *name) {
  brood_publication *publication = NULL;
  MUST_OK(brood_publish(name, NULL, &publication, NULL));
  return publication;
}

static brood_pipe *must_visit(const char *name) {
  brood_pipe *pipe = NULL;
  MUST_OK(brood_lookup(name, NULL, LONG_MS, NULL, &pipe, NULL));
  return pipe;
}

static int play_echo(const char *name) {
  brood_publication *publication = must_publish(name);
  brood_pipe *pipe = NULL;
  MUST_OK(brood_publication_accept(publication, LONG_MS, NULL, &pipe, NULL));
  for (;;) {
    brood_msg *msg = NULL;
    const brood_status status = brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL);
    if (status == BROOD_E_CLOSED) break;
    MUST(status == BROOD_OK);
    MUST_OK(brood_pipe_send_msg(pipe, msg, LONG_MS, NULL, NULL));
  }
  brood_pipe_free(pipe);
  brood_publication_free(publication);
  return 0;
}

/* It ends with the pipe in its hands. */
static int play_words(const char *name) {
  static brood_pipe *pipe; /* what can be reached is no leak */
  pipe = must_visit(name);
  MUST_OK(brood_pipe_send(pipe, "first", 5, BROOD_CODEC_TEXT, LONG_MS, NULL, NULL));
  MUST_OK(brood_pipe_send(pipe, "last", 4, BROOD_CODEC_TEXT, LONG_MS, NULL, NULL));
  return 0;
}

static int play_hold(const char *name, bool with_child) {
  brood_publication *publication = must_publish(name);
  if (with_child && fork() == 0) {
    char byte;
    prctl(PR_SET_PDEATHSIG, 0);
    while (read(0, &byte, 1) > 0) continue;
    _exit(0);
  }
  for (;;) {
    brood_pipe *pipe = NULL;
    MUST_OK(brood_publication_accept(publication, BROOD_FOREVER, NULL, &pipe, NULL));
    MUST_OK(brood_pipe_send(pipe, "here", 4, BROOD_CODEC_TEXT, 0, NULL, NULL));
  }
}

static int play_visit(const char *name) {
  brood_pipe *pipe = must_visit(name);
  MUST_OK(brood_pipe_send(pipe, "here", 4, BROOD_CODEC_TEXT, 0, NULL, NULL));
  for (;;) pause();
}

/* ---- the same as another user -----------------------------------------------------------------*/

static void become_nobody(void) {
  MUST(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
}

static int play_other(const char *name, bool refused) {
  brood_lookup_options options = BROOD_LOOKUP_OPTIONS_INIT;
  brood_pipe *pipe = NULL;
  brood_error *error = NULL;
  /* Its own user's name is another one. */
  MUST(brood_lookup(name, NULL, 0, NULL, &pipe, NULL) == BROOD_E_TIMEOUT);
  options.other_user = true; /* root */
  const brood_status status = brood_lookup(name, &options, LONG_MS, NULL, &pipe, &error);
  if (refused) {
    MUST(status == BROOD_E_OS && brood_error_os_code(error) == EACCES);
    brood_error_free(error);
    return 0;
  }
  uint32_t user = 1;
  MUST(status == BROOD_OK);
  MUST_OK(brood_pipe_peer(pipe, NULL, &user, NULL));
  MUST(user == 0);
  MUST_OK(brood_pipe_send(pipe, "here", 4, BROOD_CODEC_TEXT, 0, NULL, NULL));
  brood_pipe_free(pipe);
  return 0;
}

static int play_squat(const char *name, int places) {
  for (int place = 0; place < places; ++place) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int size =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "brood/0/%d/%s", place, name);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size);
    MUST(bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 10) == 0);
  }
  char byte;
  MUST(write(1, "r", 1) == 1);
  while (read(0, &byte, 1) > 0) continue;
  return 0;
}

int play(int argc, char **argv) {
  const char *role = argv[1], *name = argv[2];
  if (strncmp(role, "other", 5) == 0 || strncmp(role, "squat", 5) == 0) become_nobody();
  MUST_OK(brood_init(argc, argv, NULL, NULL));
  int code = 91;
  if (strcmp(role, "echo") == 0) code = play_echo(name);
  if (strcmp(role, "words") == 0) code = play_words(name);
  if (strcmp(role, "hold") == 0) code = play_hold(name, false);
  if (strcmp(role, "fork") == 0) code = play_hold(name, true);
  if (strcmp(role, "visit") == 0) code = play_visit(name);
  if (strcmp(role, "other-refused") == 0) code = play_other(name, true);
  if (strcmp(role, "other-admitted") == 0) code = play_other(name, false);
  if (strcmp(role, "squat") == 0) code = play_squat(name, 2);
  if (strcmp(role, "squat-all") == 0) code = play_squat(name, 4);
  brood_shutdown();
  return code;
}

program run(const char *role, const char *name) {
  char full_name[64];
  name_of(full_name, name);
  int input[2], output[2];
  assert_int_equal(pipe(input), 0);
  assert_int_equal(pipe(output), 0);
  program other = {.pid = fork(), .input = input[1], .output = output[0]};
  assert_true(other.pid >= 0);
  if (other.pid == 0) {
    /* Not to outlive a test that fails; what it forks itself is the end of its input. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(input[0], 0);
    dup2(output[1], 1);
    close(input[0]);
    close(input[1]);
    close(output[0]);
    close(output[1]);
    execl("/proc/self/exe", "other", role, full_name, (char *)NULL);
    _exit(92);
  }
  close(input[0]);
  close(output[1]);
  return other;
}

int exit_code_of(program *other) {
  int status = 0;
  assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
  other->pid = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void put_away(program *other) {
  close(other->input);
  close(other->output);
}

/* ---- this one ---------------------------------------------------------------------------------*/

const char *name_of(char room[64], const char *name) {
  static int owner;
  if (owner == 0) owner = (int)getpid();
  snprintf(room, 64, "test-%d-%s", owner, name);
  return room;
}

brood_publication *publish(const char *name) {
  char room[64];
  brood_publication *publication = NULL;
  OK(brood_publish(name_of(room, name), NULL, &publication, NULL));
  return publication;
}

brood_pipe *visit(const char *name) {
  char room[64];
  brood_pipe *pipe = NULL;
  OK(brood_lookup(name_of(room, name), NULL, LONG_MS, NULL, &pipe, NULL));
  return pipe;
}

meeting meet_with(const char *full_name, const brood_publish_options *publish_options,
                  const brood_lookup_options *lookup_options) {
  meeting both = {NULL, NULL};
  brood_publication *publication = NULL;
  OK(brood_publish(full_name, publish_options, &publication, NULL));
  OK(brood_lookup(full_name, lookup_options, LONG_MS, NULL, &both.visitor, NULL));
  OK(brood_publication_accept(publication, LONG_MS, NULL, &both.host, NULL));
  brood_publication_free(publication);
  return both;
}

meeting meet(const char *name) {
  char room[64];
  return meet_with(name_of(room, name), NULL, NULL);
}

void part(meeting *both) {
  brood_pipe_free(both->host);
  brood_pipe_free(both->visitor);
}

void send_text(brood_pipe *pipe, const char *text) {
  OK(brood_pipe_send(pipe, text, strlen(text), BROOD_CODEC_TEXT, 0, NULL, NULL));
}

void receive_text(brood_pipe *pipe, const char *text) {
  brood_msg *msg = NULL;
  OK(brood_pipe_recv(pipe, LONG_MS, NULL, &msg, NULL));
  assert_int_equal(brood_msg_size(msg), strlen(text));
  assert_memory_equal(brood_msg_data(msg), text, strlen(text));
  brood_msg_free(msg);
}
