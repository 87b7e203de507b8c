package brood

import (
	"math"
	"time"
)

// PoolOption is an option of NewPool.
type PoolOption interface{ forPool(*poolOptions) }

// ProcessOption is an option of StartProcess and Spawn.
type ProcessOption interface{ forProcess(*processOptions) }

// CallOption is an option of Submit, Run, Map and NewStream.
type CallOption interface{ forCall(*callOptions) }

// ChildOption is an option of pools and of processes.
type ChildOption interface {
	PoolOption
	ProcessOption
}

type poolOptions struct {
	*record
	useGob     bool
	hasCommand bool
	maxPending bool
}

type processOptions struct {
	*record
	hasCommand bool
}

type callOptions struct {
	given      bool // anything that is not the default
	runLimit   time.Duration
	retries    int
	chunk      int
	window     int
	unordered  bool
	onProgress func(done, total int)
}

type poolOption func(*poolOptions)

func (o poolOption) forPool(p *poolOptions) { o(p) }

type processOption func(*processOptions)

func (o processOption) forProcess(p *processOptions) { o(p) }

type callOption func(*callOptions)

func (o callOption) forCall(c *callOptions) { o(c) }

// childOption sets the same fields of both structs.
type childOption func(*record)

func (o childOption) forPool(p *poolOptions)       { o(p.record) }
func (o childOption) forProcess(p *processOptions) { o(p.record) }

// ---- pools --------------------------------------------------------------------------------------

// Workers is how many processes run tasks; as many as CPUCount without it.
func Workers(count int) PoolOption {
	return poolOption(func(p *poolOptions) { p.set("workers", count) })
}

// MaxTasksPerWorker replaces a worker by a fresh one after so many tasks.
func MaxTasksPerWorker(count int) PoolOption {
	return poolOption(func(p *poolOptions) { p.set("max_tasks_per_worker", count) })
}

// MaxPending makes Submit wait while so many tasks are submitted and not done.
func MaxPending(count int) PoolOption {
	return poolOption(func(p *poolOptions) {
		p.set("max_pending", count)
		p.maxPending = true
	})
}

// Initializer is run with its argument in each new worker, before any task.
func Initializer[A, R any](task *Task[A, R], argument A) PoolOption {
	return poolOption(func(p *poolOptions) {
		packed := newPacker()
		defer packed.release()
		if _, err := packed.pack([]any{task.name, argument}, false); err != nil {
			p.err = err
			return
		}
		if len(packed.handles) > 0 {
			p.err = errorf(ErrUnsupported, "an initializer's argument cannot hold objects in shared memory")
			return
		}
		p.set("initializer", initializerName)
		p.set("initializer_data", packed.buf)
	})
}

// Finalizer is run in each worker that ends in good order: by Shutdown, or MaxTasksPerWorker.
func Finalizer[R any](task *Task[Unit, R]) PoolOption {
	return poolOption(func(p *poolOptions) { p.set("finalizer", task.name) })
}

// UseGob sends values as encoding/gob does, with every type that is registered there. Workers must have called
// AcceptGob, and so must this program for the results.
func UseGob() PoolOption {
	return poolOption(func(p *poolOptions) { p.useGob = true })
}

// Retries is how often a task whose worker died is run again: of a whole pool, or of one call. NoRetries
// forbids it for a call of a pool that retries.
type Retries int

// NoRetries is for tasks that must not be run twice.
const NoRetries Retries = -1

func (r Retries) forPool(p *poolOptions) { p.set("retries", int(r)) }
func (r Retries) forCall(c *callOptions) { c.retries, c.given = int(r), true }

// ---- pools and processes ------------------------------------------------------------------------

// Name is for people.
func Name(name string) ChildOption { return childOption(func(r *record) { r.set("name", name) }) }

// Dir is the working directory.
func Dir(path string) ChildOption { return childOption(func(r *record) { r.set("cwd", path) }) }

// Env adds "NAME=value" to the environment.
func Env(entries ...string) ChildOption {
	return childOption(func(r *record) { r.set("env", entries) })
}

type commandOption []string

// Command is the program of the workers, in any language; this one again without it.
func Command(name string, arguments ...string) ChildOption {
	return commandOption(append([]string{name}, arguments...))
}

func (c commandOption) forPool(p *poolOptions) {
	p.set("command", []string(c))
	p.hasCommand = true
}

func (c commandOption) forProcess(p *processOptions) {
	p.set("command", []string(c))
	p.hasCommand = true
}

// Limits of each worker or process; zero leaves a limit as this process has it.
type Limits struct {
	MemoryBytes int64 // of the whole process tree
	CPUSeconds  int
	OpenFiles   int
	CoreBytes   int64 // -1: no core dumps
	Nice        int   // added to this process's own
	CPUs        []int // that it may use
}

func (l Limits) set(r *record) {
	r.set("limits.memory_bytes", l.MemoryBytes)
	r.set("limits.cpu_seconds", l.CPUSeconds)
	r.set("limits.open_files", l.OpenFiles)
	r.set("limits.core_bytes", l.CoreBytes)
	r.set("limits.nice", l.Nice)
	if len(l.CPUs) > 0 {
		r.set("limits.cpus", l.CPUs)
	}
}

func (l Limits) forPool(p *poolOptions)       { l.set(p.record) }
func (l Limits) forProcess(p *processOptions) { l.set(p.record) }

// ---- calls --------------------------------------------------------------------------------------

// RunLimit is how long a task may run; then its worker is killed, and it fails with *TaskTimeout.
func RunLimit(limit time.Duration) CallOption {
	return callOption(func(c *callOptions) { c.runLimit, c.given = limit, true })
}

// Chunk is how many inputs of a map are sent together; chosen by their number without it.
func Chunk(count int) CallOption {
	return callOption(func(c *callOptions) { c.chunk, c.given = count, true })
}

// Window is how many inputs of a stream may be ahead of the results taken.
func Window(count int) CallOption {
	return callOption(func(c *callOptions) { c.window, c.given = count, true })
}

// Unordered lets a stream give results as they come, not in the order of the inputs.
func Unordered() CallOption {
	return callOption(func(c *callOptions) { c.unordered, c.given = true, true })
}

// OnProgress is called by Map and MapAll, in the same goroutine, as results come.
func OnProgress(progress func(done, total int)) CallOption {
	return callOption(func(c *callOptions) { c.onProgress = progress })
}

func callOptionsOf(options []CallOption) callOptions {
	var c callOptions
	for _, option := range options {
		option.forCall(&c)
	}
	return c
}

// milliseconds is a duration as C wants it: any positive one is at least 1 ms.
func milliseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	ms := (int64(d) + int64(time.Millisecond) - 1) / int64(time.Millisecond)
	return int64(math.Max(1, float64(ms)))
}
