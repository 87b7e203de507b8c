/* The sets of waiters of src/shm/waiter_set.hpp, with a death possible before every shared step.
 *
 * SLEEPERS threads want one item each; PUTTERS commit one each and wake one; at most CRASHES of all die
 * anywhere, at most TIMEOUTS sleepers give up; a reaper takes note of each death, then rings everybody. A bell
 * is taken to be right here (park.pml): who is rung after it prepared does not sleep. The claim, checked when
 * nothing moves any more: no living sleeper is asleep while there is an item.
 *
 * Broken variants, which must be rejected:
 *   -DNO_PASS_ON      who leaves with its bit taken wakes nobody in its stead
 *   -DNO_REAPER_RING  the reaper rings nobody
 *   -DNO_SECOND_BIT   a bit is set once, not again before each look
 *   -DLOOK_FIRST      the sleeper looks before it sets its bit
 *   -DBIT_STAYS       a wake leaves the bit: two wakes may go to the same sleeper
 */
#ifndef SLEEPERS
#define SLEEPERS 2
#endif
#ifndef PUTTERS
#define PUTTERS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 1
#endif
#define ALL (SLEEPERS + PUTTERS)

byte items = 0;         /* committed and not yet taken */
bool wanting[SLEEPERS]; /* the bits */
bool rung[SLEEPERS];    /* the bells, since their last prepare() */
bool asleep[SLEEPERS];
bool dead[ALL];
bool known[ALL]; /* the member table says so */
byte deaths = 0;
byte reapings = 0;
byte given_up = 0;

#define MAY_DIE                                                                            \
  if                                                                                       \
  :: deaths < CRASHES -> atomic { deaths++; dead[me] = true; goto died }                   \
  :: skip                                                                                  \
  fi

inline wake_one() {
  do
  :: atomic {
       picked = 0;
       do
       :: picked < SLEEPERS && wanting[picked] -> break /* wherever the turn is */
       :: picked < SLEEPERS -> picked++
       :: picked == SLEEPERS -> break
       od;
       /* Passed over one that wants: only if none at all does is there nothing to do. */
       nobody = true;
       turn = 0;
       do
       :: turn < SLEEPERS -> nobody = nobody && !wanting[turn]; turn++
       :: else -> break
       od;
#ifndef BIT_STAYS
       if
       :: picked < SLEEPERS -> wanting[picked] = false
       :: else -> skip
       fi
#endif
     };
     if
     :: picked < SLEEPERS ->
        MAY_DIE;
        if
        :: !known[picked] -> rung[picked] = true; break
        :: known[picked] -> skip
        fi
     :: picked == SLEEPERS && nobody -> break
     :: else -> skip
     fi
  od
}

proctype Sleeper(byte me) {
  byte picked;
  byte turn;
  bool nobody;
  bool woken;
  bool listed = false;
  bool got = false;
  do
  :: MAY_DIE;
     rung[me] = false; /* prepare() */
     MAY_DIE;
#ifdef LOOK_FIRST
     atomic { if :: items > 0 -> items--; got = true :: else -> skip fi };
     if :: got -> break :: else -> skip fi;
     MAY_DIE;
#endif
#ifdef NO_SECOND_BIT
     if :: !listed -> wanting[me] = true :: else -> skip fi;
#else
     wanting[me] = true; /* enlist() */
#endif
     listed = true;
     MAY_DIE;
#ifndef LOOK_FIRST
     atomic { if :: items > 0 -> items--; got = true :: else -> skip fi };
     if :: got -> break :: else -> skip fi;
     MAY_DIE;
#endif
     if
     :: given_up < TIMEOUTS -> atomic { given_up++ }; break
     :: asleep[me] = true;
        if
        :: rung[me] -> asleep[me] = false
        :: deaths < CRASHES -> atomic { deaths++; dead[me] = true; asleep[me] = false; goto died }
        fi
     fi
  od;
  MAY_DIE;
  /* leave() */
  atomic { woken = !wanting[me]; wanting[me] = false };
  MAY_DIE;
#ifndef NO_PASS_ON
  if
  :: woken && (!got || items > 0) -> wake_one()
  :: else -> skip
  fi;
#endif
died:
  skip
}

proctype Putter(byte me) {
  byte picked;
  byte turn;
  bool nobody;
  MAY_DIE;
  items++; /* the commit */
  MAY_DIE;
  wake_one();
died:
  skip
}

proctype Reaper() {
  byte who;
  byte turn;
end:
  do
  :: atomic {
       reapings < deaths ->
       who = 0;
       do
       :: who < ALL && dead[who] && !known[who] -> break
       :: else -> who++
       od;
       known[who] = true
     };
#ifndef NO_REAPER_RING
     atomic {
       turn = 0;
       do
       :: turn < SLEEPERS -> rung[turn] = true; turn++
       :: else -> break
       od;
       turn = 0
     };
#endif
     reapings++
  od
}

/* Runs when nobody else can. */
proctype Check() {
  byte who = 0;
end:
  timeout ->
  do
  :: who < SLEEPERS -> assert(!(asleep[who] && !dead[who] && items > 0)); who++
  :: else -> break
  od
}

init {
  byte who = 0;
  atomic {
    do
    :: who < SLEEPERS -> run Sleeper(who); who++
    :: who >= SLEEPERS && who < ALL -> run Putter(who); who++
    :: who >= ALL -> break
    od;
    run Reaper();
    run Check()
  }
}
