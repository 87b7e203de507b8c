/*
 * How often does each thing happen in a log of dpkg? A reader, two stages of parsing and one that
 * adds up, each in processes of its own, with joinable queues between them; the answer is compared
 * with awk's. With --chaos a process is killed every second, whichever it is: the answer is the
 * same.
 */
#include <getopt.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "crew.h"

enum { kQueueItems = 64, kDefaultChaosMs = 1000 };

static const char usage[] =
    "usage: pipeline [OPTION...] [LOG]\n"
    "Counts what happens in a log of dpkg (default: /var/log/dpkg.log).\n"
    "  --megabytes N   read the log again and again until it were so many (default 100)\n"
    "  --chaos[=MS]    kill a random process every MS milliseconds (default 1000)\n"
    "  --cut N         kill each process in one of N hand-overs, between its put and its ack\n"
    "  --quiet         only the last line\n";

typedef struct options {
  const char *path;
  uint64_t megabytes;
  int64_t chaos_ms;
  uint64_t cut;
  bool quiet;
} options;

static void refuse(const char *path, const char *why) {
  fprintf(stderr, "pipeline: %s: %s\n", path, why);
  exit(1);
}

static uint64_t number_in(const char *text) {
  char *end = NULL;
  const unsigned long long number = strtoull(text, &end, 10);
  if (end == text || *end != '\0' || number > 1000000) refuse(text, "is no number up to a million");
  return number;
}

static options parse(int argc, char **argv) {
  static const struct option known[] = {{"megabytes", required_argument, NULL, 'm'},
                                        {"chaos", optional_argument, NULL, 'c'},
                                        {"cut", required_argument, NULL, 'u'},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  options options = {"/var/log/dpkg.log", 100, 0, 0, false};
  for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
    if (option == 'm') {
      options.megabytes = number_in(optarg);
    } else if (option == 'c') {
      options.chaos_ms = optarg == NULL ? kDefaultChaosMs : (int64_t)number_in(optarg);
    } else if (option == 'u') {
      options.cut = number_in(optarg);
    } else if (option == 'q') {
      options.quiet = true;
    } else {
      fputs(usage, option == 'h' ? stdout : stderr);
      exit(option == 'h' ? 0 : 2);
    }
  }
  if (optind < argc) options.path = argv[optind++];
  if (optind < argc) refuse(argv[optind], "one log is enough");
  return options;
}

