package main

import (
	"encoding/json"
	"os"
	"sync"
)

// values are what an event tells besides its name.
type values map[string]any

// teller writes events to standard output, a JSON object a line.
type teller struct {
	mutex sync.Mutex
	out   *json.Encoder
}

func newTeller() *teller {
	return &teller{out: json.NewEncoder(os.Stdout)}
}

// tell writes an event; whoever reads it decides how fast. Bytes that are no UTF-8 become U+FFFD.
func (t *teller) tell(event string, more values) {
	told := values{"event": event}
	for name, value := range more {
		told[name] = value
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	_ = t.out.Encode(told) // nobody reads any more: standard input ends as well
}
