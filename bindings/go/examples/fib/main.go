// The classic first example: two Fibonacci numbers in two processes, then many with a pool.
package main

import (
	"context"
	"fmt"
	"io"
	"log"

	"brood"
)

func fib(n int) (int, error) {
	if n < 2 {
		return n, nil
	}
	a, _ := fib(n - 1)
	b, _ := fib(n - 2)
	return a + b, nil
}

var (
	fibTask = brood.Func("fib", fib)
	// A process of its own has no caller to give a result to: it prints.
	printFib = brood.Func("print_fib", func(n int) (brood.Unit, error) {
		value, err := fib(n)
		fmt.Printf("fib(%d) = %d", n, value)
		return brood.Unit{}, err
	})
)

func twoProcesses(ctx context.Context) error {
	var processes []*brood.Process
	for _, n := range []int{27, 28} {
		process, err := brood.StartProcess(printFib, n, brood.Stdout(brood.Piped))
		if err != nil {
			return err
		}
		defer process.Close()
		processes = append(processes, process)
	}
	for i, process := range processes {
		text, err := io.ReadAll(process.Stdout(ctx))
		if err == nil {
			err = process.Wait(ctx)
		}
		if err != nil {
			return err
		}
		fmt.Printf("process %d says: %s\n", i+1, text)
	}
	return nil
}

func mapWithAPool(ctx context.Context) error {
	pool, err := brood.NewPool() // as many workers as CPUs
	if err != nil {
		return err
	}
	defer pool.Close()
	inputs := make([]int, 25)
	for i := range inputs {
		inputs[i] = i
	}
	results, err := brood.Map(ctx, pool, fibTask, inputs)
	for n, value := range results {
		fmt.Printf("fib(%d) = %d\n", n, value)
	}
	return err
}

func main() {
	brood.Main() // a worker does not come back from here
	ctx := context.Background()
	for _, part := range []func(context.Context) error{twoProcesses, mapWithAPool} {
		if err := part(ctx); err != nil {
			log.Fatal(err)
		}
	}
	brood.Shutdown()
}
