package brood_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"brood"
)

// Roles are programs of their own that tests start: this test binary again, with BROOD_TEST_ROLE saying what to do.
var roles = map[string]func(context.Context) error{
	"victim":      victim,
	"interrupted": interrupted,
}

// withoutMain is the role "no main".
func withoutMain() {
	_, poolError := brood.NewPool()
	_, queueError := brood.NewQueue[int]()
	if !errors.Is(poolError, brood.ErrState) || !errors.Is(queueError, brood.ErrState) {
		fmt.Println(poolError, queueError)
		os.Exit(1)
	}
	os.Exit(0)
}

// playRole does what BROOD_TEST_ROLE says, and does not come back from it.
func playRole() {
	name := os.Getenv("BROOD_TEST_ROLE")
	if name == "" {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := roles[name](ctx); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	brood.Shutdown()
	os.Exit(0)
}

// inRole starts a program in a role, by Go's own means.
func inRole(t *testing.T, name string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "BROOD_TEST_ROLE="+name)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	return command, bufio.NewReader(output)
}

// victim has workers that are busy, and a process, and tells their pids.
func victim(ctx context.Context) error {
	pool, err := brood.NewPool(brood.Workers(2))
	if err != nil {
		return err
	}
	queue, err := brood.NewQueue[int]()
	if err != nil {
		return err
	}
	for i := 0; i < 2; i++ {
		if _, err := brood.Submit(ctx, pool, tellPid, queue); err != nil {
			return err
		}
	}
	process, err := brood.StartProcess(tellPid, queue)
	if err != nil {
		return err
	}
	defer process.Close()
	for i := 0; i < 3; i++ {
		pid, err := queue.Get(ctx)
		if err != nil {
			return err
		}
		fmt.Println(pid)
	}
	select {}
}

var tellPid = brood.Func("tell pid", func(queue *brood.Queue[int]) (int, error) {
	if err := queue.Put(context.Background(), os.Getpid()); err != nil {
		return 0, err
	}
	for { // busy, and deaf to everything but a kill
	}
})

func TestHostKilled(t *testing.T) {
	host, output := inRole(t, "victim")
	var pids []int
	for len(pids) < 3 {
		line, err := output.ReadString('\n')
		must(t, err)
		var pid int
		if _, err := fmt.Sscan(line, &pid); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		pids = append(pids, pid)
	}
	must(t, host.Process.Kill())
	ctx := within(t)
	for _, pid := range pids {
		for alive(pid) {
			if ctx.Err() != nil {
				t.Fatalf("process %d is alive", pid)
			}
			pause(t)
		}
	}
}

// alive tells whether a process runs; a dead one that nobody has waited for does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	return fields[0] != "Z" && fields[0] != "X"
}

// interrupted waits, by each kind of wait, until Ctrl-C.
func interrupted(ctx context.Context) error {
	queue, err := brood.NewQueue[int]()
	if err != nil {
		return err
	}
	lock, err := brood.NewLock()
	if err != nil {
		return err
	}
	if err := lock.Lock(ctx); err != nil {
		return err
	}
	pool, err := brood.NewPool(brood.Workers(1))
	if err != nil {
		return err
	}
	future, err := brood.Submit(ctx, pool, hang, brood.Unit{})
	if err != nil {
		return err
	}
	waits := []func() error{
		func() error { _, err := queue.Get(ctx); return err },
		func() error { return lock.Lock(ctx) },
		func() error { _, err := future.Wait(ctx); return err },
		func() error { _, err := brood.Map(ctx, pool, hang, []brood.Unit{{}}); return err },
		func() error { _, err := brood.Run(ctx, pool, hang, brood.Unit{}); return err },
	}
	ended := make(chan error)
	for _, wait := range waits {
		wait := wait
		go func() { ended <- wait() }()
	}
	fmt.Println("waiting")
	for range waits {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return fmt.Errorf("a wait ended with %w", err)
		}
	}
	fmt.Println("interrupted")
	return pool.Close()
}

func TestInterrupt(t *testing.T) {
	host, output := inRole(t, "interrupted")
	line, err := output.ReadString('\n')
	if err != nil || line != "waiting\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	must(t, host.Process.Signal(syscall.SIGINT))
	line, err = output.ReadString('\n')
	if err != nil || line != "interrupted\n" {
		t.Fatalf("got %q, %v", line, err)
	}
}

// The guard comes before everything else: without it nothing can be made, and no worker can run the program again.
func TestWithoutMain(t *testing.T) {
	command, _ := inRole(t, "no main")
	must(t, command.Wait())
}
