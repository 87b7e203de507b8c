package brood_test

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"brood"
)

// buildC compiles a program of testdata as a user of the installed library would.
func buildC(t *testing.T, source string) string {
	t.Helper()
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "brood").Output()
	must(t, err)
	program := t.TempDir() + "/program"
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	arguments := append([]string{"-o", program, source}, strings.Fields(string(flags))...)
	if text, err := exec.Command(compiler, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return program
}

func int64Bytes(n int64) brood.Raw {
	var raw [8]byte
	binary.LittleEndian.PutUint64(raw[:], uint64(n))
	return raw[:]
}

// A Go host with workers in C.
func TestWorkersInC(t *testing.T) {
	ctx := within(t)
	pool := newPool(t, brood.Workers(2), brood.Command(buildC(t, "testdata/c_worker.c")))
	twice := brood.Remote[brood.Raw, brood.Raw]("twice")
	inputs := make([]brood.Raw, 100)
	for i := range inputs {
		inputs[i] = int64Bytes(int64(i))
	}
	results, err := brood.Map(ctx, pool, twice, inputs)
	must(t, err)
	for i, raw := range results {
		if string(raw) != string(int64Bytes(int64(2*i))) {
			t.Fatalf("twice %d is %x", i, raw)
		}
	}

	_, err = brood.Run(ctx, pool, brood.Remote[int, int]("complain"), 1)
	var remote *brood.RemoteError
	if !errors.As(err, &remote) || remote.Kind != "c.error" || remote.Message != "it went wrong" || remote.Trace != "c_worker.c: complain" {
		t.Fatalf("got %+v", err)
	}
	_, err = brood.Run(ctx, pool, brood.Remote[int, int]("crash"), 1)
	var lost *brood.WorkerLost
	if !errors.As(err, &lost) || lost.ExitCode != 7 {
		t.Fatalf("got %+v", err)
	}
	_, err = brood.Run(ctx, pool, brood.Remote[int, int]("nobody"), 1)
	wantStatus(t, err, brood.ErrNoFunction)

	in, err := brood.NewQueue[any]()
	must(t, err)
	out, err := brood.NewQueue[any]()
	must(t, err)
	must(t, in.Put(ctx, "häuser"))
	must(t, in.Put(ctx, []any{int64(1), 2.5}))
	must(t, in.Shutdown())
	if _, err := brood.Run(ctx, pool, brood.Remote[[]any, brood.Unit]("mirror"), []any{in, out}); err != nil {
		t.Fatal(err)
	}
	text, err := out.Get(ctx)
	must(t, err)
	list, err := out.Get(ctx)
	if err != nil || text != "häuser" || !sameValue(list, []any{int64(1), 2.5}) {
		t.Fatalf("got %v and %v, %v", text, list, err)
	}

	array := mustArray[float64](t, 10)
	elements, err := array.Slice()
	must(t, err)
	elements[9] = 21
	if _, err := brood.Run(ctx, pool, brood.Remote[any, any]("scale"), any(array)); err != nil || elements[9] != 42 {
		t.Fatalf("got %v, %v", elements[9], err)
	}

	lock, err := brood.NewLock()
	must(t, err)
	_, err = brood.Run(ctx, pool, brood.Remote[any, any]("lock_and_exit"), any(lock))
	wantStatus(t, err, brood.ErrWorkerLost)
	wantStatus(t, lock.Lock(ctx), brood.ErrOwnerDied)
	must(t, lock.Recover())
}

// A host in C with workers in Go: this test binary.
func TestHostInC(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	text, err := exec.CommandContext(within(t), buildC(t, "testdata/c_host.c"), self).Output()
	want := "1 bytes of codec 2: 55\npanic: runtime error: index out of range [10] with length 1\n"
	if err != nil || string(text) != want {
		t.Fatalf("got %q, %v", text, err)
	}
}
