package brood

import (
	"context"
	"sync"

	"brood/internal/low"
)

const forever = -1

// tokens that nobody uses now: making one takes shared memory.
var tokens struct {
	sync.Mutex
	free []low.Cancel
}

const spareTokens = 64

func takeToken() (low.Cancel, error) {
	tokens.Lock()
	defer tokens.Unlock()
	if n := len(tokens.free); n > 0 {
		token := tokens.free[n-1]
		tokens.free = tokens.free[:n-1]
		return token, nil
	}
	var token low.Cancel
	return token, failed(low.Cancel_create(&token))
}

func giveToken(token low.Cancel) {
	low.Cancel_reset(token)
	tokens.Lock()
	defer tokens.Unlock()
	if len(tokens.free) < spareTokens {
		tokens.free = append(tokens.free, token)
	} else {
		low.Cancel_free(token)
	}
}

// wait makes a call that may wait, and ends it when the context is done. What is there at once is taken
// without a token. The call blocks an OS thread while it lasts, as reading a file does.
func wait(ctx context.Context, call func(timeout int64, cancel low.Cancel) *low.Failure) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if failure := call(0, 0); !isStatus(failure, ErrTimeout) {
		return failed(failure)
	}
	return waitWhole(ctx, call)
}

// waitWhole is wait for calls that must not be tried first: a party that gives up breaks its barrier.
func waitWhole(ctx context.Context, call func(timeout int64, cancel low.Cancel) *low.Failure) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if ctx.Done() == nil {
		return failed(call(forever, 0))
	}
	token, err := takeToken()
	if err != nil {
		return err
	}
	// The token is given back once the goroutine that fires it is over: nobody else's wait may end by it.
	over, joined := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(joined)
		select {
		case <-ctx.Done():
			low.Cancel_fire(token)
		case <-over:
		}
	}()
	failure := call(forever, token)
	close(over)
	<-joined
	giveToken(token)
	if isStatus(failure, ErrCanceled) && ctx.Err() != nil {
		return contextError(ctx)
	}
	return failed(failure)
}

// Waitable is what Wait can wait for: futures, processes, queues, pipes, locks, semaphores, events.
type Waitable interface {
	// waitable gives the common view, and what to call when it is not needed any more.
	waitable() (low.Handle, func(), error)
}

// Wait waits until one of them is ready and gives its index. Nothing is taken by it.
func Wait(ctx context.Context, objects ...Waitable) (int, error) {
	handles := make([]low.Handle, len(objects))
	for i, object := range objects {
		handle, leave, err := object.waitable()
		if err != nil {
			return -1, err
		}
		defer leave()
		handles[i] = handle
	}
	var index uint64
	err := wait(ctx, func(timeout int64, cancel low.Cancel) *low.Failure {
		return low.Wait_any(handles, timeout, cancel, &index)
	})
	if err != nil {
		return -1, err
	}
	return int(index), nil
}

// viewOf is waitable() of whatever has a handle.
func viewOf[T ~uintptr](h *handle[T], view func(T) low.Handle) (low.Handle, func(), error) {
	object, err := h.enter()
	if err != nil {
		return 0, nil, err
	}
	return view(object), h.leave, nil
}
