package httpmini_test

import (
	"testing"

	"fd3/httpmini"
)

func TestRegistered(t *testing.T) {
	for method, where := range map[string]string{
		"GET": "RFC 9110 9.3.1", "HEAD": "RFC 9110 9.3.2", "POST": "RFC 9110 9.3.3", "PUT": "RFC 9110 9.3.4", "DELETE": "RFC 9110 9.3.5",
		"CONNECT": "RFC 9110 9.3.6", "OPTIONS": "RFC 9110 9.3.7", "TRACE": "RFC 9110 9.3.8", "PATCH": "RFC 5789",
	} {
		if !httpmini.Registered([]byte(method)) {
			t.Errorf("%s is unknown (%s)", method, where)
		}
	}
	for method, why := range map[string]string{
		"get": "RFC 9110 9.1 case", "Get": "RFC 9110 9.1 case", "BREW": "RFC 2324", "": "empty", "GETS": "longer", "GE": "shorter", "PROPFIND": "RFC 4918",
	} {
		if httpmini.Registered([]byte(method)) {
			t.Errorf("%s is known (%s)", method, why)
		}
	}
}
