package brood_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"brood"
)

func TestMap(t *testing.T) {
	pool := newPool(t, brood.Workers(2))
	inputs := make([]int, 1000)
	for i := range inputs {
		inputs[i] = i % 20
	}
	last := 0
	results, err := brood.Map(within(t), pool, fibTask, inputs, brood.OnProgress(func(done, total int) {
		if done != last+1 || total != len(inputs) {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	}))
	must(t, err)
	for i, got := range results {
		if want, _ := fib(inputs[i]); got != want {
			t.Fatalf("fib(%d) = %d", inputs[i], got)
		}
	}
	if last != len(inputs) {
		t.Fatalf("progress ended at %d", last)
	}
	if none, err := brood.Map(within(t), pool, fibTask, nil); err != nil || len(none) != 0 {
		t.Fatalf("nothing gives %v, %v", none, err)
	}
}

func TestMapFailures(t *testing.T) {
	pool := newPool(t, brood.Workers(2))
	_, err := brood.Map(within(t), pool, panics, []int{0, 0, 7, 0})
	var item *brood.ItemError
	if !errors.As(err, &item) || item.Index != 2 || !errors.Is(err, brood.ErrRemote) {
		t.Fatalf("got %v", err)
	}
	items, err := brood.MapAll(within(t), pool, panics, []int{0, 7, 0, -1})
	must(t, err)
	for i, item := range items {
		if item.Index != i || (item.Err != nil) != (i%2 == 1) || (item.Err == nil && item.Value != 1) {
			t.Fatalf("item %d is %+v", i, item)
		}
	}
}

func TestSubmit(t *testing.T) {
	pool := newPool(t, brood.Workers(2))
	futures := make([]*brood.Future[int], 100)
	for i := range futures {
		var err error
		futures[i], err = brood.Submit(within(t), pool, fibTask, 15)
		must(t, err)
	}
	for _, future := range futures {
		<-future.Done()
		for again := 0; again < 2; again++ {
			value, err := future.Wait(within(t))
			if err != nil || value != 610 || !future.Ready() {
				t.Fatalf("got %d, %v", value, err)
			}
		}
	}
	wantStatus(t, futures[0].Cancel(), brood.ErrState)
	sum, err := brood.Run(within(t), pool, addPair, brood.Args{3, 4})
	if err != nil || sum != 7 {
		t.Fatalf("3 + 4 = %d, %v", sum, err)
	}
	stats, err := pool.Stats()
	if err != nil || stats.Done != 101 || stats.Pending != 0 {
		t.Fatalf("stats are %+v, %v", stats, err)
	}
	must(t, pool.Shutdown(within(t)))
	_, err = brood.Submit(within(t), pool, fibTask, 1)
	wantStatus(t, err, brood.ErrClosed)
}

func TestRemoteErrors(t *testing.T) {
	pool := newPool(t, brood.Workers(1))
	ctx := within(t)
	_, err := brood.Run(ctx, pool, fail, "/nowhere/at/all")
	var remote *brood.RemoteError
	if !errors.As(err, &remote) || remote.Kind != "*fmt.wrapError" || remote.Pid == os.Getpid() {
		t.Fatalf("got %+v", err)
	}
	contains(t, remote.Message, "/nowhere/at/all")
	var trace brood.RemoteTrace
	if !errors.As(err, &trace) {
		t.Fatal("there is no trace")
	}
	contains(t, string(trace), "*fs.PathError")

	_, err = brood.Run(ctx, pool, panics, 5)
	if !errors.As(err, &remote) || remote.Kind != "panic" {
		t.Fatalf("got %+v", err)
	}
	contains(t, string(remote.Trace), "main_test.go")
	_, err = brood.Run(ctx, pool, goexits, brood.Unit{})
	wantStatus(t, err, brood.ErrRemote)
	_, err = brood.Run(ctx, pool, brood.Remote[int, int]("nobody"), 1)
	contains(t, err.Error(), "nobody")
	_, err = brood.Run(ctx, pool, brood.Remote[string, int]("fib"), "text")
	contains(t, err.Error(), "the value is no int")
	// The worker is the same after all of that.
	if stats, err := pool.Stats(); err != nil || stats.WorkersStarted != 1 || stats.Lost != 0 {
		t.Fatalf("stats are %+v, %v", stats, err)
	}
}

func TestCrash(t *testing.T) {
	pool := newPool(t, brood.Workers(2))
	ctx := within(t)
	_, err := brood.Run(ctx, pool, kill, int(syscall.SIGKILL))
	var lost *brood.WorkerLost
	if !errors.As(err, &lost) || lost.Signal != syscall.SIGKILL || lost.ExitCode != -1 || lost.Pid <= 0 {
		t.Fatalf("got %#v", err)
	}
	_, err = brood.Run(ctx, pool, exit, 3)
	if !errors.As(err, &lost) || lost.ExitCode != 3 || lost.Signal != 0 {
		t.Fatalf("got %#v", err)
	}
	wantStatus(t, err, brood.ErrWorkerLost)
	value, err := brood.Run(ctx, pool, fibTask, 10)
	if err != nil || value != 55 {
		t.Fatalf("got %d, %v", value, err)
	}
}

func TestRetries(t *testing.T) {
	pool := newPool(t, brood.Workers(1), brood.Retries(3))
	ctx := within(t)
	tries, err := brood.NewValue(0)
	must(t, err)
	count, err := brood.Run(ctx, pool, thirdTime, tries)
	if err != nil || count != 3 {
		t.Fatalf("got %d, %v", count, err)
	}
	must(t, tries.Store(0))
	_, err = brood.Run(ctx, pool, thirdTime, tries, brood.NoRetries)
	wantStatus(t, err, brood.ErrWorkerLost)
}

var thirdTime = brood.Func("third time", func(tries *brood.Value[int]) (int, error) {
	before, err := brood.AddTo(tries, 1)
	if err == nil && before < 2 {
		os.Exit(1)
	}
	return before + 1, err
})

func TestTaskTimeout(t *testing.T) {
	pool := newPool(t, brood.Workers(1))
	_, err := brood.Run(within(t), pool, hang, brood.Unit{}, brood.RunLimit(50*time.Millisecond))
	var passed *brood.TaskTimeout
	if !errors.As(err, &passed) || passed.Pid <= 0 || !passed.Timeout() {
		t.Fatalf("got %#v", err)
	}
	wantStatus(t, err, brood.ErrTaskTimeout)
}

func TestCancel(t *testing.T) {
	pool := newPool(t, brood.Workers(1))
	ctx := within(t)
	event, err := brood.NewEvent()
	must(t, err)
	future, err := brood.Submit(ctx, pool, started, event)
	must(t, err)
	must(t, event.Wait(ctx))

	// A context ends the wait, and not the task.
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err = future.Wait(soon)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, brood.ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	must(t, future.Cancel())
	_, err = future.Wait(ctx)
	wantStatus(t, err, brood.ErrCanceled)

	// Of Run and Map it ends the task as well.
	event.Clear()
	sooner, cancel := context.WithCancel(ctx)
	go func() {
		_ = event.Wait(ctx)
		cancel()
	}()
	_, err = brood.Map(sooner, pool, started, []*brood.Event{event})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	value, err := brood.Run(ctx, pool, fibTask, 10)
	if err != nil || value != 55 {
		t.Fatalf("got %d, %v", value, err)
	}
}

func TestMaxPending(t *testing.T) {
	pool := newPool(t, brood.Workers(1), brood.MaxPending(1))
	ctx := within(t)
	event, err := brood.NewEvent()
	must(t, err)
	future, err := brood.Submit(ctx, pool, started, event)
	must(t, err)
	must(t, event.Wait(ctx))
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err = brood.Submit(soon, pool, fibTask, 1)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	waiting := make(chan error)
	go func() {
		value, err := brood.Run(ctx, pool, fibTask, 10)
		if err == nil && value != 55 {
			err = errors.New("wrong")
		}
		waiting <- err
	}()
	must(t, future.Cancel())
	must(t, <-waiting)
}

var (
	setUp     = brood.Func("set up", func(path string) (int, error) { return 0, os.Setenv("BROOD_TEST_SET_UP", path) })
	isSetUp   = brood.Func("is set up", func(brood.Unit) (string, error) { return os.Getenv("BROOD_TEST_SET_UP"), nil })
	leaveFile = brood.Func("leave file", func(brood.Unit) (int, error) {
		return 0, os.WriteFile(os.Getenv("BROOD_TEST_SET_UP"), nil, 0o600)
	})
)

func TestInitializerAndFinalizer(t *testing.T) {
	path := t.TempDir() + "/left"
	pool := newPool(t, brood.Workers(1), brood.Initializer(setUp, path), brood.Finalizer(leaveFile))
	got, err := brood.Run(within(t), pool, isSetUp, brood.Unit{})
	if err != nil || got != path {
		t.Fatalf("got %q, %v", got, err)
	}
	must(t, pool.Shutdown(within(t)))
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}

var environment = brood.Func("environment", func(name string) ([]string, error) {
	dir, err := os.Getwd()
	var files syscall.Rlimit
	if err == nil {
		err = syscall.Getrlimit(syscall.RLIMIT_CORE, &files)
	}
	return []string{os.Getenv(name), dir, brood.ProcessName()}, err
})

func TestChildOptions(t *testing.T) {
	dir := t.TempDir()
	pool := newPool(t, brood.Workers(1), brood.Env("BROOD_TEST=yes"), brood.Dir(dir), brood.Name("named"),
		brood.Limits{CoreBytes: -1, OpenFiles: 200})
	got, err := brood.Run(within(t), pool, environment, "BROOD_TEST")
	must(t, err)
	if got[0] != "yes" || got[1] != dir {
		t.Fatalf("got %q", got)
	}
	_, err = brood.NewPool(brood.Workers(-1))
	wantStatus(t, err, brood.ErrInvalid)
	_, err = brood.NewPool(brood.Dir("/nowhere/at/all"))
	if err == nil {
		broken := newPool(t, brood.Workers(1), brood.Dir("/nowhere/at/all"))
		_, err = brood.Run(within(t), broken, fibTask, 1)
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, brood.ErrInitFailed) && !errors.Is(err, brood.ErrBroken) {
		t.Fatalf("got %v", err)
	}
}

func TestManyCallers(t *testing.T) {
	pool := newPool(t, brood.Workers(2))
	ctx := within(t)
	var group sync.WaitGroup
	for i := 0; i < 200; i++ {
		i := i
		group.Add(1)
		go func() {
			defer group.Done()
			want, _ := fib(i % 15)
			if got, err := brood.Run(ctx, pool, fibTask, i%15); err != nil || got != want {
				t.Errorf("fib(%d) = %d, %v", i%15, got, err)
			}
		}()
	}
	group.Wait()
}

func TestWorkers(t *testing.T) {
	pool := newPool(t, brood.Workers(1), brood.MaxTasksPerWorker(1))
	first, err := brood.Run(within(t), pool, pid, brood.Unit{})
	must(t, err)
	second, err := brood.Run(within(t), pool, pid, brood.Unit{})
	must(t, err)
	if first == second || first == os.Getpid() {
		t.Fatalf("pids are %d and %d", first, second)
	}
	workers, err := pool.Workers()
	if err != nil || len(workers) < 1 {
		t.Fatalf("workers are %v, %v", workers, err)
	}
}
