package brood

import (
	"sync"

	"brood/internal/low"
)

// The one goroutine that waits for everything that has a Done channel. It blocks one OS thread, and ends when
// nothing is left to wait for.
var completions struct {
	sync.Mutex
	low     low.Completions
	next    uint64
	waiting map[uint64]func()
	running bool
}

// whenReady calls done, which must not wait, once the handle is ready.
func whenReady(handle low.Handle, done func()) error {
	c := &completions
	c.Lock()
	defer c.Unlock()
	if c.low == 0 {
		// C may write to a variable of its own, and to none beside Go pointers.
		var made low.Completions
		if err := failed(low.Completions_create(&made)); err != nil {
			return err
		}
		c.low = made
		c.waiting = make(map[uint64]func())
	}
	c.next++
	if err := failed(low.Completions_add(c.low, handle, c.next)); err != nil {
		return err
	}
	c.waiting[c.next] = done
	if !c.running {
		c.running = true
		go complete()
	}
	return nil
}

func complete() {
	c := &completions
	for {
		var tag uint64
		failure := low.Completions_next(c.low, forever, 0, &tag)
		c.Lock()
		if failure != nil {
			// Nothing is registered, unless that has changed just now. Or brood was shut down.
			c.running = len(c.waiting) > 0 && !isShutDown()
			over := !c.running
			if over {
				for _, done := range c.waiting {
					done()
				}
				c.waiting = make(map[uint64]func())
			}
			c.Unlock()
			if over {
				return
			}
			continue
		}
		done := c.waiting[tag]
		delete(c.waiting, tag)
		c.Unlock()
		if done != nil {
			done()
		}
	}
}