static plan make_plan(const options *options) {
  struct stat status;
  plan plan = {0, 1, 0, options->cut, ""};
  if (stat(options->path, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
    refuse(options->path, "there is no such log, or nothing in it: name another one");
  }
  if (strlen(options->path) >= sizeof plan.path) refuse(options->path, "has too long a name");
  strcpy(plan.path, options->path);
  plan.file_bytes = (uint64_t)status.st_size;
  plan.copies = (options->megabytes * 1000000 + plan.file_bytes - 1) / plan.file_bytes;
  if (plan.copies == 0) plan.copies = 1;
  plan.chunks = (plan.file_bytes + kChunkBytes - 1) / kChunkBytes * plan.copies;
  return plan;
}

/* ---- the pipeline ------------------------------------------------------------------------------
 */

static brood_queue *make_queue(void) {
  brood_queue_options options = BROOD_QUEUE_OPTIONS_INIT;
  brood_queue *queue = NULL;
  options.capacity_items = kQueueItems;
  options.joinable = true;
  must(brood_queue_create(&options, &queue, NULL));
  return queue;
}

static brood_shared *make_totals(const plan *plan) {
  brood_shared_options options = BROOD_SHARED_OPTIONS_INIT;
  brood_shared *both = NULL;
  options.element_size = (uint32_t)totals_size(plan->chunks);
  options.no_lock = true;
  must(brood_shared_create(BROOD_TYPE_STRUCT, 2, &options, &both, NULL));
  return both;
}

static void *watch(void *context) {
  crew_watch(context);
  return NULL;
}

/* Runs the pipeline and copies its totals out. */
static totals *run(const plan *plan, int64_t chaos_ms, uint64_t *out_kills) {
  brood_queue *queues[3] = {make_queue(), make_queue(), make_queue()};
  brood_shared *both = make_totals(plan);
  brood_shared *cells = NULL;
  brood_event *all_read = NULL;
  pthread_t watcher;
  int64_t version = 0;
  must(brood_shared_create(BROOD_TYPE_INT64, kCellCount, NULL, &cells, NULL));
  must(brood_event_create(&all_read, NULL));
  brood_handle *const handles[kHandles] = {
      brood_queue_handle(queues[0]), brood_queue_handle(queues[1]), brood_queue_handle(queues[2]),
      brood_shared_handle(cells),    brood_shared_handle(both),     brood_event_handle(all_read)};
  crew crew = {plan, handles, chaos_ms, {{NULL, NULL}}, 0};
  crew_start(&crew);
  if (pthread_create(&watcher, NULL, watch, &crew) != 0) refuse("a thread", "cannot be made");

  /* A chunk is acknowledged when its result was put: a queue that is joined has handed on all. */
  must(brood_event_wait(all_read, BROOD_FOREVER, NULL, NULL));
  for (int i = 0; i < 3; ++i) must(brood_queue_join(queues[i], BROOD_FOREVER, NULL, NULL));
  for (int i = 0; i < 3; ++i) must(brood_queue_shutdown(queues[i], NULL));
  pthread_join(watcher, NULL);

  must(brood_shared_get_int(cells, kVersion, &version, NULL));
  totals *sum = malloc(totals_size(plan->chunks));
  if (sum == NULL) refuse("the totals", "need more memory than there is");
  memcpy(sum, totals_copy(both, version), totals_size(plan->chunks));
  *out_kills = crew.kills;
  brood_event_free(all_read);
  brood_shared_free(cells);
  brood_shared_free(both);
  for (int i = 0; i < 3; ++i) brood_queue_free(queues[i]);
  return sum;
}

/* ---- the check ---------------------------------------------------------------------------------
 */

/* awk reads every byte of every copy, and prints a count and a key on each line. */
static const char awk_program[] =
    "BEGIN {"
    "  for (i = 0; i < ARGV[2]; i++) {"
    "    while ((getline < ARGV[1]) > 0) n[$3 == \"status\" ? $3 \" \" $4 : $3]++;"
    "    close(ARGV[1])"
    "  }"
    "  for (key in n) printf \"%d\\t%s\\n\", n[key], key"
    "}";

static size_t ask_awk(const plan *plan, char *out, size_t size) {
  char copies[24];
  const char *command[] = {"awk", awk_program, plan->path, copies, NULL};
  static const char *const env[] = {"LC_ALL=C", NULL};
  brood_process_options options = BROOD_PROCESS_OPTIONS_INIT;
  brood_process *awk = NULL;
  size_t length = 0;
  size_t part = 0;
  int32_t code = 0;
  snprintf(copies, sizeof copies, "%llu", (unsigned long long)plan->copies);
  options.command = command;
  options.env = env;
  options.standard_output.kind = BROOD_STDIO_PIPE;
  must(brood_process_spawn(&options, &awk, NULL));
  while (length < size && brood_process_read(awk, 1, out + length, size - length, BROOD_FOREVER,
                                             NULL, &part, NULL) == BROOD_OK) {
    length += part;
  }
  must(brood_process_join(awk, BROOD_FOREVER, NULL, NULL));
  must(brood_process_exit_code(awk, &code, NULL));
  if (code != 0) refuse("awk", "has failed");
  brood_process_free(awk);
  return length;
}

/* Every line of awk's is one of ours, there are as many, and nothing is missing or there twice. */
static bool is_exact(const plan *plan, const totals *sum) {
  static char lines[kTableSlots * 128];
  const size_t size = ask_awk(plan, lines, sizeof lines - 1);
  uint64_t keys = 0;
  uint64_t counted = 0;
  for (char *line = lines; line < lines + size; ++keys) {
    char *key = NULL;
    const uint64_t count = strtoull(line, &key, 10);
    char *end = strchr(++key, '\n');
    if (end == NULL || table_count(&sum->counts, key, (size_t)(end - key)) != count) return false;
    counted += count;
    line = end + 1;
  }
  return keys == sum->counts.used && counted == sum->lines && sum->chunks == plan->chunks &&
         sum->bytes == plan->file_bytes * plan->copies;
}

static int more_often_first(const void *left, const void *right) {
  const table_entry *a = left;
  const table_entry *b = right;
  return a->count < b->count ? 1 : a->count > b->count ? -1 : 0;
}

static void print(const table *counts) {
  static table sorted;
  sorted = *counts;
  qsort(sorted.slots, kTableSlots, sizeof *sorted.slots, more_often_first);
  for (uint64_t i = 0; i < sorted.used; ++i) {
    const table_entry *entry = &sorted.slots[i];
    printf("%10llu %.*s\n", (unsigned long long)entry->count, (int)entry->key_bytes, entry->key);
  }
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  register_stages();
  must(brood_init(argc, argv, NULL, NULL));
  const options options = parse(argc, argv);
  const plan plan = make_plan(&options);
  uint64_t kills = 0;
  const double begin = seconds();
  srandom((unsigned)time(NULL));
  totals *sum = run(&plan, options.chaos_ms, &kills);
  const double took = seconds() - begin;
  const bool exact = is_exact(&plan, sum);
  if (!options.quiet) print(&sum->counts);
  printf(
      "%llu lines, %llu bytes in %.2f s, %.0f MB/s, %llu kills, %llu chunks came twice, exact %s\n",
      (unsigned long long)sum->lines, (unsigned long long)sum->bytes, took,
      (double)sum->bytes / 1e6 / took, (unsigned long long)kills, (unsigned long long)sum->repeated,
      exact ? "yes" : "NO");
  free(sum);
  return exact ? 0 : 1;
}
