package brood_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"brood"
)

var greet = brood.Func("greet", func(name string) (int, error) {
	if name == "" {
		return 0, errors.New("nobody to greet")
	}
	_, err := os.Stdout.WriteString("hello " + name + "\n")
	return 0, err
})

func TestProcess(t *testing.T) {
	ctx := within(t)
	process, err := brood.StartProcess(greet, "world", brood.Stdout(brood.Piped), brood.Name("greeter"))
	must(t, err)
	defer process.Close()
	text, err := io.ReadAll(process.Stdout(ctx))
	must(t, err)
	must(t, process.Wait(ctx))
	<-process.Done()
	code, err := process.ExitCode()
	if string(text) != "hello world\n" || err != nil || code != 0 || process.Alive() || process.Pid() <= 0 {
		t.Fatalf("said %q, ended with %d, %v", text, code, err)
	}
	usage, err := process.Usage()
	if err != nil || usage.MaxResidentBytes == 0 {
		t.Fatalf("usage is %+v, %v", usage, err)
	}
}

func TestProcessFailures(t *testing.T) {
	ctx := within(t)
	process, err := brood.StartProcess(greet, "", brood.Stderr(brood.Null))
	must(t, err)
	err = process.Wait(ctx)
	var remote *brood.RemoteError
	if !errors.As(err, &remote) || remote.Message != "nobody to greet" {
		t.Fatalf("got %#v", err)
	}
	if code, err := process.ExitCode(); err != nil || code != 1 {
		t.Fatalf("ended with %d, %v", code, err)
	}
	event, err := brood.NewEvent()
	must(t, err)
	process, err = brood.StartProcess(started, event)
	must(t, err)
	must(t, event.Wait(ctx))
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := process.Wait(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if children, err := brood.ActiveChildren(); err != nil || len(children) != 1 || children[0] != process.Pid() {
		t.Fatalf("children are %v, %v", children, err)
	}
	must(t, process.Kill())
	var lost *brood.WorkerLost
	if err := process.Wait(ctx); !errors.As(err, &lost) || lost.Signal != syscall.SIGKILL {
		t.Fatalf("got %#v", err)
	}
}

func TestSpawn(t *testing.T) {
	ctx := within(t)
	process, err := brood.Spawn("cat", nil, brood.Stdin(brood.Piped), brood.Stdout(brood.Piped))
	must(t, err)
	input, output := process.Stdin(ctx), bufio.NewReader(process.Stdout(ctx))
	for _, line := range []string{"one\n", "two\n"} {
		_, err := io.WriteString(input, line)
		must(t, err)
		got, err := output.ReadString('\n')
		if err != nil || got != line {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	must(t, input.Close())
	must(t, process.Wait(ctx))

	path := t.TempDir() + "/out"
	process, err = brood.Spawn("sh", []string{"-c", "echo $A; exit 3"}, brood.Env("A=b"), brood.Stdout(brood.File(path)))
	must(t, err)
	var lost *brood.WorkerLost
	if err := process.Wait(ctx); !errors.As(err, &lost) || lost.ExitCode != 3 {
		t.Fatalf("got %#v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "b\n" {
		t.Fatalf("wrote %q, %v", text, err)
	}
	_, err = brood.Spawn("/nowhere/at/all", nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	process, err = brood.Spawn("sleep", []string{"1000"})
	must(t, err)
	must(t, process.Stop(ctx, limit))
	if process.Alive() {
		t.Fatal("it is alive")
	}
}
