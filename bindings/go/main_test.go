package brood_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"brood"
)

// limit is how long anything may take before a test gives up; nothing waits for it to pass.
const limit = 60 * time.Second

// The tasks of the tests.
var (
	fibTask = brood.Func("fib", fib)
	echo    = brood.Func("echo", func(value any) (any, error) { return value, nil })
	length  = brood.Func("length", func(text string) (int, error) { return len(text), nil })
	pid     = brood.Func("pid", func(brood.Unit) (int, error) { return os.Getpid(), nil })
	fail    = brood.Func("fail", func(path string) (int, error) {
		_, err := os.Open(path)
		return 0, fmt.Errorf("cannot begin: %w", err)
	})
	panics  = brood.Func("panics", func(i int) (int, error) { return []int{1}[i], nil })
	goexits = brood.Func("goexits", func(brood.Unit) (int, error) {
		runtime.Goexit() // what t.FailNow does
		return 0, nil
	})
	kill = brood.Func("kill", func(signal int) (int, error) {
		if err := syscall.Kill(os.Getpid(), syscall.Signal(signal)); err != nil {
			return 0, err
		}
		select {}
	})
	exit = brood.Func("exit", func(code int) (int, error) {
		os.Exit(code)
		return 0, nil
	})
	hang    = brood.Func("hang", func(brood.Unit) (int, error) { select {} })
	started = brood.Func("started", func(event *brood.Event) (int, error) {
		event.Set()
		select {}
	})
	addPair = brood.Func2("add", func(a, b int) (int, error) { return a + b, nil })
)

func fib(n int) (int, error) {
	if n < 2 {
		return n, nil
	}
	a, _ := fib(n - 1)
	b, _ := fib(n - 2)
	return a + b, nil
}

func TestMain(m *testing.M) {
	if os.Getenv("BROOD_TEST_ROLE") == "no main" && !brood.IsWorker() {
		withoutMain()
	}
	brood.Main()
	playRole()
	code := m.Run()
	brood.Shutdown()
	os.Exit(code)
}

// within is a context that ends with the test, or when it takes too long.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%+v", err)
	}
}

func newPool(t *testing.T, options ...brood.PoolOption) *brood.Pool {
	t.Helper()
	pool, err := brood.NewPool(options...)
	must(t, err)
	t.Cleanup(func() { _ = pool.Terminate(context.Background()); _ = pool.Close() })
	return pool
}

func wantStatus(t *testing.T, err error, status brood.Status) {
	t.Helper()
	if !errors.Is(err, status) {
		t.Fatalf("got %v, want %v", err, error(status))
	}
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Fatalf("%q has no %q", text, part)
	}
}
