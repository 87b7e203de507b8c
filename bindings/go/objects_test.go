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
	scale = brood.Func("scale", func(array *brood.Array[float64]) (float64, error) {
		elements, err := array.Slice()
		sum := 0.0
		for i := range elements {
			elements[i] *= 2
			sum += elements[i]
		}
		return sum, err
	})
	countUp = brood.Func("count up", func(shared counting) (int, error) {
		for i := 0; i < shared.Times; i++ {
			if err := shared.Lock.Lock(context.Background()); err != nil {
				return 0, err
			}
			now, err := shared.Plain.Load()
			if err == nil {
				err = shared.Plain.Store(now + 1)
			}
			if err != nil {
				return 0, err
			}
			if err := shared.Lock.Unlock(); err != nil {
				return 0, err
			}
			if _, err := brood.AddTo(shared.Atomic, 1); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	lockAndDie = brood.Func("lock and die", func(lock *brood.Lock) (int, error) {
		err := lock.Lock(context.Background())
		if err == nil {
			dieNow()
		}
		return 0, err
	})
	meet = brood.Func("meet", func(barrier *brood.Barrier) (int, error) { return barrier.Wait(context.Background()) })
)

type counting struct {
	Lock          *brood.Lock
	Plain, Atomic *brood.Value[int64]
	Times         int
}

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

func TestSharedArray(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(1)), within(t)
	array, err := brood.NewArray[float64](1000)
	must(t, err)
	elements, err := array.Slice()
	must(t, err)
	for i := range elements {
		elements[i] = float64(i)
	}
	sum, err := brood.Run(ctx, pool, scale, array)
	if err != nil || sum != 999000 || elements[999] != 1998 || array.Len() != 1000 {
		t.Fatalf("sum %v, last %v, %v", sum, elements[999], err)
	}
	fixed, err := array.ReadOnly()
	if err != nil || fixed[1] != 2 {
		t.Fatalf("got %v, %v", fixed[1], err)
	}
	copied := make([]float64, 3)
	must(t, array.Read(10, copied))
	must(t, array.Write(0, copied))
	if elements[2] != 24 {
		t.Fatalf("got %v", elements[:3])
	}
	wantStatus(t, array.Read(999, copied), brood.ErrInvalid)
	// Another language's array of other elements is refused, not misread.
	_, err = brood.Run(ctx, pool, brood.Remote[*brood.Array[int32], float64]("scale"), mustArray[int32](t, 4))
	wantStatus(t, err, brood.ErrRemote)

	type point struct{ X, Y int32 }
	points := mustArray[point](t, 3)
	must(t, points.Write(1, []point{{3, 4}}))
	got := make([]point, 1)
	must(t, points.Read(1, got))
	if got[0] != (point{3, 4}) {
		t.Fatalf("got %v", got)
	}
	_, err = brood.NewArray[string](1)
	wantStatus(t, err, brood.ErrInvalid)
	_, err = brood.NewValue(&elements)
	wantStatus(t, err, brood.ErrInvalid)
	must(t, array.Close())
}

func mustArray[T any](t *testing.T, count int) *brood.Array[T] {
	t.Helper()
	array, err := brood.NewArray[T](count)
	must(t, err)
	t.Cleanup(func() { _ = array.Close() })
	return array
}

func TestLock(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(3)), within(t)
	lock, err := brood.NewLock()
	must(t, err)
	plain, err := brood.NewValue[int64](0)
	must(t, err)
	atomic, err := brood.NewValue[int64](0)
	must(t, err)
	_, err = brood.Map(ctx, pool, countUp, []counting{{lock, plain, atomic, 500}, {lock, plain, atomic, 500}, {lock, plain, atomic, 500}})
	must(t, err)
	for _, value := range []*brood.Value[int64]{plain, atomic} {
		if got, err := value.Load(); err != nil || got != 1500 {
			t.Fatalf("counted %d, %v", got, err)
		}
	}
	if swapped, err := brood.SwapIf(atomic, 1, 2); swapped || err != nil {
		t.Fatalf("swapped: %v, %v", swapped, err)
	}

	_, err = brood.Run(ctx, pool, lockAndDie, lock)
	wantStatus(t, err, brood.ErrWorkerLost)
	wantStatus(t, lock.Lock(ctx), brood.ErrOwnerDied)
	must(t, lock.Recover())
	if ok, err := lock.TryLock(); ok || err != nil || !lock.Locked() {
		t.Fatalf("a held lock gives %v, %v", ok, err)
	}
	must(t, lock.Unlock())
	wantStatus(t, lock.Unlock(), brood.ErrState)
}

