package brood_test

import (
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"brood"
)

type golden struct {
	Name     string
	Type     string
	Value    json.RawMessage
	Hex      string
	ReadOnly bool `json:"read_only"`
}

// value is what the entry stands for in Go.
func (g golden) value(t *testing.T, objects map[int]any) any {
	t.Helper()
	read := func(into any) { must(t, json.Unmarshal(g.Value, into)) }
	text := ""
	if strings.HasPrefix(string(g.Value), `"`) {
		read(&text)
	}
	switch g.Type {
	case "nil":
		return nil
	case "bool":
		return string(g.Value) == "true"
	case "int":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
		n, err := strconv.ParseUint(text, 10, 64)
		must(t, err)
		return n
	case "float":
		f, err := strconv.ParseFloat(text, 64)
		must(t, err)
		if math.IsNaN(f) {
			return math.Float64frombits(0x7ff8000000000000) // Go's own has one more bit set
		}
		return f
	case "text":
		return text
	case "binary":
		data, err := hex.DecodeString(text)
		must(t, err)
		return data
	case "timestamp":
		var when struct{ Seconds, Nanoseconds int64 }
		read(&when)
		return time.Unix(when.Seconds, when.Nanoseconds)
	case "handles":
		var indexes []int
		read(&indexes)
		return objects[indexes[0]]
	case "array":
		var items []golden
		read(&items)
		array := []any{}
		for _, item := range items {
			array = append(array, item.value(t, objects))
		}
		return array
	case "map":
		var pairs [][2]golden
		read(&pairs)
		return g.mapOf(t, pairs, objects)
	case "call":
		var parts struct{ Arguments, Keywords golden }
		read(&parts)
		return brood.Call{
			Args:     parts.Arguments.value(t, objects).([]any),
			Keywords: parts.Keywords.value(t, objects).(map[string]any),
		}
	}
	t.Fatalf("%s: unknown type %s", g.Name, g.Type)
	return nil
}

func (g golden) mapOf(t *testing.T, pairs [][2]golden, objects map[int]any) any {
	t.Helper()
	byText, byAny := map[string]any{}, map[any]any{}
	for _, pair := range pairs {
		key, value := pair[0].value(t, objects), pair[1].value(t, objects)
		byAny[key] = value
		if text, ok := key.(string); ok {
			byText[text] = value
		}
	}
	if len(byText) == len(byAny) {
		return byText
	}
	return byAny
}

