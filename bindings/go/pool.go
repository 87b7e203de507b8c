package brood

import (
	"context"

	"brood/internal/low"
)

// Pool is worker processes that run tasks. A worker that dies takes with it the task that it ran, and only that.
type Pool struct {
	h          *handle[low.Pool]
	useGob     bool
	maxPending bool
}

// NewPool makes a pool and starts its workers; it does not wait for them.
func NewPool(options ...PoolOption) (*Pool, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	given := poolOptions{record: newRecord("pool_options")}
	defer given.free()
	for _, option := range options {
		option.forPool(&given)
	}
	if !given.hasCommand {
		given.set("command", command())
	}
	if given.err != nil {
		return nil, given.err
	}
	var pool low.Pool
	if err := failed(low.Pool_create(given.low, &pool)); err != nil {
		return nil, err
	}
	return &Pool{own(pool, low.Pool_free), given.useGob, given.maxPending}, nil
}

// Close ends the pool at once: what is not done is cancelled, and the workers are killed. It does not wait. See
// Shutdown for the end in good order. The error is nil: it is an io.Closer.
func (p *Pool) Close() error {
	_ = p.h.do(func(pool low.Pool) error { return failed(low.Pool_terminate(pool)) })
	p.h.close()
	return nil
}

// Shutdown accepts no more tasks, and waits until what was submitted is done and the workers have ended. It
// gives the first failure of a task whose future was closed unread.
func (p *Pool) Shutdown(ctx context.Context) error {
	return p.h.do(func(pool low.Pool) error {
		if err := failed(low.Pool_shutdown(pool)); err != nil {
			return err
		}
		return joinPool(ctx, pool)
	})
}

// Terminate cancels everything, kills the workers, and waits until they have ended.
func (p *Pool) Terminate(ctx context.Context) error {
	return p.h.do(func(pool low.Pool) error {
		if err := failed(low.Pool_terminate(pool)); err != nil {
			return err
		}
		return joinPool(ctx, pool)
	})
}

func joinPool(ctx context.Context, pool low.Pool) error {
	return wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
		return low.Pool_join(pool, timeout, cancel)
	})
}

// PoolStats counts what a pool does and did.
type PoolStats struct {
	Workers, Idle, Starting int   // alive and ready; of these without a task; being started
	Pending                 int64 // submitted and not done
	Done, Failed, Canceled  int64
	Lost, TimedOut, Retried int64 // runs that ended with their worker, passed their limit, were begun again
	Moved                   int64 // unstarted tasks taken back from one worker for another
	WorkersStarted          int64
}

// Stats tells what the pool does at this moment.
func (p *Pool) Stats() (PoolStats, error) {
	r := newRecord("pool_stats")
	defer r.free()
	err := p.h.do(func(pool low.Pool) error { return failed(low.Pool_get_stats(pool, r.low)) })
	if err != nil {
		return PoolStats{}, err
	}
	return PoolStats{
		Workers: int(r.number("workers")), Idle: int(r.number("idle")), Starting: int(r.number("starting")),
		Pending: r.number("pending"), Done: r.number("done"), Failed: r.number("failed"),
		Canceled: r.number("canceled"), Lost: r.number("lost"), TimedOut: r.number("timed_out"),
		Retried: r.number("retried"), Moved: r.number("moved"), WorkersStarted: r.number("workers_started"),
	}, nil
}

// WorkerState is what a worker does.
type WorkerState int

// What a worker can do.
const (
	WorkerStarting WorkerState = 1
	WorkerIdle     WorkerState = 2
	WorkerBusy     WorkerState = 3
	WorkerEnding   WorkerState = 4
)

func (s WorkerState) String() string {
	if s < WorkerStarting || s > WorkerEnding {
		return "unknown"
	}
	return [...]string{"starting", "idle", "busy", "ending"}[s-1]
}

// WorkerInfo is one worker of a pool.
type WorkerInfo struct {
	ID    int
	State WorkerState
	Pid   int   // 0 while it is being started
	Tasks int64 // results that it gave
}

// Workers lists the workers.
func (p *Pool) Workers() ([]WorkerInfo, error) {
	var numbers low.Numbers
	err := p.h.do(func(pool low.Pool) error { return failed(low.Pool_worker_list(pool, &numbers)) })
	if err != nil {
		return nil, err
	}
	defer low.Numbers_free(numbers)
	at := func(i int) int64 { return low.Numbers_at(numbers, int64(i)) }
	workers := make([]WorkerInfo, low.Numbers_count(numbers)/4)
	for i := range workers {
		workers[i] = WorkerInfo{int(at(4 * i)), WorkerState(at(4*i + 1)), int(at(4*i + 2)), at(4*i + 3)}
	}
	return workers, nil
}
