// Go's part of the matrix: the tasks as a worker, the checks as a host. See README.md beside this file.
//
// usage: matrix COMMAND...   (the workers' program)
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"syscall"
	"time"

	"brood"
)

// What several arguments are to a task: a struct that MessagePack writes as an array.
type lockedAddArgs struct {
	_msgpack struct{} `msgpack:",as_array"` //nolint:unused // read by msgpack
	Lock     *brood.Lock
	Array    *brood.Array[int64]
	Queue    *brood.Queue[bool]
}

var (
	square = brood.Func("square", func(n int64) (int64, error) { return n * n, nil })
	echo   = brood.Func("echo", func(value any) (any, error) { return value, nil })
	fail   = brood.Func("fail", func(text string) (brood.Unit, error) { return brood.Unit{}, errors.New(text) })
	crash  = brood.Func("crash", func(brood.Unit) (brood.Unit, error) {
		return brood.Unit{}, syscall.Kill(os.Getpid(), syscall.SIGKILL)
	})
	hang      = brood.Func("hang", doHang)
	fill      = brood.Func2("fill", doFill)
	lockedAdd = brood.Func("locked_add", doLockedAdd)
	scale     = brood.Func2("scale", doScale)
)

func doHang(queue *brood.Queue[string]) (brood.Unit, error) {
	if err := queue.Put(context.Background(), "running"); err != nil {
		return brood.Unit{}, err
	}
	select {}
}

func doFill(queue *brood.Queue[int], count int) (brood.Unit, error) {
	for i := 0; i < count; i++ {
		if err := queue.Put(context.Background(), i); err != nil {
			return brood.Unit{}, err
		}
	}
	return brood.Unit{}, nil
}

func doLockedAdd(args lockedAddArgs) (unit brood.Unit, err error) {
	ctx := context.Background()
	free, err := args.Lock.TryLock()
	if err != nil {
		return unit, err
	}
	if err := args.Queue.Put(ctx, free); err != nil {
		return unit, err
	}
	if !free {
		if err := args.Lock.Lock(ctx); err != nil {
			return unit, err
		}
	}
	elements, err := args.Array.Slice()
	if err != nil {
		return unit, err
	}
	elements[0]++
	return unit, args.Lock.Unlock()
}

func doScale(array *brood.Array[float64], factor float64) (brood.Unit, error) {
	elements, err := array.Slice()
	for i := range elements {
		elements[i] *= factor
	}
	return brood.Unit{}, err
}

// ---- the host -----------------------------------------------------------------------------------

func goesOn(ctx context.Context, pool *brood.Pool) error {
	if n, err := brood.Run(ctx, pool, square, 9); err != nil || n != 81 {
		return fmt.Errorf("the next task gives %v, %v", n, err)
	}
	return nil
}

func checkMap(ctx context.Context, pool *brood.Pool) error {
	inputs := make([]int64, 100)
	for i := range inputs {
		inputs[i] = int64(i)
	}
	squares, err := brood.Map(ctx, pool, square, inputs)
	if err != nil {
		return err
	}
	for i, n := range squares {
		if n != int64(i*i) {
			return fmt.Errorf("the square of %d is %d", i, n)
		}
	}
	return nil
}

func checkValues(ctx context.Context, pool *brood.Pool) error {
	values := []any{
		nil, true, false, int64(-1), int64(math.MaxInt64), int64(math.MinInt64), 1.5, -0.1, "", "Größe 日本語 🐦",
		[]byte{0, 255, 128}, []any{}, []any{int64(1), []any{2.5, []any{"x", nil}}},
		map[string]any{"Maß": map[string]any{"deep": []any{int64(1), map[string]any{"a": []byte{1}}}}},
		time.Unix(1700000000, 250_000_000),
	}
	for _, value := range values {
		back, err := brood.Run(ctx, pool, echo, value)
		if err != nil {
			return fmt.Errorf("%#v: %w", value, err)
		}
		moment, isTime := value.(time.Time)
		if other, ok := back.(time.Time); isTime && ok && moment.Equal(other) {
			continue
		}
		if !reflect.DeepEqual(back, value) {
			return fmt.Errorf("%#v came back as %#v", value, back)
		}
	}
	return nil
}

func checkError(ctx context.Context, pool *brood.Pool) error {
	_, err := brood.Run(ctx, pool, fail, "Größe 7 fehlt")
	var remote *brood.RemoteError
	if !errors.As(err, &remote) {
		return fmt.Errorf("got %v", err)
	}
	if remote.Kind == "" || !strings.Contains(remote.Message, "Größe 7 fehlt") || remote.Pid == 0 || remote.Pid == os.Getpid() {
		return fmt.Errorf("got kind %q, message %q, pid %d", remote.Kind, remote.Message, remote.Pid)
	}
	return nil
}