func sameValue(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

func TestGoldenValues(t *testing.T) {
	text, err := os.ReadFile("../golden/values.json")
	must(t, err)
	var entries []golden
	must(t, json.Unmarshal(text, &entries))
	lock, err := brood.NewLock()
	must(t, err)
	queue, err := brood.NewQueue[any]()
	must(t, err)
	cond, err := brood.NewCond(lock)
	must(t, err)
	for _, entry := range entries {
		if strings.Contains(string(entry.Value), "handles") || entry.Type == "handles" {
			continue // see TestGoldenHandles
		}
		data, err := hex.DecodeString(entry.Hex)
		must(t, err)
		want := entry.value(t, nil)
		got, err := brood.DecodeForTest(data)
		if err != nil || !sameValue(got, want) {
			t.Errorf("%s: read %#v (%T), %v; want %#v", entry.Name, got, got, err, want)
		}
		if entry.ReadOnly {
			continue
		}
		written, _, err := brood.EncodeForTest(want)
		if err != nil || hex.EncodeToString(written) != entry.Hex {
			t.Errorf("%s: wrote %x, %v; want %s", entry.Name, written, err, entry.Hex)
		}
	}
	if len(entries) < 60 {
		t.Fatalf("%d golden values", len(entries))
	}
	// Handles are numbered in the order in which they stand in the value.
	for want, value := range map[string]any{
		"d40100":                     queue,
		"d5010001":                   cond,
		"81a57175657565d40100":       map[string]any{"queue": queue},
		"93d40100d40101d40102":       []any{queue, lock, queue},
		"92d40100c706029291d4010180": []any{queue, brood.Call{Args: []any{lock}}},
	} {
		written, handles, err := brood.EncodeForTest(value)
		if err != nil || hex.EncodeToString(written) != want || handles == 0 {
			t.Errorf("%T: wrote %x with %d handles, %v; want %s", value, written, handles, err, want)
		}
	}
	if written, _, err := brood.EncodeForTest(brood.Unit{}); err != nil || hex.EncodeToString(written) != "c0" {
		t.Errorf("Unit is written as %x, %v, and not as nil", written, err)
	}
	if _, err := brood.DecodeForTest([]byte{0xd4, 0x01, 0x00}); err == nil {
		t.Error("a handle that did not come was read")
	}
}

func TestBytesThatAreNoValue(t *testing.T) {
	for _, text := range []string{
		"", "c1", "d9", "d9ff41", "dc", "dd7fffffff", "df7fffffff", "c6ffffffff00", "c7ff01", "d401", "01ff", "9101ff",
		"c70bff", "d6ff0000", "d7ffffffffffffffffff", "c70102c0", "81c0", "d50100", "8190c0", strings.Repeat("91", 100000),
	} {
		data, err := hex.DecodeString(text)
		must(t, err)
		if value, err := brood.DecodeForTest(data); err == nil {
			t.Errorf("%.20s was read as %#v", text, value)
		}
	}
}

type record struct {
	Name  string
	Tags  []string
	When  time.Time
	Inner *record `msgpack:"inner"`
	Any   any
}

var (
	echoRecord = brood.Func("echo record", func(r record) (record, error) { return r, nil })
	rawLength  = brood.Func("raw", func(raw brood.Raw) (brood.Raw, error) {
		return brood.Raw(fmt.Sprint(len(raw))), nil
	})
	acceptGob = brood.Func("accept gob", func(brood.Unit) (int, error) {
		brood.AcceptGob()
		return 0, nil
	})
	nothing = brood.Func("nothing", func(brood.Unit) (brood.Unit, error) { return brood.Unit{}, nil })
)

func init() { gob.Register(record{}) }

func TestValues(t *testing.T) {
	pool, ctx := newPool(t, brood.Workers(1)), within(t)
	want := record{"a", []string{"b", "c"}, time.Unix(5, 7), &record{Name: "inside"}, int64(3)}
	got, err := brood.Run(ctx, pool, echoRecord, want)
	must(t, err)
	if !got.When.Equal(want.When) || got.Inner.Name != "inside" || got.Any != int64(3) {
		t.Fatalf("got %+v", got)
	}
	raw, err := brood.Run(ctx, pool, rawLength, brood.Raw(make([]byte, 100000)))
	if err != nil || string(raw) != "100000" {
		t.Fatalf("got %q, %v", raw, err)
	}
	if _, err := brood.Run(ctx, pool, nothing, brood.Unit{}); err != nil {
		t.Fatal(err)
	}
	_, err = brood.Run(ctx, pool, echo, any(make(chan int)))
	contains(t, err.Error(), "chan int")
	big := strings.Repeat("ä", 1<<20)
	if n, err := brood.Run(ctx, pool, length, big); err != nil || n != len(big) {
		t.Fatalf("got %d, %v", n, err)
	}
}

func TestGob(t *testing.T) {
	ctx := within(t)
	pool := newPool(t, brood.Workers(1), brood.UseGob())
	_, err := brood.Run(ctx, pool, echoRecord, record{Name: "a"})
	contains(t, err.Error(), "AcceptGob")
	brood.AcceptGob()
	accepting := newPool(t, brood.Workers(1), brood.UseGob(), brood.Initializer(acceptGob, brood.Unit{}))
	got, err := brood.Run(ctx, accepting, echoRecord, record{Name: "a", Any: 3})
	if err != nil || got.Name != "a" || got.Any != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := brood.Run(ctx, accepting, nothing, brood.Unit{}); err != nil {
		t.Fatal(err)
	}
	all, err := brood.Map(ctx, accepting, echoRecord, []record{{Name: "b"}, {Name: "c"}})
	if err != nil || all[1].Name != "c" {
		t.Fatalf("got %+v, %v", all, err)
	}
}
