package brood

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"brood/internal/low"
)

// Raw is bytes without any encoding: what a worker in C takes and gives, if it does not read MessagePack.
type Raw []byte

// What the bytes of a message hold.
const (
	codecRaw     uint8 = 0
	codecText    uint8 = 1
	codecMsgpack uint8 = 2
	codecNative  uint8 = 3
)

// Extensions of MessagePack that are brood's.
const (
	extHandle int8 = 1
	extCall   int8 = 2
	extTime   int8 = -1
)

// What gob's bytes begin with: the tag alone does not say whose own serialisation it is.
var gobMark = []byte("gob\x00")

var gobAccepted atomic.Bool

// AcceptGob lets this process decode gob values that others send. Without it they are refused: they are for
// programs that trust each other's types, and other languages cannot read them.
func AcceptGob() { gobAccepted.Store(true) }

// packer is where values become bytes. Objects in shared memory that stand in a value attach themselves.
type packer struct {
	buf     []byte
	handles []low.Handle
	leaves  []func() // of the objects that are held until the message has them
	encoder *msgpack.Encoder
}

var packers = sync.Pool{New: func() any {
	p := &packer{}
	p.encoder = msgpack.NewEncoder(p)
	p.encoder.UseCompactInts(true)
	p.encoder.SetSortMapKeys(true) // the same value is the same bytes
	return p
}}

func newPacker() *packer { return packers.Get().(*packer) }

// release gives the packer back: its bytes must not be used any more.
func (p *packer) release() {
	for _, leave := range p.leaves {
		leave()
	}
	p.buf, p.handles, p.leaves = p.buf[:0], p.handles[:0], p.leaves[:0]
	if cap(p.buf) <= 1<<20 {
		packers.Put(p)
	}
}

func (p *packer) Write(data []byte) (int, error) {
	p.buf = append(p.buf, data...)
	return len(data), nil
}

func (p *packer) WriteByte(b byte) error {
	p.buf = append(p.buf, b)
	return nil
}

// pack appends a value and says with which codec it was written.
func (p *packer) pack(value any, useGob bool) (uint8, error) {
	if raw, ok := value.(Raw); ok {
		p.buf = append(p.buf, raw...)
		return codecRaw, nil
	}
	if _, isUnit := value.(Unit); isUnit {
		value = nil // what nothing is in every language
	}
	if useGob {
		p.buf = append(p.buf, gobMark...)
		if value == nil {
			return codecNative, nil // gob has no form for nothing
		}
		return codecNative, gob.NewEncoder(p).Encode(&value)
	}
	return codecMsgpack, p.encoder.Encode(value)
}

// message makes a message of what was packed, with its handles attached.
func (p *packer) message(codec uint8) (low.Msg, error) {
	var msg low.Msg
	if err := failed(low.Msg_create(p.buf, codec, &msg)); err != nil {
		return 0, err
	}
	for _, handle := range p.handles {
		if err := failed(low.Msg_attach(msg, handle)); err != nil {
			low.Msg_free(msg)
			return 0, err
		}
	}
	return msg, nil
}

// packItem appends a value in the form of a list of bytes (brood_go.i): its size first, filled up after it.
func (p *packer) packItem(value any, useGob bool) (uint8, error) {
	at := len(p.buf)
	p.buf = append(p.buf, 0, 0, 0, 0, 0, 0, 0, 0)
	codec, err := p.pack(value, useGob)
	size := len(p.buf) - at - 8
	binary.LittleEndian.PutUint64(p.buf[at:], uint64(size))
	for len(p.buf)%8 != 0 {
		p.buf = append(p.buf, 0)
	}
	return codec, err
}

// unpacker reads a value out of a message's own bytes, and takes the handles that it names.
type unpacker struct {
	data  []byte
	at    int
	msg   low.Msg
	count int // of attached handles
	taken map[byte]any
	// Made once for many values.
	decoder *msgpack.Decoder
}

var unpackers = sync.Pool{New: func() any {
	u := &unpacker{}
	u.decoder = msgpack.NewDecoder(u)
	// Any in a field of a struct: int64, uint64 and float64, whatever the size of what was sent.
	u.decoder.UseLooseInterfaceDecoding(true)
	return u
}}

func (u *unpacker) Read(into []byte) (int, error) {
	if u.at == len(u.data) {
		return 0, io.EOF
	}
	n := copy(into, u.data[u.at:])
	u.at += n
	return n, nil
}

func (u *unpacker) ReadByte() (byte, error) {
	if u.at == len(u.data) {
		return 0, io.EOF
	}
	u.at++
	return u.data[u.at-1], nil
}

func (u *unpacker) UnreadByte() error {
	if u.at == 0 {
		return errors.New("brood: nothing was read")
	}
	u.at--
	return nil
}

func headOf(msg low.Msg) low.Head {
	var head low.Head
	low.Msg_head(msg, &head)
	return head
}

func bytesOf(head low.Head) []byte {
	if head.Size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(head.Data), head.Size)
}

// unpack reads the value of a message into a pointer. The message stays the caller's.
func unpack(msg low.Msg, head low.Head, into any) error {
	data := bytesOf(head)
	switch uint8(head.Codec) {
	case codecMsgpack:
		return unpackMsgpack(data, msg, int(head.Handles), into)
	case codecNative:
		return unpackGob(data, into)
	case codecText:
		return unpackText(string(data), into)
	default:
		return unpackRaw(data, into)
	}
}

func unpackMsgpack(data []byte, msg low.Msg, count int, into any) error {
	u := unpackers.Get().(*unpacker)
	u.data, u.at, u.msg, u.count = data, 0, msg, count
	defer func() {
		// The memory is the message's, and ends with it.
		u.data, u.taken = nil, nil
		unpackers.Put(u)
	}()
	decoder := u.decoder
	var err error
	switch target := into.(type) {
	case *any:
		*target, err = decodeAny(decoder, 0)
	case *Args:
		*target, err = decodeAs[[]any](decoder)
	case *[]any:
		*target, err = decodeAs[[]any](decoder)
	case *map[string]any:
		*target, err = decodeAs[map[string]any](decoder)
	case *Raw:
		*target, u.at = append(Raw(nil), u.data...), len(u.data)
	default:
		err = decoder.Decode(into)
	}
	if err == nil && u.at != len(u.data) {
		err = errors.New("there is more than one value")
	}
	if err != nil {
		return &Error{Status: ErrProtocol, Message: "the value is no " + typeName(into) + ": " + err.Error(), Cause: err}
	}
	return nil
}

func unpackGob(data []byte, into any) error {
	if !gobAccepted.Load() {
		return errorf(ErrInvalid, "a gob value came in, and this process was not told to accept them: brood.AcceptGob()")
	}
	if !bytes.HasPrefix(data, gobMark) {
		return errorf(ErrInvalid, "the value is in another language's own serialisation")
	}
	if len(data) == len(gobMark) {
		return assign(nil, into)
	}
	var value any
	if err := gob.NewDecoder(bytes.NewReader(data[len(gobMark):])).Decode(&value); err != nil {
		return &Error{Status: ErrProtocol, Message: err.Error(), Cause: err}
	}
	return assign(value, into)
}

func unpackText(text string, into any) error {
	switch target := into.(type) {
	case *string:
		*target = text
	case *any:
		*target = text
	default:
		return errorf(ErrProtocol, "the value is text, and no %s", typeName(into))
	}
	return nil
}

func unpackRaw(data []byte, into any) error {
	switch target := into.(type) {
	case *Raw:
		*target = append(Raw(nil), data...)
	case *[]byte:
		*target = append([]byte(nil), data...)
	case *any:
		if len(data) > 0 {
			*target = append([]byte(nil), data...)
		}
	default:
		// A function that answers nothing gives an empty message: that is the zero value.
		if len(data) > 0 {
			return errorf(ErrProtocol, "the value is bytes without an encoding, and no %s: use brood.Raw", typeName(into))
		}
	}
	return nil
}
