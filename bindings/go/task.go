package brood

import (
	"fmt"
	"reflect"
	"sync"

	"brood/internal/low"
)

// Task is a function with a name, from A to R. Names travel between processes, functions do not.
type Task[A, R any] struct {
	name string
	run  func(A) (R, error)
}

// Name is what the task is called in every process.
func (t *Task[A, R]) Name() string { return t.name }

// Run calls the function here, in this process. A Remote task has none.
func (t *Task[A, R]) Run(argument A) (R, error) {
	if t.run == nil {
		var zero R
		return zero, errorf(ErrNoFunction, "the task %q runs in another program only", t.name)
	}
	return t.run(argument)
}

// Unit is the argument, or the result, of a task that has none.
type Unit = struct{}

// registered is a task as the worker's loop sees it.
type registered func(args low.Msg, p *packer, useGob bool) (codec uint8, err error)

var tasks = struct {
	sync.RWMutex
	byName map[string]registered
}{byName: make(map[string]registered)}

// Func names a function as a task. Call it where variables of the package are initialised, so that every worker
// has the task too:
//
//	var Fib = brood.Func("fib", func(n int) (int, error) { … })
//
// A and R are whatever MessagePack can hold, and objects of this package in it. Func panics if the name is
// empty, longer than 255 bytes or taken, and after Main.
func Func[A, R any](name string, run func(A) (R, error)) *Task[A, R] {
	register(name, func(args low.Msg, p *packer, useGob bool) (uint8, error) {
		var argument A
		if err := unpack(args, headOf(args), &argument); err != nil {
			return 0, err
		}
		result, err := run(argument)
		if err != nil {
			return 0, err
		}
		return p.pack(result, useGob)
	})
	return &Task[A, R]{name, run}
}

// Func2 names a function of two arguments, which callers in other languages pass one by one; in Go they are Args.
func Func2[A, B, R any](name string, run func(A, B) (R, error)) *Task[Args, R] {
	register(name, func(args low.Msg, p *packer, useGob bool) (uint8, error) {
		var pair pairOf[A, B]
		if err := unpack(args, headOf(args), &pair); err != nil {
			return 0, err
		}
		result, err := run(pair.First, pair.Second)
		if err != nil {
			return 0, err
		}
		return p.pack(result, useGob)
	})
	return &Task[Args, R]{name, func(args Args) (R, error) {
		first, isA := argumentAt[A](args, 0)
		second, isB := argumentAt[B](args, 1)
		if len(args) != 2 || !isA || !isB {
			var zero R
			return zero, errorf(ErrInvalid, "the task %q takes %T and %T", name, first, second)
		}
		return run(first, second)
	}}
}

type pairOf[A, B any] struct {
	_msgpack struct{} `msgpack:",as_array"` //nolint:unused // read by msgpack
	First    A
	Second   B
}

func argumentAt[T any](args Args, i int) (T, bool) {
	if i >= len(args) {
		var zero T
		return zero, false
	}
	value, ok := args[i].(T)
	return value, ok
}

// Remote is a task that another program has: the workers of a pool with a Command, whatever their language.
func Remote[A, R any](name string) *Task[A, R] { return &Task[A, R]{name: name} }

func register(name string, run registered) {
	if name == "" || len(name) > 255 {
		panic(fmt.Sprintf("brood: the name of a task has 1 to 255 bytes: %q", name))
	}
	runtimeState.RLock()
	late := runtimeState.mainCalled
	runtimeState.RUnlock()
	if late {
		panic(fmt.Sprintf("brood: the task %q is made after brood.Main, where no worker would know it", name))
	}
	tasks.Lock()
	defer tasks.Unlock()
	if _, taken := tasks.byName[name]; taken {
		panic(fmt.Sprintf("brood: there are two tasks %q", name))
	}
	tasks.byName[name] = run
}

func findTask(name string) (registered, error) {
	tasks.RLock()
	defer tasks.RUnlock()
	run, ok := tasks.byName[name]
	if !ok {
		return nil, errorf(ErrNoFunction, "there is no task %q in this program", name)
	}
	return run, nil
}

// The initializer of pools: its argument has no codec tag on its way, so it is a pair of the task's name and the
// value, in MessagePack, in every language.
const initializerName = "brood.initialize"

func init() {
	tasks.byName[initializerName] = func(args low.Msg, p *packer, useGob bool) (uint8, error) {
		var pair []any
		if err := unpackMsgpack(bytesOf(headOf(args)), 0, 0, &pair); err != nil {
			return 0, err
		}
		name, ok := "", len(pair) == 2
		if ok {
			name, ok = pair[0].(string)
		}
		if !ok {
			return 0, errorf(ErrProtocol, "the initializer has no name")
		}
		run, err := findTask(name)
		if err != nil {
			return 0, err
		}
		return runWith(run, pair[1])
	}
}

// runWith runs a task on a value of this process.
func runWith(run registered, value any) (uint8, error) {
	p := newPacker()
	defer p.release()
	codec, err := p.pack(value, false)
	if err != nil {
		return 0, err
	}
	msg, err := p.message(codec)
	if err != nil {
		return 0, err
	}
	defer low.Msg_free(msg)
	out := newPacker()
	defer out.release()
	_, err = run(msg, out, false)
	return codecMsgpack, err
}

// kindOf is the type of an error, for whoever gets it elsewhere.
func kindOf(err error) string { return reflect.TypeOf(err).String() }
