package httpmini_test

import (
	"fmt"
	"testing"
	"time"

	"fd3/httpmini"
)

func TestParseDate(t *testing.T) {
	at := func(s string) time.Time {
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	example := at("1994-11-06T08:49:37Z")
	for name, tt := range map[string]struct {
		date string
		want time.Time
	}{
		"RFC 9110 5.6.7 IMF-fixdate":                      {"Sun, 06 Nov 1994 08:49:37 GMT", example},
		"RFC 9110 5.6.7 RFC 850":                          {"Sunday, 06-Nov-94 08:49:37 GMT", example},
		"RFC 9110 5.6.7 asctime":                          {"Sun Nov  6 08:49:37 1994", example},
		"RFC 9110 5.6.7 asctime, day of two digits":       {"Wed Nov 16 08:49:37 1994", at("1994-11-16T08:49:37Z")},
		"RFC 9110 5.6.7 the longest weekday":              {"Wednesday, 16-Nov-94 08:49:37 GMT", at("1994-11-16T08:49:37Z")},
		"RFC 9110 5.6.7 the last second":                  {"Fri, 31 Dec 9999 23:59:59 GMT", at("9999-12-31T23:59:59Z")},
		"RFC 9110 5.6.7 before Unix":                      {"Sun, 20 Jul 1969 20:17:40 GMT", at("1969-07-20T20:17:40Z")},
		"RFC 9110 5.6.7 29 Feb":                           {"Thu, 29 Feb 2024 00:00:00 GMT", at("2024-02-29T00:00:00Z")},
		"RFC 9110 5.6.7 leap second":                      {"Sat, 31 Dec 2016 23:59:60 GMT", at("2017-01-01T00:00:00Z")},
		"RFC 9110 5.6.7 leap second in asctime":           {"Sat Dec 31 23:59:60 2016", at("2017-01-01T00:00:00Z")},
		"decided: a weekday of another date is no matter": {"Mon, 06 Nov 1994 08:49:37 GMT", example},
	} {
		got, ok := httpmini.ParseDate([]byte(tt.date))
		if !ok || !got.Equal(tt.want) || got.Location() != time.UTC {
			t.Errorf("%s: %q is %v, %v", name, tt.date, got, ok)
		}
	}
}

func TestParseDateRefuses(t *testing.T) {
	for name, date := range map[string]string{
		"empty":                          "",
		"RFC 9110 5.6.7 a list":          "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 case":            "sun, 06 nov 1994 08:49:37 gmt",
		"RFC 9110 5.6.7 weekday":         "Sol, 06 Nov 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 weekday in half": "Sund, 06-Nov-94 08:49:37 GMT",
		"RFC 9110 5.6.7 month":           "Sun, 06 Nox 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 one digit":       "Sun, 6 Nov 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 space for zero":  "Sun,  6 Nov 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 zone":            "Sun, 06 Nov 1994 08:49:37 CET",
		"RFC 9110 5.6.7 offset":          "Sun, 06 Nov 1994 08:49:37 +0000",
		"RFC 9110 5.6.7 no zone":         "Sun, 06 Nov 1994 08:49:37",
		"RFC 9110 5.6.7 UTC":             "Sun, 06 Nov 1994 08:49:37 UTC",
		"RFC 9110 5.6.7 day 0":           "Sun, 00 Nov 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 31 Nov":          "Sun, 31 Nov 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 29 Feb":          "Sun, 29 Feb 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 hour":            "Sun, 06 Nov 1994 24:00:00 GMT",
		"RFC 9110 5.6.7 minute":          "Sun, 06 Nov 1994 08:60:37 GMT",
		"RFC 9110 5.6.7 second":          "Sun, 06 Nov 1994 08:49:61 GMT",
		"RFC 9110 5.6.7 no leap second":  "Sun, 06 Nov 1994 08:49:60 GMT",
		"RFC 9110 5.6.7 sign":            "Sun, +6 Nov 1994 08:49:37 GMT",
		"RFC 9110 5.6.7 fraction":        "Sun Nov  6 08:49:37.5 1994",
		"RFC 9110 5.6.7 asctime, zero":   "Sun Nov 006 8:49:37 1994",
		"RFC 9110 5.6.7 something after": "Sunday, 06-Nov-94 08:49:37 GMT ",
		"RFC 9110 5.6.7 seconds":         "784111777",
	} {
		if got, ok := httpmini.ParseDate([]byte(date)); ok || !got.IsZero() {
			t.Errorf("%s: %q is %v, %v", name, date, got, ok)
		}
	}
}

// RFC 9110 section 5.6.7: two digits that appear to be more than 50 years in
// the future are the most recent year in the past.
func TestParseDateTwoDigitYear(t *testing.T) {
	now := time.Now().UTC()
	for ahead := -49; ahead <= 50; ahead++ {
		year := now.Year() + ahead
		date := fmt.Sprintf("Sunday, 01-Jan-%02d 00:00:00 GMT", year%100)
		if got, ok := httpmini.ParseDate([]byte(date)); !ok || got.Year() != year {
			t.Errorf("%q is %v, %v, want %d", date, got, ok, year)
		}
	}
	for _, tt := range []struct {
		month string
		year  int
	}{
		{now.AddDate(50, 0, -2).Format("02-Jan-06"), now.AddDate(50, 0, -2).Year()},
		{now.AddDate(50, 0, 2).Format("02-Jan-06"), now.AddDate(50, 0, 2).Year() - 100},
	} {
		date := "Sunday, " + tt.month + now.Format(" 15:04:05 GMT")
		if got, ok := httpmini.ParseDate([]byte(date)); !ok || got.Year() != tt.year {
			t.Errorf("%q is %v, %v, want %d", date, got, ok, tt.year)
		}
	}
}

// What AppendDate writes is read back.
func TestParseDateReadsOurs(t *testing.T) {
	if got, ok := httpmini.ParseDate(httpmini.AppendDate(nil, then)); !ok || !got.Equal(then) {
		t.Errorf("%v, %v", got, ok)
	}
}
