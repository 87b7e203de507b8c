package brood_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"brood"
)

var (
	double = brood.Func("double", func(queues [2]*brood.Queue[int]) (int, error) {
		count := 0
		for {
			value, err := queues[0].Get(context.Background())
			if errors.Is(err, brood.ErrClosed) {
				return count, nil
			}
			if err == nil {
				err = queues[1].Put(context.Background(), 2*value)
			}
			if err != nil {
				return count, err
			}
			count++
		}
	})
	takeAndDie = brood.Func("take and die", func(queue *brood.Queue[string]) (int, error) {
		_, err := queue.GetLease(context.Background())
		if err == nil {
			dieNow()
		}
		return 0, err
	})
	talk = brood.Func("talk", func(pipe *brood.Pipe) (int, error) {
		var text string
		if err := pipe.Recv(context.Background(), &text); err != nil {
			return 0, err
		}
		return len(text), pipe.Send(context.Background(), map[string]int{text: len(text)})
	})
)

func TestQueue(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(2)), within(t)
	in, err := brood.NewQueue[int](brood.Capacity(10))
	must(t, err)
	out, err := brood.NewQueue[int]()
	must(t, err)
	var futures []*brood.Future[int]
	for i := 0; i < 2; i++ {
		future, err := brood.Submit(ctx, pool, double, [2]*brood.Queue[int]{in, out})
		must(t, err)
		futures = append(futures, future)
	}
	values := make([]int, 500)
	for i := range values {
		values[i] = i
	}
	if count, err := in.PutMany(ctx, values); err != nil || count != 500 {
		t.Fatalf("put %d, %v", count, err)
	}
	must(t, in.Put(ctx, 500))
	must(t, in.Shutdown())
	wantStatus(t, in.Put(ctx, 1), brood.ErrClosed)
	total := 0
	for _, future := range futures {
		count, err := future.Wait(ctx)
		must(t, err)
		total += count
	}
	sum, got := 0, 0
	for got < 501 {
		some, err := out.GetMany(ctx, 100)
		must(t, err)
		for _, value := range some {
			sum += value
		}
		got += len(some)
	}
	if total != 501 || sum != 500*501 || out.Len() != 0 {
		t.Fatalf("%d values, sum %d, %d left", total, sum, out.Len())
	}
	if _, ok, err := out.TryGet(); ok || err != nil {
		t.Fatalf("an empty queue gives %v, %v", ok, err)
	}
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := out.Get(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	must(t, out.Close())
	_, err = out.Get(ctx)
	wantStatus(t, err, brood.ErrClosed)
}

func TestJoinableQueueAndLease(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(1)), within(t)
	queue, err := brood.NewQueue[string](brood.Joinable(), brood.Capacity(1))
	must(t, err)
	must(t, queue.Put(ctx, "once"))
	if ok, err := queue.TryPut("more"); ok || err != nil {
		t.Fatalf("a full queue takes %v, %v", ok, err)
	}
	// The one who takes it dies: it comes again.
	_, err = brood.Run(ctx, pool, takeAndDie, queue)
	wantStatus(t, err, brood.ErrWorkerLost)
	lease, err := queue.GetLease(ctx)
	must(t, err)
	if lease.Value != "once" {
		t.Fatalf("got %q", lease.Value)
	}
	must(t, lease.Close())
	lease, err = queue.GetLease(ctx)
	must(t, err)
	must(t, lease.Ack())
	wantStatus(t, lease.Ack(), brood.ErrClosed)
	must(t, queue.Join(ctx))
	must(t, queue.Put(ctx, "twice"))
	_, err = queue.Get(ctx)
	must(t, err)
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := queue.Join(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	must(t, queue.TaskDone())
	must(t, queue.Join(ctx))
	stats, err := queue.Stats()
	if err != nil || stats.Put != 2 || stats.Finished != 2 || stats.Lost != 0 {
		t.Fatalf("stats are %+v, %v", stats, err)
	}
}

func TestPipe(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(1)), within(t)
	ours, theirs, err := brood.NewPipe()
	must(t, err)
	future, err := brood.Submit(ctx, pool, talk, theirs)
	must(t, err)
	must(t, ours.Send(ctx, "häuser"))
	var answer map[string]int
	must(t, ours.Recv(ctx, &answer))
	if answer["häuser"] != 7 {
		t.Fatalf("got %v", answer)
	}
	_, err = future.Wait(ctx)
	must(t, err)
	must(t, future.Close())
	must(t, theirs.Close())
	must(t, pool.Terminate(ctx))
	wantStatus(t, ours.Recv(ctx, &answer), brood.ErrClosed)

	receiver, sender, err := brood.NewOneWayPipe()
	must(t, err)
	wantStatus(t, receiver.Send(ctx, 1), brood.ErrInvalid)
	if ready, err := receiver.Ready(); ready || err != nil {
		t.Fatalf("an empty pipe is ready: %v, %v", ready, err)
	}
	must(t, sender.Send(ctx, 1))
	must(t, receiver.Poll(ctx))
	must(t, receiver.Shutdown())
}

func TestHandlesInMessages(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(1)), within(t)
	queue, err := brood.NewQueue[any]()
	must(t, err)
	// As an any, twice the same, deep in a value: out and back.
	got, err := brood.Run(ctx, pool, echo, any(map[string]any{"queues": []any{queue, 1, queue}}))
	must(t, err)
	list := got.(map[string]any)["queues"].([]any)
	back := list[0].(*brood.Queue[any])
	must(t, back.Put(ctx, queue))
	inside, err := queue.Get(ctx)
	must(t, err)
	must(t, inside.(*brood.Queue[any]).Put(ctx, "hello"))
	if hello, err := queue.Get(ctx); err != nil || hello != "hello" {
		t.Fatalf("got %v, %v", hello, err)
	}
	// All kinds.
	lock, err := brood.NewLock()
	must(t, err)
	cond, err := brood.NewCond(lock)
	must(t, err)
	event, err := brood.NewEvent()
	must(t, err)
	a, _, err := brood.NewPipe()
	must(t, err)
	semaphore, err := brood.NewSemaphore(1)
	must(t, err)
	barrier, err := brood.NewBarrier(1)
	must(t, err)
	rw, err := brood.NewRWLock()
	must(t, err)
	token, err := brood.NewToken()
	must(t, err)
	all := []any{lock, cond, event, a, semaphore, barrier, rw, token, mustArray[uint16](t, 2)}
	got, err = brood.Run(ctx, pool, echo, any(all))
	must(t, err)
	for i, object := range got.([]any) {
		if sameType(object, all[i]) {
			continue
		}
		t.Fatalf("a %T came back as a %T", all[i], object)
	}
	must(t, got.([]any)[1].(*brood.Cond).L.Lock(ctx))
	if ok, err := lock.TryLock(); ok || err != nil {
		t.Fatalf("it is another lock: %v, %v", ok, err)
	}
}

func TestCloseInUse(t *testing.T) {
	ctx := within(t)
	for i := 0; i < 50; i++ {
		queue, err := brood.NewQueue[int]()
		must(t, err)
		var group sync.WaitGroup
		for g := 0; g < 4; g++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for {
					if err := queue.Put(ctx, 1); err != nil {
						if !errors.Is(err, brood.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			}()
		}
		must(t, queue.Close())
		must(t, queue.Close())
		group.Wait()
	}
}
