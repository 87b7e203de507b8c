/* Tests of programs that are not of one family: the test's program runs itself again as another
 * one. */
#ifndef TESTS_C_FOREIGN_H
#define TESTS_C_FOREIGN_H

#include <sys/types.h>

#include "functions.h"

/* What the other program does; its name is made of `name`, and of who started it:
 *   echo    publishes, sends everything back to one visitor, and ends with it
 *   words   visits, sends two messages, and ends
 *   hold    publishes, says "here" to whoever comes, for ever
 *   fork    the same, with a forked child that lives until its standard input ends
 *   visit   visits, says "here", and waits for ever
 * As another user, for which it must be started by root:
 *   other-refused    visits root's publication, which must not let it in
 *   other-admitted   the same the other way round, and says "here"
 *   squat            takes the first places of root's name, says so on its output, and waits
 *   squat-all        the same with every place
 */
int play(int argc, char **argv);

typedef struct program {
  pid_t pid;
  int input; /* of the program, and of what it forked: closed, it ends */
  int output;
} program;

program run(const char *role, const char *name);
/* Waits for its end; -N when signal N killed it. */
int exit_code_of(program *other);
/* After that; what it forked ends too. */
void put_away(program *other);

/* A name of this run of the test. */
const char *name_of(char room[64], const char *name);
brood_publication *publish(const char *name);
brood_pipe *visit(const char *name);

/* Both ends of a pipe between programs, in one. */
typedef struct meeting {
  brood_pipe *host, *visitor;
} meeting;
meeting meet(const char *name);
meeting meet_with(const char *full_name, const brood_publish_options *publish,
                  const brood_lookup_options *lookup);
void part(meeting *both);

void send_text(brood_pipe *pipe, const char *text);
void receive_text(brood_pipe *pipe, const char *text);

#endif
