package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"fd3/lesson/course"
	"fd3/lesson/course/lab"
)

// recipe is a few commands of a lesson by which a learner has a network of their own.
var recipe = regexp.MustCompile(`(?m)^    fd3 wire up\n(?:    .*\n)*    fd3 wire down$`)

// shown is what a learner is to see by the recipes of a lesson, in their order.
var shown = map[string][]string{
	"handshake": {"RST+ACK"},
	"dgram":     {"swapped  UDP"},
}

// What the lessons tell a learner to type shows what they say, and leaves nothing.
func TestRecipes(t *testing.T) {
	for _, tool := range []string{"bash", "nc"} {
		needTool(t, tool)
	}
	need(t, exec.Command("unshare", "-Urn", "true").Run() == nil, "user and network namespaces")
	for _, l := range course.All() {
		var found []string
		for _, p := range l.Parts {
			if p.Kind == lab.Explain {
				found = append(found, recipe.FindAllString(p.Text, -1)...)
			}
		}
		if len(found) != len(shown[l.ID]) {
			t.Errorf("%s has %d recipes, and %d are known", l.ID, len(found), len(shown[l.ID]))
			continue
		}
		for i, commands := range found {
			p := in(t)
			cmd := exec.Command("bash", "-c", commands)
			cmd.Env = p.fd3().Env
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), shown[l.ID][i]) {
				t.Errorf("%s: %v, and %q is to be seen:\n%s\n%s", l.ID, err, shown[l.ID][i], commands, out)
			}
		}
	}
}
