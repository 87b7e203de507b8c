package brood

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// Args are several arguments of a task in another language, which takes them one by one.
type Args []any

// Call is arguments with keywords, for tasks in languages that have them.
type Call struct {
	Args     []any
	Keywords map[string]any
}

// Ext is a MessagePack extension that is neither brood's nor a time.
type Ext struct {
	Type int8
	Data []byte
}

const deepestValue = 1000

// EncodeMsgpack implements msgpack.CustomEncoder.
func (c Call) EncodeMsgpack(encoder *msgpack.Encoder) error {
	p, ok := encoder.Writer().(*packer)
	if !ok {
		return errors.New("brood: a Call travels inside brood's messages only")
	}
	inner := newPacker()
	defer inner.release()
	// Handles inside count with those of the whole message.
	inner.handles = append(inner.handles, p.handles...)
	keywords := c.Keywords
	if keywords == nil {
		keywords = map[string]any{}
	}
	args := c.Args
	if args == nil {
		args = []any{}
	}
	if _, err := inner.pack([]any{args, keywords}, false); err != nil {
		return err
	}
	p.handles = append(p.handles[:0], inner.handles...)
	p.leaves = append(p.leaves, inner.leaves...)
	inner.leaves = inner.leaves[:0]
	if err := encoder.EncodeExtHeader(extCall, len(inner.buf)); err != nil {
		return err
	}
	_, err := p.Write(inner.buf)
	return err
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (e Ext) EncodeMsgpack(encoder *msgpack.Encoder) error {
	if err := encoder.EncodeExtHeader(e.Type, len(e.Data)); err != nil {
		return err
	}
	_, err := encoder.Writer().Write(e.Data)
	return err
}

// decodeAny reads a value of whatever type: nil, bool, int64, uint64 beyond it, float64, string, []byte, []any,
// map[string]any, map[any]any, time.Time, Call, Ext, and brood's own objects.
func decodeAny(d *msgpack.Decoder, depth int) (any, error) {
	if depth > deepestValue {
		return nil, errors.New("the value is nested too deep")
	}
	code, err := d.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case code == msgpcode.Nil:
		return nil, d.DecodeNil()
	case code == msgpcode.False, code == msgpcode.True:
		return d.DecodeBool()
	case code == msgpcode.Float, code == msgpcode.Double:
		return d.DecodeFloat64()
	case code == msgpcode.Uint64:
		n, err := d.DecodeUint64()
		if n <= math.MaxInt64 {
			return int64(n), err
		}
		return n, err
	case msgpcode.IsFixedNum(code), code >= msgpcode.Uint8 && code <= msgpcode.Int64:
		return d.DecodeInt64()
	case msgpcode.IsString(code):
		return d.DecodeString()
	case msgpcode.IsBin(code):
		return d.DecodeBytes()
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return decodeArray(d, depth)
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return decodeMap(d, depth)
	case msgpcode.IsExt(code):
		return decodeExt(d, depth)
	}
	return nil, fmt.Errorf("0x%02x begins no value", code)
}

func decodeAs[T any](d *msgpack.Decoder) (T, error) {
	value, err := decodeAny(d, 0)
	typed, ok := value.(T)
	if err == nil && !ok && value != nil {
		err = fmt.Errorf("it is a %T", value)
	}
	return typed, err
}

func decodeArray(d *msgpack.Decoder, depth int) (any, error) {
	count, err := d.DecodeArrayLen()
	if err != nil {
		return nil, err
	}
	// The count may lie: memory grows with what is really there.
	array := make([]any, 0, minInt(count, 1024))
	for i := 0; i < count; i++ {
		item, err := decodeAny(d, depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, item)
	}
	return array, nil
}

func decodeMap(d *msgpack.Decoder, depth int) (any, error) {
	count, err := d.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	byText, byAny := make(map[string]any, minInt(count, 1024)), map[any]any(nil)
	for i := 0; i < count; i++ {
		key, err := decodeAny(d, depth+1)
		if err != nil {
			return nil, err
		}
		value, err := decodeAny(d, depth+1)
		if err != nil {
			return nil, err
		}
		text, isText := key.(string)
		if !isText && byAny == nil {
			byAny = make(map[any]any, count-i)
			for k, v := range byText {
				byAny[k] = v
			}
		}
		switch {
		case byAny == nil:
			byText[text] = value
		case key != nil && !reflect.TypeOf(key).Comparable():
			return nil, fmt.Errorf("a %T cannot be the key of a map", key)
		default:
			byAny[key] = value
		}
	}
	if byAny != nil {
		return byAny, nil
	}
	return byText, nil
}

func decodeExt(d *msgpack.Decoder, depth int) (any, error) {
	code, size, err := d.DecodeExtHeader()
	if err != nil {
		return nil, err
	}
	u, ok := d.Buffered().(*unpacker)
	if !ok || size < 0 || size > len(u.data)-u.at {
		return nil, errors.New("an extension is longer than the value")
	}
	data := append([]byte(nil), u.data[u.at:u.at+size]...)
	switch code {
	case extHandle:
		u.at += size
		return u.takeAny(data)
	case extTime:
		return decodeTime(u, size)
	case extCall:
		parts, err := decodeAny(d, depth+1)
		if err != nil {
			return nil, err
		}
		if pair, ok := parts.([]any); ok && len(pair) == 2 {
			args, isArray := pair[0].([]any)
			keywords, isMap := pair[1].(map[string]any)
			if isArray && isMap {
				return Call{args, keywords}, nil
			}
		}
		return nil, errors.New("a call is an array of arguments and a map of keywords")
	}
	u.at += size
	return Ext{code, data}, nil
}

// assign puts a value into a pointer, if it is of its type.
func assign(value any, into any) error {
	target := reflect.ValueOf(into).Elem()
	if value == nil {
		target.Set(reflect.Zero(target.Type()))
		return nil
	}
	if !reflect.TypeOf(value).AssignableTo(target.Type()) {
		return errorf(ErrProtocol, "the value is a %T, and no %s", value, typeName(into))
	}
	target.Set(reflect.ValueOf(value))
	return nil
}

// typeName is the type that a pointer points to.
func typeName(pointer any) string { return strings.TrimPrefix(fmt.Sprintf("%T", pointer), "*") }

func minInt(a, b int) int {
	if a < b {
		return a
	}
	return b
}
