package brood

import (
	"fmt"

	"brood/internal/low"
)

// record is a struct of C's, filled by the names of its fields.
type record struct {
	low low.Record
	err error
}

func newRecord(kind string) *record {
	r := &record{low: low.Record_create(kind)}
	if r.low == 0 {
		r.err = errorf(ErrInternal, "there is no struct %s", kind)
	}
	return r
}

func (r *record) free() { low.Record_free(r.low) }

// set remembers the first failure.
func (r *record) set(name string, value any) {
	if r.err != nil {
		return
	}
	ok := true
	switch v := value.(type) {
	case bool:
		number := int64(0)
		if v {
			number = 1
		}
		ok = low.Record_set_int(r.low, name, number)
	case int:
		ok = low.Record_set_int(r.low, name, int64(v))
	case int64:
		ok = low.Record_set_int(r.low, name, v)
	case string:
		ok = low.Record_set_text(r.low, name, v)
	case []byte:
		ok = low.Record_set_bytes(r.low, name, v)
	case []string:
		for _, text := range v {
			ok = ok && low.Record_add_text(r.low, name, text)
		}
	case []int:
		for _, number := range v {
			ok = ok && number >= 0 && low.Record_add_int(r.low, name, uint(number))
		}
	case low.Cancel:
		ok = low.Record_set_cancel(r.low, name, v)
	default:
		panic(fmt.Sprintf("brood: option %s of type %T", name, value))
	}
	if !ok {
		r.err = errorf(ErrInvalid, "%s: %v is out of its range", name, value)
	}
}

func (r *record) number(name string) int64 { return low.Record_get_int(r.low, name) }
