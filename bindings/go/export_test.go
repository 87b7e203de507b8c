package brood

// What the tests of package brood_test see of the inside.

// EncodeForTest gives the bytes of a value, and how many handles are in it.
func EncodeForTest(value any) ([]byte, int, error) {
	p := newPacker()
	defer p.release()
	_, err := p.pack(value, false)
	return append([]byte(nil), p.buf...), len(p.handles), err
}

// DecodeForTest reads a value without handles.
func DecodeForTest(data []byte) (any, error) {
	var value any
	err := unpackMsgpack(data, 0, 0, &value)
	return value, err
}
