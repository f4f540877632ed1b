package course_test

import (
	"testing"

	"fd3/lesson/course/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }
