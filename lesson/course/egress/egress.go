package egress

import (
	_ "embed"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/lesson/course/lab"
	"fd3/sockets/kernel"
	"fd3/sockets/path"
	"fd3/sockets/stage"
)

//go:embed egress.md
var markdown string

// Lesson is the lesson egress.
var Lesson = lab.Lesson{
	ID:    "egress",
	Words: markdown,
	Experiments: lab.Experiments{
		"grow": grow,
		"when": when,
	},
	Exercises: lab.Exercises{"lie": lie},
}

const text = "hello"

func grow(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "send", Do: func() {
			_, _, fd := l.Connection()
			_, way := l.Way(lab.Client, stage.Order{Do: "sendto", FD: fd, Data: []byte(text), Flags: unix.MSG_NOSIGNAL})
			left, _ := way.Find("net_dev_start_xmit")
			taken, _ := way.Find("sock_send_length")
			if left == nil {
				l.Fatalf("the driver was not seen to get a packet")
			}
			data := len(text)
			if taken != nil {
				data = taken.Len
			}
			l.Note("data", data)
			l.Note("frame", left.Len)
			l.Note("link", left.Network)
			l.Note("internet", left.Transport-left.Network)
			l.Note("rest", left.Len-left.Transport)
			switch {
			case left.Len == data:
				l.Answer("five")
			case left.Len >= unix.Getpagesize():
				l.Answer("page")
			default:
				l.Answer("more")
			}
		}},
	}
}

func when(l *lab.Lab) []lab.Step {
	return []lab.Step{
		{Name: "send", Do: func() {
			_, conn, fd := l.Connection()
			call, marks := l.Stamped(lab.Client, fd, lab.Server, conn, text)
			l.ShowMarks(call, marks)
			at := make(map[string]path.Mark)
			for _, m := range marks {
				at[m.Place] = m
			}
			driver, acknowledged := at["driver"], at["acknowledged"]
			if driver.At.IsZero() || acknowledged.At.IsZero() {
				l.Fatalf("the kernel has not stamped the packet: %d stamps", len(marks))
			}
			l.Note("driver", lesson.Took(driver.At.Sub(call.Start)))
			l.Note("acknowledged", lesson.Took(acknowledged.At.Sub(call.Start)))
			l.Note("returned", lesson.Took(call.Duration))
			if lab.Before(call, acknowledged) {
				l.Answer("before")
			} else {
				l.Answer("after")
			}
		}},
	}
}

// lie wants bytes that have arrived and that nobody has read.
func lie(l *lab.Lab) lab.Check {
	const target = 1000
	_, addr := l.Listener(8)
	l.Note("target", target)
	l.Note("lie", 0)
	var since time.Time
	return func() (bool, string) {
		most := 0
		for _, row := range l.Look(addr).Here(kernel.Established) {
			most = max(most, row.Unread().Bytes)
			if row.Unread().Bytes != target {
				continue
			}
			if since.IsZero() { // more may be on its way
				since = time.Now()
			}
			if time.Since(since) < 200*time.Millisecond {
				return false, "the bytes are there. Is that all of them?"
			}
			l.Note("lie", target)
			return true, fmt.Sprintf("%d bytes lie there", target)
		}
		since = time.Time{}
		if most > 0 {
			return false, fmt.Sprintf("%d bytes lie there, not %d", most, target)
		}
		return false, "no byte lies there"
	}
}
