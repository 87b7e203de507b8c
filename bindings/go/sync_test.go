package brood_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"brood"
)

var (
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