func TestLocksOfOtherKinds(t *testing.T) {
	ctx := within(t)
	recursive, err := brood.NewRecursiveLock()
	must(t, err)
	me, you := brood.NewOwner(), brood.NewOwner()
	must(t, recursive.Lock(ctx, me))
	must(t, recursive.Lock(ctx, me))
	if ok, err := recursive.TryLock(you); ok || err != nil {
		t.Fatalf("two owners: %v, %v", ok, err)
	}
	wantStatus(t, recursive.Unlock(you), brood.ErrState)
	must(t, recursive.Unlock(me))
	must(t, recursive.Unlock(me))
	if recursive.Locked() {
		t.Fatal("still locked")
	}

	rw, err := brood.NewRWLock(brood.MaxReaders(4))
	must(t, err)
	must(t, rw.RLock(ctx))
	must(t, rw.RLock(ctx))
	if ok, err := rw.TryLock(); ok || err != nil {
		t.Fatalf("a writer beside readers: %v, %v", ok, err)
	}
	must(t, rw.RUnlock())
	must(t, rw.RUnlock())
	must(t, rw.Lock(ctx))
	if ok, err := rw.TryRLock(); ok || err != nil {
		t.Fatalf("a reader beside a writer: %v, %v", ok, err)
	}
	must(t, rw.Unlock())

	semaphore, err := brood.NewBoundedSemaphore(2)
	must(t, err)
	must(t, semaphore.Acquire(ctx))
	must(t, semaphore.Acquire(ctx))
	if ok, err := semaphore.TryAcquire(); ok || err != nil || semaphore.Value() != 0 {
		t.Fatalf("a third permit: %v, %v", ok, err)
	}
	must(t, semaphore.Release(2))
	wantStatus(t, semaphore.Release(1), brood.ErrState)
}

func TestBarrierEventCondition(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(2)), within(t)
	barrier, err := brood.NewBarrier(3)
	must(t, err)
	var futures [2]*brood.Future[int]
	for i := range futures {
		futures[i], err = brood.Submit(ctx, pool, meet, barrier)
		must(t, err)
	}
	index, err := barrier.Wait(ctx)
	must(t, err)
	indexes := map[int]bool{index: true}
	for _, future := range futures {
		index, err := future.Wait(ctx)
		must(t, err)
		indexes[index] = true
	}
	if len(indexes) != 3 {
		t.Fatalf("indexes are %v", indexes)
	}
	soon, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, err = barrier.Wait(soon)
	if !errors.Is(err, context.DeadlineExceeded) || !barrier.Broken() {
		t.Fatalf("got %v", err)
	}
	barrier.Reset()

	alone, err := brood.NewBarrier(1)
	must(t, err)
	ran := false
	_, err = alone.Do(ctx, func() error { ran = true; return nil })
	if err != nil || !ran {
		t.Fatalf("ran: %v, %v", ran, err)
	}

	lock, err := brood.NewLock()
	must(t, err)
	cond, err := brood.NewCond(lock, brood.MaxWaiters(8))
	must(t, err)
	flag, waiting := false, make(chan error)
	must(t, lock.Lock(ctx))
	go func() {
		err := lock.Lock(ctx)
		flag = true
		if err == nil {
			err = cond.Signal()
		}
		if err == nil {
			err = lock.Unlock()
		}
		waiting <- err
	}()
	for !flag {
		must(t, cond.Wait(ctx))
	}
	must(t, lock.Unlock())
	must(t, <-waiting)
}

func TestWait(t *testing.T) {
	ctx := within(t)
	one, err := brood.NewEvent()
	must(t, err)
	two, err := brood.NewEvent()
	must(t, err)
	two.Set()
	if index, err := brood.Wait(ctx, one, two); err != nil || index != 1 {
		t.Fatalf("got %d, %v", index, err)
	}
	_, err = brood.Wait(ctx)
	wantStatus(t, err, brood.ErrInvalid)
	token, err := brood.NewToken()
	must(t, err)
	ended, cancel := token.Context(ctx)
	defer cancel()
	token.Fire()
	<-ended.Done()
	if !token.Fired() {
		t.Fatal("the token is not fired")
	}
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
