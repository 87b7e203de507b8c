package brood

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"brood/internal/low"
)

var runtimeState struct {
	sync.RWMutex
	mainCalled bool
	started    bool
	shutDown   bool
	failure    error
}

// Main is the guard: call it first in main, and in TestMain of tests that start workers.
//
// In the program that the user started it returns. In a process that brood started it serves tasks and then
// exits: what comes after it in main never runs there.
func Main() {
	err := start()
	if err == nil && low.Is_worker() {
		tidyName()
		os.Exit(serve())
	}
	if err != nil && os.Getenv("BROOD_HANDOFF") != "" {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func start() error {
	s := &runtimeState
	s.Lock()
	defer s.Unlock()
	if s.mainCalled {
		return s.failure
	}
	s.mainCalled = true
	options := newRecord("start_options")
	defer options.free()
	options.set("manual_worker", true)
	options.set("command", command())
	s.failure = options.err
	if s.failure == nil {
		s.failure = failed(low.Start(options.low))
	}
	s.started = s.failure == nil
	return s.failure
}

// ready is asked by everything that makes something.
func ready() error {
	s := &runtimeState
	s.RLock()
	defer s.RUnlock()
	switch {
	case s.shutDown:
		return errorf(ErrClosed, "brood.Shutdown was called")
	case s.failure != nil:
		return s.failure
	case !s.started:
		return errorf(ErrState, "call brood.Main() first in main, or in TestMain: workers are this program, run again")
	}
	return nil
}

func isShutDown() bool {
	runtimeState.RLock()
	defer runtimeState.RUnlock()
	return runtimeState.shutDown
}

// Shutdown joins the children that are not daemons, ends those that are, and stops brood in this process. A
// program that ends without it takes its children with it.
func Shutdown() {
	s := &runtimeState
	s.Lock()
	started := s.started && !s.shutDown
	s.shutDown = true
	s.Unlock()
	if started {
		low.Shutdown()
	}
}

// IsWorker tells whether brood started this process.
func IsWorker() bool { return low.Is_worker() }

// WorkerID is this worker's number in its pool, from 0; -1 outside a pool's worker.
func WorkerID() int { return low.Worker_id() }

// ProcessName is the name that Name gave this process; "main" in the program that the user started.
func ProcessName() string { return low.Current_name() }

// ParentPid is the process that started this worker; 0 in the program that the user started.
func ParentPid() int { return int(low.Parent_pid()) }

// CPUCount is how many CPUs this process may use: its affinity, cut by the control group's quota.
func CPUCount() int { return int(low.Cpu_count()) }

// Version is that of the library.
func Version() string { return low.Version() }

// ActiveChildren lists the children of this process that still run, workers of pools excepted.
func ActiveChildren() ([]int, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	var numbers low.Numbers
	if err := failed(low.Active_children_list(&numbers)); err != nil {
		return nil, err
	}
	defer low.Numbers_free(numbers)
	pids := make([]int, low.Numbers_count(numbers))
	for i := range pids {
		pids[i] = int(low.Numbers_at(numbers, int64(i)))
	}
	return pids, nil
}

// command runs this same program again. By its file in /proc, that is even if the file was replaced meanwhile.
func command() []string {
	return append([]string{"/proc/" + strconv.Itoa(os.Getpid()) + "/exe"}, os.Args[1:]...)
}

// tidyName puts right what the path in /proc did to a worker's name.
func tidyName() {
	path, err := os.Executable()
	if err != nil {
		return
	}
	os.Args[0] = path
	if runtime.GOOS == "linux" {
		// For people who look at ps: no reason to fail.
		_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(path)), 0)
	}
}
