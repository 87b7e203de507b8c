/* The parking protocol of src/shm/bell.hpp, with a death possible before every shared step.
 *
 * SLEEPERS threads wait on one bell for WANTS messages each; RINGERS commit one each and ring; at most CRASHES of
 * all die anywhere; a reaper rings always for each death. The claim, checked when nothing moves any more:
 * no living sleeper is asleep while there is a message.
 *
 * Broken variants, which must be rejected:
 *   -DNO_SECOND_WAKE  the ringer takes W back and does not wake again
 *   -DNO_REAPER_RING  the reaper only rings a bell whose W it sees
 *   -DNO_RECHECK      the sleeper does not look again after it set W
 *   -DCLEAR_FIRST     the ringer takes W back before it wakes, and wakes once
 *   -DSHARED_DONE     a sleeper takes W back although others share the bell
 */
#ifndef SLEEPERS
#define SLEEPERS 2
#endif
#ifndef RINGERS
#define RINGERS 2
#endif
#ifndef WANTS
#define WANTS 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#define ALL (SLEEPERS + RINGERS)

byte messages = 0; /* committed and not yet taken */
byte sequence = 0; /* the word: sequence, */
bool waiting = false; /* and W */
bool asleep[SLEEPERS]; /* in the futex's queue */
bool dead[ALL];
bool reaped[ALL];
byte deaths = 0;
byte reapings = 0;

#define MAY_DIE                                                     \
  if                                                                \
  :: deaths < CRASHES ->                                            \
     atomic { deaths++; dead[me] = true; die_asleep(me) } goto died \
  :: skip                                                           \
  fi

inline die_asleep(who) {
  if
  :: who < SLEEPERS -> asleep[who] = false
  :: else -> skip
  fi
}

/* FUTEX_WAKE: all who sleep now; `woken` tells whether there was anybody. */
inline wake_all(woken) {
  woken = false;
  turn = 0;
  do
  :: turn < SLEEPERS ->
     if
     :: asleep[turn] -> asleep[turn] = false; woken = true
     :: else -> skip
     fi;
     turn++
  :: else -> break
  od
}

proctype Sleeper(byte me) {
  byte seen;
  byte left = WANTS;
  do
  :: left == 0 -> break
  :: atomic { left > 0 && messages > 0 -> messages--; left-- };
#if SLEEPERS == 1 || defined(SHARED_DONE)
     waiting = false; /* done(): only where the bell has one sleeper */
#endif
     MAY_DIE
  :: left > 0 && messages == 0 ->
     MAY_DIE;
     atomic { seen = sequence; waiting = true }; /* prepare() */
     MAY_DIE;
#ifndef NO_RECHECK
     if
     :: messages > 0 -> goto up
     :: messages == 0 -> skip
     fi;
#endif
     MAY_DIE;
     /* FUTEX_WAIT compares and sleeps in one step. */
     if
     :: atomic { sequence == seen && waiting -> asleep[me] = true };
        if
        :: !asleep[me] -> skip
        :: deaths < CRASHES ->
           atomic { deaths++; dead[me] = true; asleep[me] = false }; goto died
        fi
     :: atomic { !(sequence == seen && waiting) -> skip }
     fi;
up:  skip;
     MAY_DIE
  od;
died:
  skip
}

proctype Ringer(byte me) {
  byte mine;
  byte turn;
  bool woken;
  bool cleared;
  MAY_DIE;
  messages++; /* the commit */
  MAY_DIE;
  if
  :: waiting ->
     MAY_DIE;
#ifdef CLEAR_FIRST
     atomic { sequence++; waiting = false };
     MAY_DIE;
     atomic { if :: asleep[0] -> asleep[0] = false :: else -> skip fi }
#else
     atomic { sequence++; mine = sequence };
     MAY_DIE;
     atomic { wake_all(woken) };
     MAY_DIE;
     if
     :: !woken ->
        atomic {
          cleared = (sequence == mine && waiting);
          if
          :: cleared -> waiting = false
          :: else -> skip
          fi
        };
        MAY_DIE;
#ifndef NO_SECOND_WAKE
        if
        :: cleared -> atomic { wake_all(woken) }
        :: else -> skip
        fi
#else
        skip
#endif
     :: else -> skip
     fi
#endif
  :: !waiting -> skip
  fi;
died:
  skip
}

proctype Reaper() {
  byte who;
  byte turn;
  bool woken;
end:
  do
  :: atomic {
       reapings < deaths ->
       who = 0;
       do
       :: who < ALL && dead[who] && !reaped[who] -> break
       :: else -> who++
       od
     };
#ifdef NO_REAPER_RING
     if
     :: waiting -> atomic { sequence++; wake_all(woken) }
     :: else -> skip
     fi;
#else
     atomic { sequence++; wake_all(woken) }; /* ring_always() */
#endif
     atomic { reaped[who] = true; reapings++ }
  od
}

/* Runs when nobody else can. */
proctype Check() {
  byte who = 0;
end:
  timeout ->
  do
  :: who < SLEEPERS -> assert(!(asleep[who] && messages > 0)); who++
  :: else -> break
  od
}

init {
  byte who = 0;
  atomic {
    do
    :: who < SLEEPERS -> run Sleeper(who); who++
    :: who >= SLEEPERS && who < ALL -> run Ringer(who); who++
    :: who >= ALL -> break
    od;
    run Reaper();
    run Check()
  }
}