func checkCrash(ctx context.Context, pool *brood.Pool) error {
	_, err := brood.Run(ctx, pool, crash, brood.Unit{})
	var lost *brood.WorkerLost
	if !errors.As(err, &lost) || lost.Signal != syscall.SIGKILL || lost.Pid == 0 {
		return fmt.Errorf("got %v", err)
	}
	return goesOn(ctx, pool)
}

func checkTimeout(ctx context.Context, pool *brood.Pool) error {
	queue, err := brood.NewQueue[string]()
	if err != nil {
		return err
	}
	_, err = brood.Run(ctx, pool, hang, queue, brood.RunLimit(200*time.Millisecond))
	if !errors.Is(err, brood.ErrTaskTimeout) {
		return fmt.Errorf("got %v", err)
	}
	return goesOn(ctx, pool)
}

func checkCancel(ctx context.Context, pool *brood.Pool) error {
	queue, err := brood.NewQueue[string]()
	if err != nil {
		return err
	}
	future, err := brood.Submit(ctx, pool, hang, queue)
	if err != nil {
		return err
	}
	if text, err := queue.Get(ctx); err != nil || text != "running" {
		return fmt.Errorf("it says %q, %v", text, err)
	}
	if err := future.Cancel(); err != nil {
		return err
	}
	if _, err := future.Wait(ctx); !errors.Is(err, brood.ErrCanceled) {
		return fmt.Errorf("got %v", err)
	}
	return goesOn(ctx, pool)
}

func checkQueue(ctx context.Context, pool *brood.Pool) error {
	queue, err := brood.NewQueue[int]()
	if err != nil {
		return err
	}
	future, err := brood.Submit(ctx, pool, fill, brood.Args{queue, 1000})
	if err != nil {
		return err
	}
	for i := 0; i < 1000; i++ {
		if n, err := queue.Get(ctx); err != nil || n != i {
			return fmt.Errorf("number %d is %d, %v", i, n, err)
		}
	}
	if _, err := future.Wait(ctx); err != nil || queue.Len() != 0 {
		return fmt.Errorf("at the end %d are left, %v", queue.Len(), err)
	}
	return nil
}

func checkLock(ctx context.Context, pool *brood.Pool) error {
	lock, lockErr := brood.NewLock()
	array, arrayErr := brood.NewArray[int64](1)
	queue, queueErr := brood.NewQueue[bool]()
	if lockErr != nil || arrayErr != nil || queueErr != nil {
		return fmt.Errorf("%v, %v, %v", lockErr, arrayErr, queueErr)
	}
	elements, err := array.Slice()
	if err != nil {
		return err
	}
	if err := lock.Lock(ctx); err != nil {
		return err
	}
	future, err := brood.Submit(ctx, pool, lockedAdd, lockedAddArgs{Lock: lock, Array: array, Queue: queue})
	if err != nil {
		return err
	}
	if free, err := queue.Get(ctx); err != nil || free {
		return fmt.Errorf("the worker got the lock: %v, %v", free, err)
	}
	if future.Ready() || elements[0] != 0 {
		return errors.New("the worker did not wait for the lock")
	}
	if err := lock.Unlock(); err != nil {
		return err
	}
	if _, err := future.Wait(ctx); err != nil || elements[0] != 1 {
		return fmt.Errorf("the element is %d, %v", elements[0], err)
	}
	return array.Close()
}

func checkArray(ctx context.Context, pool *brood.Pool) error {
	array, err := brood.NewArray[float64](1000)
	if err != nil {
		return err
	}
	elements, err := array.Slice()
	if err != nil {
		return err
	}
	for i := range elements {
		elements[i] = float64(i) + 0.5
	}
	if _, err := brood.Run(ctx, pool, scale, brood.Args{array, 2.5}); err != nil {
		return err
	}
	for i, element := range elements {
		if element != (float64(i)+0.5)*2.5 {
			return fmt.Errorf("element %d is %v", i, element)
		}
	}
	return array.Close()
}

var checks = []struct {
	name string
	run  func(context.Context, *brood.Pool) error
}{
	{"map", checkMap}, {"values", checkValues}, {"error", checkError}, {"crash", checkCrash}, {"timeout", checkTimeout},
	{"cancel", checkCancel}, {"queue", checkQueue}, {"lock", checkLock}, {"array", checkArray},
}

func run() (failed int, err error) {
	pool, err := brood.NewPool(brood.Workers(1), brood.Command(os.Args[1], os.Args[2:]...))
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := check.run(ctx, pool); err != nil {
			fmt.Printf("failed %s: %v\n", check.name, err)
			failed++
		} else {
			fmt.Printf("ok %s\n", check.name)
		}
		cancel()
	}
	return failed, nil
}

func main() {
	brood.Main() // a worker does not come back from here
	failed, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("%d checks, %d failed\n", len(checks), failed)
	if failed > 0 {
		os.Exit(1)
	}
}
