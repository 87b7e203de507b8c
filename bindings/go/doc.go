// Package brood runs tasks in other processes: pools, futures and streams, queues, pipes, locks and shared memory. A
// worker that crashes, hangs or is killed costs the task that it was running, and nothing else.
//
// A task is a function with a name. The workers are this same program, started again: Main, called first in main,
// is where they stay.
//
//	var Fib = brood.Func("fib", fib)
//
//	func main() {
//		brood.Main() // a worker does not come back from here
//		pool, err := brood.NewPool()
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer pool.Close()
//		results, err := brood.Map(context.Background(), pool, Fib, []int{10, 20, 30})
//		…
//	}
//
// # Values
//
// Arguments and results travel as MessagePack, which workers in other languages read as well: numbers, text, bytes,
// slices, maps, time.Time, and structs as maps by their fields' names (or `msgpack` tags). Queues, pipes, locks,
// arrays and the like may stand anywhere in a value, in fields and elements of their own types. Data that is decoded
// into an any is int64 (uint64 beyond it), float64, string, []byte, []any, map[string]any or map[any]any.
//
// # Waiting
//
// Each call that waits takes a context and ends with it at once. The error is both brood's and the context's:
// errors.Is(err, context.Canceled). Futures, and whatever has a Done channel, are served by one goroutine; other calls
// block an OS thread while they wait, as reading a file does.
//
// # Errors
//
// errors.Is compares with a Status, such as ErrClosed; errors.As finds *RemoteError, whose cause is the remote trace,
// *WorkerLost with exit code, signal and pid, *TaskTimeout, and *ItemError with the index of a map's input.
//
// # Other languages
//
// The option Command names the workers' program, in any language that brood has; Remote names a task of it.
package brood
