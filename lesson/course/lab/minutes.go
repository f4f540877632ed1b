package lab

import (
	"math"
	"strings"
	"time"

	"fd3/lesson/words"
)

// How long a learner takes for the parts of a lesson, roughly.
const (
	// readRate is in words a minute. Adults read English prose silently at 238 (Brysbaert
	// 2019); terms, calls and numbers take longer.
	readRate = 200
	thinking = 20 * time.Second // over a prediction
	looking  = 12 * time.Second // at the call and the evidence of a step
	trying   = 5 * time.Minute  // an exercise, in another terminal
)

// Minutes returns about how long the lesson takes: to read all of its words, and to do
// what it asks for, which is to predict, to look at each step of its experiments, and to
// solve its exercise.
func (l Lesson) Minutes() (reading, doing int) {
	read, done := 0, time.Duration(0)
	count := func(texts ...string) {
		for _, text := range texts {
			read += len(strings.Fields(text))
		}
	}
	items := func(all []words.Item) {
		for _, item := range all {
			count(item.Text)
		}
	}
	for _, p := range l.Parts {
		count(p.Text, p.Done, p.Observe.Text)
		count(p.Hints...)
		items(p.Choices)
		items(p.Steps)
		for _, about := range p.About {
			count(about)
		}
		switch p.Kind {
		case Predict:
			done += thinking
		case Experiment:
			done += looking * time.Duration(len(p.Steps))
		case Exercise:
			done += trying
		}
	}
	return int(math.Ceil(float64(read) / readRate)), int(math.Ceil(done.Minutes()))
}
