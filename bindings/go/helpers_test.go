package brood_test

import (
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// dieNow is a death without any good-bye.
func dieNow() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func sameType(a, b any) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }

// pause lets others run before the next look at something that tells nobody when it changes.
func pause(t *testing.T) {
	t.Helper()
	if _, err := syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 1000}); err != nil && err != syscall.EINTR {
		t.Fatal(err)
	}
}

// statusLine is a number in this process's status.
func statusLine(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	must(t, err)
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			number, err := strconv.Atoi(fields[1])
			must(t, err)
			return number
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
