package lab

import "fmt"

// Experiments are those of a lesson by their names in its words. Each returns its
// steps, in the order of the words. The steps share their variables in a closure.
type Experiments map[string]func(*Lab) []Step

// A Step is what one press of Space makes: one call at most that is told in full, besides
// those that run together (Setup), and the facts that it leads to. What it has made stays
// until the next, and each fact with it. Where a pause between two calls would change what
// comes of them, they are one step, of which one is told in full.
type Step struct {
	Name string // as the words have it
	Do   func()
}

// Exercises are those of a lesson by their names in its words. Each brings about the
// situation that it begins with, and returns the Check of what the learner does.
// Some exercises take part: they accept, answer and close as a server does.
type Exercises map[string]func(*Lab) Check

// A Check asks the kernel whether the learner has done an exercise. now says how far
// they are, in a line. It is made a few times a second.
type Check func() (done bool, now string)

// Agrees returns an error if the steps are not those of the words, in their order.
func (p Part) Agrees(steps []Step) error {
	for i := range max(len(steps), len(p.Steps)) {
		code, words := "none", "none"
		if i < len(steps) {
			code = steps[i].Name
		}
		if i < len(p.Steps) {
			words = p.Steps[i].Name
		}
		if code != words {
			return fmt.Errorf("%s, experiment %s: step %d is %s in the code and %s in the words", p.Lesson, p.Name, i+1, code, words)
		}
	}
	return nil
}
