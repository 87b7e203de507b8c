package brood

import (
	"context"
	"sync"
	"sync/atomic"

	"brood/internal/low"
)

// The options of calls that ask for nothing special, made once for each codec.
var plainSubmit [4]struct {
	once sync.Once
	*record
}

// submitRecord gives the options of a call in C's form, and what frees them.
func submitRecord(c callOptions, codec uint8) (*record, func(), error) {
	if !c.given {
		plain := &plainSubmit[codec]
		plain.once.Do(func() { plain.record = makeSubmitRecord(callOptions{}, codec) })
		return plain.record, func() {}, plain.err
	}
	r := makeSubmitRecord(c, codec)
	return r, r.free, r.err
}

func makeSubmitRecord(c callOptions, codec uint8) *record {
	r := newRecord("submit_options")
	r.set("codec", int(codec))
	r.set("run_limit_ms", milliseconds(c.runLimit))
	r.set("retries", c.retries)
	return r
}

// Submit has a worker run the task, and gives a future of its result. With MaxPending it waits for room, until
// the context is done.
func Submit[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], argument A, options ...CallOption) (*Future[R], error) {
	object, err := pool.h.enter()
	if err != nil {
		return nil, err
	}
	defer pool.h.leave()
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	p := newPacker()
	defer p.release()
	codec, err := p.pack(argument, pool.useGob)
	if err != nil {
		return nil, err
	}
	future, err := submitPacked(ctx, pool, object, task.name, p, codec, callOptionsOf(options))
	if err != nil {
		return nil, err
	}
	return &Future[R]{h: own(future, low.Future_free)}, nil
}

func submitPacked(ctx context.Context, pool *Pool, object low.Pool, name string, p *packer, codec uint8, c callOptions) (low.Future, error) {
	r, free, err := submitRecord(c, codec)
	if err != nil {
		return 0, err
	}
	defer free()
	var msg low.Msg
	if len(p.handles) > 0 {
		if msg, err = p.message(codec); err != nil {
			return 0, err
		}
	}
	var future low.Future
	call := func(options low.Record) *low.Failure {
		if msg != 0 {
			return low.Pool_submit_msg(object, name, msg, options, &future)
		}
		return low.Pool_submit(object, name, p.buf, options, &future)
	}
	failure := call(r.low)
	if isStatus(failure, ErrTimeout) && pool.maxPending {
		waiting := makeSubmitRecord(c, codec)
		defer waiting.free()
		err = waitWhole(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			waiting.set("wait_ms", timeout)
			waiting.set("cancel", cancel)
			return call(waiting.low)
		})
	} else {
		err = failed(failure)
	}
	if err != nil {
		low.Msg_free(msg)
	}
	return future, err
}

var directCalls atomic.Int32

const mostDirectCalls = 16

// Run submits the task and waits for its result. When the context is done first, the task is cancelled: a running
// one's worker is killed.
func Run[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], argument A, options ...CallOption) (R, error) {
	var result R
	p := newPacker()
	defer p.release()
	codec, err := p.pack(argument, pool.useGob)
	if err != nil {
		return result, err
	}
	// A call that waits in C is the quickest, and holds an OS thread: only so many do.
	defer directCalls.Add(-1)
	if directCalls.Add(1) > mostDirectCalls || len(p.handles) > 0 || pool.maxPending {
		return runByFuture(ctx, pool, task, argument, options)
	}
	r, free, err := submitRecord(callOptionsOf(options), codec)
	if err != nil {
		return result, err
	}
	defer free()
	err = pool.h.do(func(object low.Pool) error {
		var msg low.Msg
		err := waitWhole(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
			return low.Pool_call(object, task.name, p.buf, r.low, timeout, cancel, &msg)
		})
		if err != nil {
			return err
		}
		defer low.Msg_free(msg)
		return unpack(msg, headOf(msg), &result)
	})
	return result, err
}

func runByFuture[A, R any](ctx context.Context, pool *Pool, task *Task[A, R], argument A, options []CallOption) (R, error) {
	future, err := Submit(ctx, pool, task, argument, options...)
	if err != nil {
		var zero R
		return zero, err
	}
	defer future.Close()
	result, err := future.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		_ = future.Cancel()
	}
	return result, err
}
