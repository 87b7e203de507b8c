package brood

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// What travels: objects in shared memory stand in a value as the index of an attached handle.

// attach writes an object's extension; each of its handles is held until the message has it.
func attach(encoder *msgpack.Encoder, objects ...Waitable) error {
	p, ok := encoder.Writer().(*packer)
	if !ok {
		return errors.New("brood: an object in shared memory travels inside brood's messages only: pass it to a task")
	}
	indexes := make([]byte, 0, 2)
	for _, object := range objects {
		handle, leave, err := object.waitable()
		if err != nil {
			return err
		}
		p.leaves = append(p.leaves, leave)
		indexes = append(indexes, byte(len(p.handles)))
		p.handles = append(p.handles, handle)
	}
	if err := encoder.EncodeExtHeader(extHandle, len(indexes)); err != nil {
		return err
	}
	_, err := p.Write(indexes)
	return err
}

// readHandles reads the extension of an object with so many handles.
func readHandles(decoder *msgpack.Decoder, count int) (*unpacker, []byte, error) {
	u, ok := decoder.Buffered().(*unpacker)
	if !ok {
		return nil, nil, errors.New("brood: an object in shared memory travels inside brood's messages only")
	}
	code, size, err := decoder.DecodeExtHeader()
	if err != nil {
		return nil, nil, err
	}
	if code != extHandle || size != count {
		return nil, nil, fmt.Errorf("extension %d of %d bytes is not what was expected", code, size)
	}
	indexes := make([]byte, size)
	return u, indexes, decoder.ReadFull(indexes)
}

// take gives attached handle number `index`, each time the same.
func take[T ~uintptr](u *unpacker, index byte, call func(low.Msg, int64, *T) *low.Failure, free func(T)) (*handle[T], error) {
	if int(index) >= u.count {
		return nil, errors.New("the value names a handle that did not come with it")
	}
	if known, ok := u.taken[index]; ok {
		if h, ok := known.(*handle[T]); ok {
			return h, nil
		}
		return nil, errors.New("the value names one handle as two kinds of things")
	}
	var made T
	if err := failed(call(u.msg, int64(index), &made)); err != nil {
		return nil, err
	}
	if u.taken == nil {
		u.taken = make(map[byte]any)
	}
	h := own(made, free)
	u.taken[index] = h
	return h, nil
}

// decodeOne is DecodeMsgpack of an object with one handle.
func decodeOne[T ~uintptr](d *msgpack.Decoder, call func(low.Msg, int64, *T) *low.Failure, free func(T)) (*handle[T], error) {
	u, indexes, err := readHandles(d, 1)
	if err != nil {
		return nil, err
	}
	return take(u, indexes[0], call, free)
}

// takeAny makes an object of whatever type the handle is.
func (u *unpacker) takeAny(indexes []byte) (any, error) {
	if len(indexes) == 0 || int(indexes[0]) >= u.count {
		return nil, errors.New("the value names a handle that did not come with it")
	}
	at := indexes[0]
	switch kind := low.Msg_handle_type(u.msg, int64(at)); kind {
	case low.HANDLE_CANCEL:
		h, err := take(u, at, low.Msg_take_cancel, low.Cancel_free)
		return &Token{h}, err
	case low.HANDLE_LOCK:
		h, err := take(u, at, low.Msg_take_lock, low.Lock_free)
		return &Lock{h}, err
	case low.HANDLE_SEMAPHORE:
		h, err := take(u, at, low.Msg_take_semaphore, low.Semaphore_free)
		return &Semaphore{h}, err
	case low.HANDLE_CONDITION:
		return u.takeCondition(indexes)
	case low.HANDLE_EVENT:
		h, err := take(u, at, low.Msg_take_event, low.Event_free)
		return &Event{h}, err
	case low.HANDLE_BARRIER:
		h, err := take(u, at, low.Msg_take_barrier, low.Barrier_free)
		return &Barrier{h}, err
	case low.HANDLE_RWLOCK:
		h, err := take(u, at, low.Msg_take_rwlock, low.Rwlock_free)
		return &RWLock{h}, err
	case low.HANDLE_SHARED:
		h, err := take(u, at, low.Msg_take_shared, low.Shared_free)
		if err != nil {
			return nil, err
		}
		return arrayOfAny(h)
	case low.HANDLE_QUEUE:
		h, err := take(u, at, low.Msg_take_queue, low.Queue_free)
		return &Queue[any]{h}, err
	case low.HANDLE_PIPE:
		h, err := take(u, at, low.Msg_take_pipe, low.Pipe_free)
		return &Pipe{h}, err
	default:
		return nil, fmt.Errorf("the value names a handle of the unknown type %d", kind)
	}
}

func (u *unpacker) takeCondition(indexes []byte) (*Cond, error) {
	if len(indexes) != 2 {
		return nil, errors.New("a condition travels with its lock")
	}
	lock, err := take(u, indexes[1], low.Msg_take_lock, low.Lock_free)
	if err != nil {
		return nil, err
	}
	condition, err := take(u, indexes[0], low.Msg_take_condition, low.Condition_free)
	return &Cond{condition, &Lock{lock}}, err
}

// decodeTime reads the timestamp extension.
func decodeTime(u *unpacker, size int) (any, error) {
	data := u.data[u.at : u.at+size]
	u.at += size
	var seconds int64
	var nanoseconds uint32
	switch size {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(data))
	case 8:
		word := binary.BigEndian.Uint64(data)
		seconds, nanoseconds = int64(word&(1<<34-1)), uint32(word>>34)
	case 12:
		nanoseconds, seconds = binary.BigEndian.Uint32(data), int64(binary.BigEndian.Uint64(data[4:]))
	default:
		return nil, fmt.Errorf("a time of %d bytes", size)
	}
	if nanoseconds > 999999999 {
		return nil, errors.New("a time with more than a second of nanoseconds")
	}
	return time.Unix(seconds, int64(nanoseconds)), nil
}
