package brood_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"brood"
)

func ExampleMap() {
	pool, err := brood.NewPool(brood.Workers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	// var fibTask = brood.Func("fib", fib)
	results, err := brood.Map(context.Background(), pool, fibTask, []int{10, 20})
	fmt.Println(results, err)
	// Output: [55 6765] <nil>
}

func ExampleSubmit() {
	pool, err := brood.NewPool(brood.Workers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ctx := context.Background()
	future, err := brood.Submit(ctx, pool, fibTask, 20)
	if err != nil {
		fmt.Println(err)
		return
	}
	select {
	case <-future.Done():
		fmt.Println(future.Wait(ctx))
	case <-ctx.Done():
	}
	// Output: 6765 <nil>
}

func ExampleWorkerLost() {
	pool, err := brood.NewPool(brood.Workers(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	// kill sends its own process a signal.
	_, err = brood.Run(context.Background(), pool, kill, int(syscall.SIGKILL))
	var lost *brood.WorkerLost
	if errors.As(err, &lost) {
		fmt.Println(lost.Signal, lost.Pid > 0)
	}
	// Output: killed true
}

func ExampleQueue() {
	ctx := context.Background()
	queue, err := brood.NewQueue[string](brood.Capacity(100))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer queue.Close()
	for _, word := range []string{"one", "two"} {
		if err := queue.Put(ctx, word); err != nil {
			fmt.Println(err)
		}
	}
	if err := queue.Shutdown(); err != nil {
		fmt.Println(err)
	}
	for {
		word, err := queue.Get(ctx)
		if errors.Is(err, brood.ErrClosed) {
			break
		}
		fmt.Println(word, err)
	}
	// Output:
	// one <nil>
	// two <nil>
}

func ExampleArray_Slice() {
	pool, err := brood.NewPool(brood.Workers(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	array, err := brood.NewArray[float64](3)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer array.Close()
	elements, err := array.Slice()
	if err != nil {
		fmt.Println(err)
		return
	}
	copy(elements, []float64{1, 2, 3})
	// scale doubles each element, where it lies.
	sum, err := brood.Run(context.Background(), pool, scale, array)
	fmt.Println(sum, elements, err)
	// Output: 12 [2 4 6] <nil>
}

func ExampleStream() {
	pool, err := brood.NewPool(brood.Workers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	ctx := context.Background()
	stream, err := brood.NewStream(pool, fibTask)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stream.Close()
	for n := 5; n < 8; n++ {
		if err := stream.Push(ctx, n); err != nil {
			fmt.Println(err)
		}
	}
	if err := stream.Finish(); err != nil {
		fmt.Println(err)
	}
	for {
		item, err := stream.Next(ctx)
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(item.Index, item.Value, item.Err)
	}
	// Output:
	// 0 5 <nil>
	// 1 8 <nil>
	// 2 13 <nil>
	// EOF
}
