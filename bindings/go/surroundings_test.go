package brood_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"brood"
)

// amount is how often a test repeats itself; BROOD_TEST_AMOUNT says otherwise.
func amount(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("BROOD_TEST_AMOUNT")
	if text == "" {
		return usual
	}
	count, err := strconv.Atoi(text)
	must(t, err)
	return count
}

// A Go program's own children are its own, during a pool's life and after it.
func TestOwnChildren(t *testing.T) {
	ctx := within(t)
	pool, err := brood.NewPool(brood.Workers(2))
	must(t, err)
	children := func() {
		for i := 0; i < 20; i++ {
			text, err := exec.CommandContext(ctx, "sh", "-c", "echo out; exit 3").Output()
			var exit *exec.ExitError
			if string(text) != "out\n" || !errors.As(err, &exit) || exit.ExitCode() != 3 {
				t.Errorf("got %q, %v", text, err)
			}
		}
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		children()
	}()
	for busy := true; busy; {
		select {
		case <-over:
			busy = false
		default:
			_, err := brood.Run(ctx, pool, exit, 1)
			wantStatus(t, err, brood.ErrWorkerLost)
		}
	}
	must(t, pool.Shutdown(ctx))
	must(t, pool.Close())
	children()
	// Nothing of brood's is a child of this process.
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Fatalf("there is a child: %d, %v", pid, err)
	}
}

// Eight goroutines keep Go's threads busy while workers die under them.
func TestManyDeaths(t *testing.T) {
	ctx := context.Background()
	pool := newPool(t, brood.Workers(4))
	var stop atomic.Bool
	var busy, callers sync.WaitGroup
	for i := 0; i < 8; i++ {
		busy.Add(1)
		go func() {
			defer busy.Done()
			garbage := make(map[int][]byte)
			for n := 0; !stop.Load(); n++ {
				garbage[n%100] = make([]byte, n%5000)
				runtime.Gosched()
			}
		}()
	}
	deaths := amount(t, 300)
	var left atomic.Int64
	left.Store(int64(deaths))
	for i := 0; i < 8; i++ {
		callers.Add(1)
		go func() {
			defer callers.Done()
			for left.Add(-1) >= 0 {
				_, err := brood.Run(ctx, pool, kill, int(syscall.SIGKILL))
				var lost *brood.WorkerLost
				if !errors.As(err, &lost) || lost.Signal != syscall.SIGKILL || lost.Pid <= 0 {
					t.Errorf("got %v", err)
				}
				if value, err := brood.Run(ctx, pool, fibTask, 10); err != nil || value != 55 {
					t.Errorf("got %d, %v", value, err)
				}
			}
		}()
	}
	callers.Wait()
	stop.Store(true)
	busy.Wait()
	stats, err := pool.Stats()
	if err != nil || stats.Lost != int64(deaths) {
		t.Fatalf("stats are %+v, %v", stats, err)
	}
}

// The collector runs all the time, and nothing that is dropped or in use goes at the wrong moment.
func TestCollector(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	ctx := within(t)
	pool := newPool(t, brood.Workers(2))
	var stop atomic.Bool
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for !stop.Load() {
			runtime.GC()
		}
	}()
	var group sync.WaitGroup
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 50; i++ {
				queue, err := brood.NewQueue[string]()
				if err == nil {
					err = queue.Put(ctx, "text")
				}
				if err != nil {
					t.Error(err)
					return
				}
				dropped, err := brood.Submit(ctx, pool, fibTask, 5)
				if err != nil {
					t.Error(err)
					return
				}
				_ = dropped
				got, err := brood.Run(ctx, pool, echo, any([]any{queue, "x"}))
				if err != nil {
					t.Error(err)
					return
				}
				text, err := got.([]any)[0].(*brood.Queue[any]).Get(ctx)
				if err != nil || text != "text" {
					t.Errorf("got %v, %v", text, err)
				}
			}
		}()
	}
	group.Wait()
	stop.Store(true)
	<-collected
}

// What a pool takes it gives back.
func TestPoolsInALoop(t *testing.T) {
	ctx := context.Background()
	once := func() {
		pool, err := brood.NewPool(brood.Workers(1))
		must(t, err)
		if value, err := brood.Run(ctx, pool, fibTask, 5); err != nil || value != 5 {
			t.Fatalf("got %d, %v", value, err)
		}
		must(t, pool.Terminate(ctx))
		must(t, pool.Close())
	}
	for i := 0; i < 20; i++ {
		once()
	}
	before := usage(t)
	for i := 0; i < amount(t, 1000); i++ {
		once()
	}
	after := usage(t)
	t.Logf("before %+v, after %+v", before, after)
	if after.files > before.files+5 || after.threads > before.threads+10 || after.goroutines > before.goroutines+5 ||
		after.residentKiB > before.residentKiB+16*1024 {
		t.Fatalf("before %+v, after %+v", before, after)
	}
}

type resources struct{ files, threads, goroutines, residentKiB int }

func usage(t *testing.T) resources {
	t.Helper()
	runtime.GC()
	files, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return resources{len(files), statusLine(t, "Threads:"), runtime.NumGoroutine(), statusLine(t, "VmRSS:")}
}
