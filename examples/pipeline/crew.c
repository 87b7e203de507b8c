#include "crew.h"

#include <signal.h>
#include <time.h>

static void start(crew *crew, member *member) {
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  brood_msg *args = NULL;
  options.name = member->stage;
  options.daemon = true; /* ended with the host, if that gives up */
  must(brood_msg_create(crew->plan, sizeof *crew->plan, BROOD_CODEC_RAW, &args, NULL));
  for (size_t i = 0; i < kHandles; ++i) must(brood_msg_attach(args, crew->handles[i], NULL));
  must(brood_process_start_msg(member->stage, args, &options, &member->process, NULL));
}

void crew_start(crew *crew) {
  static const char *const stages[kCrew] = {"read", "split", "split", "count", "count", "merge"};
  for (size_t i = 0; i < kCrew; ++i) {
    crew->members[i].stage = stages[i];
    start(crew, &crew->members[i]);
  }
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Killed, it is started again and goes on where it was; what it had taken comes again. */
static void process_ended(crew *crew, member *member) {
  int32_t signal_number = 0;
  int32_t code = 0;
  must(brood_process_exit_signal(member->process, &signal_number, NULL));
  must(brood_process_exit_code(member->process, &code, NULL));
  brood_process_free(member->process);
  member->process = NULL;
  if (signal_number == SIGKILL) {
    ++crew->kills;
    start(crew, member);
  } else if (code != 0) {
    fprintf(stderr, "pipeline: stage %s has given up\n", member->stage);
    exit(1);
  }
}

/* Those that still run, and their handles. */
static size_t list(crew *crew, member **members, brood_handle **handles) {
  size_t count = 0;
  for (size_t i = 0; i < kCrew; ++i) {
    if (crew->members[i].process == NULL) continue;
    members[count] = &crew->members[i];
    handles[count++] = brood_process_handle(crew->members[i].process);
  }
  return count;
}

void crew_watch(crew *crew) {
  member *running[kCrew];
  brood_handle *handles[kCrew];
  int64_t next_kill = now_ms(); /* the first one at once: short runs shall have one, too */
  for (size_t count; (count = list(crew, running, handles)) > 0;) {
    const int64_t left = next_kill - now_ms();
    const int64_t patience = crew->chaos_ms == 0 ? BROOD_FOREVER : left > 0 ? left : 0;
    size_t index = 0;
    const brood_status status = brood_wait(handles, count, patience, NULL, &index, NULL);
    if (status == BROOD_E_TIMEOUT) {
      must(brood_process_kill(running[(size_t)random() % count]->process, NULL));
      next_kill = now_ms() + crew->chaos_ms;
    } else {
      must(status);
      process_ended(crew, running[index]);
    }
  }
}
