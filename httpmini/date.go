package httpmini

import "time"

// ParseDate reads an HTTP-date in each of the three formats that a recipient
// has to accept (RFC 9110 section 5.6.7):
//
//	Sun, 06 Nov 1994 08:49:37 GMT    IMF-fixdate, the one that is sent today
//	Sunday, 06-Nov-94 08:49:37 GMT   RFC 850, with a year of two digits
//	Sun Nov  6 08:49:37 1994         asctime(3)
//
// Each is read to the letter: case, spaces and zeros count, the zone is GMT.
// The day has to exist in its month, and only 23:59 has a second 60, the leap
// second, which is the next midnight here. The weekday has to be the name of a
// day, but not that of this date: it says nothing that the date does not, and
// with two digits of the year nobody can tell which it should be.
//
// Two digits stand for the latest year that is not more than 50 years ahead, so
// that format asks the clock.
func ParseDate(b []byte) (t time.Time, ok bool) {
	r := dateReader{rest: b}
	switch len(b) {
	case len("Sun, 06 Nov 1994 08:49:37 GMT"):
		r.name(weekdays)
		r.text(", ")
		day := r.number(2)
		r.text(" ")
		month := r.name(months)
		r.text(" ")
		year := r.number(4)
		r.text(" ")
		clock := r.clock()
		r.text(" GMT")
		return r.date(year, month, day, clock)
	case len("Sun Nov  6 08:49:37 1994"):
		r.name(weekdays)
		r.text(" ")
		month := r.name(months)
		r.text(" ")
		day := r.padded()
		r.text(" ")
		clock := r.clock()
		r.text(" ")
		return r.date(r.number(4), month, day, clock)
	}
	r.longWeekday()
	r.text(", ")
	day := r.number(2)
	r.text("-")
	month := r.name(months)
	r.text("-")
	year := r.number(2)
	r.text(" ")
	clock := r.clock()
	r.text(" GMT")
	now := time.Now().UTC()
	year += now.Year()/100*100 + 100 // in the next century, or else an earlier one
	for year > now.Year()+50 {
		year -= 100
	}
	if t, ok = r.date(year, month, day, clock); t.After(now.AddDate(50, 0, 0)) {
		return r.date(year-100, month, day, clock)
	}
	return t, ok
}

const (
	weekdays = "SunMonTueWedThuFriSat"
	months   = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

var longWeekdays = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

// dateReader takes a date apart from the left. After a failure it goes on, so
// that the formats read as they are written, and says so at the end.
type dateReader struct {
	rest   []byte
	failed bool
}

// take is the next n octets, or a failure and nil.
func (r *dateReader) take(n int) []byte {
	if r.failed || len(r.rest) < n {
		r.failed = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *dateReader) text(want string) {
	if string(r.take(len(want))) != want {
		r.failed = true
	}
}

// number has n digits.
func (r *dateReader) number(n int) (value int) {
	for _, c := range r.take(n) {
		if !digit.has(c) {
			r.failed = true
		}
		value = value*10 + int(c-'0')
	}
	return value
}

// padded is a day of asctime: two digits, or a space and one.
func (r *dateReader) padded() int {
	if len(r.rest) > 0 && r.rest[0] == ' ' {
		r.take(1)
		return r.number(1)
	}
	return r.number(2)
}

// name is the number of one of the names, which have three letters each.
func (r *dateReader) name(names string) int {
	b := r.take(3)
	for i := 0; i < len(names); i += 3 {
		if string(b) == names[i:i+3] {
			return i / 3
		}
	}
	r.failed = true
	return 0
}

func (r *dateReader) longWeekday() {
	for _, name := range longWeekdays {
		if len(r.rest) >= len(name) && string(r.rest[:len(name)]) == name {
			r.take(len(name))
			return
		}
	}
	r.failed = true
}

// clock is hour ":" minute ":" second, since midnight.
func (r *dateReader) clock() time.Duration {
	hour := r.number(2)
	r.text(":")
	minute := r.number(2)
	r.text(":")
	second := r.number(2)
	leap := hour == 23 && minute == 59 && second == 60
	if hour > 23 || minute > 59 || second > 59 && !leap {
		r.failed = true
	}
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
}

// date puts the parts together, if all of them were there and nothing else. The
// month is counted from 0.
func (r *dateReader) date(year, month, day int, clock time.Duration) (time.Time, bool) {
	t := time.Date(year, time.Month(month+1), day, 0, 0, 0, 0, time.UTC)
	if r.failed || len(r.rest) > 0 || t.Day() != day {
		return time.Time{}, false // such as 30 Feb, which time.Date takes for 1 or 2 Mar
	}
	return t.Add(clock), true
}
